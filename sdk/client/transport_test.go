package client_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang/snappy"
	"github.com/klauspost/compress/zstd"

	"github.com/pushcore/pushcore/sdk/client"
	"github.com/pushcore/pushcore/sdk/wire"
)

// read reads one frame of a WebSocket as a node that is not ours does.
func read[F any, P interface {
	*F
	wire.Frame
}](t *testing.T, ctx context.Context, c *websocket.Conn) P {
	t.Helper()
	kind, b, err := c.Read(ctx)
	if err != nil || kind != websocket.MessageBinary {
		t.Errorf("read %v: %v", kind, err)
		return new(F)
	}
	f := P(new(F))
	if err := f.Parse(b); err != nil {
		t.Error(err)
	}
	return f
}

// webSocketNode serves each connection with the story's next part.
func webSocketNode(t *testing.T, parts ...func(ctx context.Context, c *websocket.Conn)) *httptest.Server {
	turn := make(chan func(ctx context.Context, c *websocket.Conn), len(parts))
	for _, p := range parts {
		turn <- p
	}
	return httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"pushcore.v1"}})
		if err != nil {
			t.Error(err)
			return
		}
		c.SetReadLimit(wire.FrameBytesDefault)
		defer c.CloseNow()
		select {
		case part := <-turn:
			part(r.Context(), c)
		default:
			t.Error("a connection too many")
		}
	}))
}

func writeFrame(t *testing.T, ctx context.Context, c *websocket.Conn, f wire.Frame) {
	t.Helper()
	if err := c.Write(ctx, websocket.MessageBinary, f.Append(nil)); err != nil {
		t.Error(err)
	}
}

func TestWebSocketOfAnotherImplementation(t *testing.T) {
	for _, scheme := range []string{"ws", "wss"} {
		t.Run(scheme, func(t *testing.T) {
			large := strings.Repeat("0123456789", 20_000)
			s := webSocketNode(t,
				func(ctx context.Context, c *websocket.Conn) {
					if connect := read[wire.Connect](t, ctx, c); connect.User != "alice" {
						t.Errorf("CONNECT says %+v", connect)
					}
					writeFrame(t, ctx, c, &wire.Accept{Session: []byte("s"), Epoch: 1, Window: 64, RememberIDs: 64, UplinkBytesMax: 1 << 20})
					// Fragments, with a ping between them, which reading answers.
					w, err := c.Writer(ctx, websocket.MessageBinary)
					if err != nil {
						t.Error(err)
					}
					for chunk := range slices.Chunk((&wire.Push{Seq: 1, ID: []byte("large"), Payload: []byte(large)}).Append(nil), 5000) {
						if _, err := w.Write(chunk); err != nil {
							t.Error(err)
						}
					}
					if err := w.Close(); err != nil {
						t.Error(err)
					}
					ack := make(chan uint64, 1)
					go func() { ack <- read[wire.Ack](t, ctx, c).Seq }()
					if err := c.Ping(ctx); err != nil {
						t.Error(err)
					}
					if seq := <-ack; seq != 1 {
						t.Errorf("acks %d", seq)
					}
					if err := c.Close(4000, ""); err != nil { // A bare code: it says to come back.
						t.Errorf("the close handshake: %v", err)
					}
				},
				func(ctx context.Context, c *websocket.Conn) {
					if connect := read[wire.Connect](t, ctx, c); connect.Resume.Seq != 1 || string(connect.Resume.Session) != "s" {
						t.Errorf("resumes with %+v", connect.Resume)
					}
					writeFrame(t, ctx, c, &wire.Accept{Resumed: true, Session: []byte("s"), Epoch: 1, UplinkBytesMax: 1 << 20})
					read[wire.Ack](t, ctx, c)
					send := read[wire.Send](t, ctx, c)
					if string(send.Payload) != large {
						t.Errorf("%d bytes are sent", len(send.Payload))
					}
					writeFrame(t, ctx, c, &wire.Sent{ID: string(send.ID)})
					if _, _, err := c.Read(ctx); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
						t.Errorf("the device ends with %v", err)
					}
				})
			if scheme == "wss" {
				s.StartTLS()
			} else {
				s.Start()
			}
			defer s.Close()
			got, resumed := make(chan string, 1), make(chan struct{})
			cfg := client.Config{
				URLs: []string{strings.Replace(s.URL, "http", "ws", 1) + "/connect"}, User: "alice",
				Handler: func(_ context.Context, m client.Message) error { got <- string(m.Payload); return nil },
				OnState: func(s client.State) {
					if s.Resumed {
						close(resumed)
					}
				},
			}
			if scheme == "wss" {
				cfg.TLS = s.Client().Transport.(*http.Transport).TLSClientConfig
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			c, err := client.Dial(ctx, cfg)
			if err != nil {
				t.Fatal(err)
			}
			if <-got != large {
				t.Error("the message was changed on its way")
			}
			<-resumed
			if err := c.Send(ctx, "", []byte(large)); err != nil {
				t.Error(err)
			}
			if err := c.Close(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWebSocketCodesFollowTheirBand(t *testing.T) {
	for code, terminal := range map[websocket.StatusCode]bool{4503: true, 4999: true, 4499: false, 1011: false} {
		again := make(chan struct{})
		end := func(ctx context.Context, c *websocket.Conn) {
			read[wire.Connect](t, ctx, c)
			_ = c.Close(code, "over")
		}
		s := webSocketNode(t, end, func(ctx context.Context, c *websocket.Conn) {
			close(again)
			read[wire.Connect](t, ctx, c)
			_ = c.Close(4500, "")
		})
		s.Start()
		c := start(t, client.Config{URLs: []string{"ws" + s.URL[4:]}, User: "alice", Handler: ignore})
		<-c.Done() // Both stories end so.
		select {
		case <-again:
			if terminal {
				t.Errorf("the device comes back after %d", code)
			}
		default:
			if !terminal {
				t.Errorf("the device does not come back after %d: %v", code, c.Err())
			}
		}
		stop(t, c)
		s.Close()
	}
}

func TestTCPAndTLSWithRealSockets(t *testing.T) {
	server := httptest.NewTLSServer(nil) // For its certificate.
	defer server.Close()
	for _, scheme := range []string{"tcp", "tls"} {
		t.Run(scheme, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			cfg := client.Config{URLs: []string{scheme + "://" + listener.Addr().String()}, User: "alice"}
			if scheme == "tls" {
				listener = tls.NewListener(listener, server.TLS)
				cfg.TLS = server.Client().Transport.(*http.Transport).TLSClientConfig
			}
			handled := make(chan struct{}, 1)
			cfg.Handler = func(context.Context, client.Message) error { handled <- struct{}{}; return nil }
			c := start(t, cfg)
			accepted, err := listener.Accept()
			if err != nil {
				t.Fatal(err)
			}
			conn := &fakeConn{t: t, Conn: accepted}
			expect[wire.Connect](conn)
			conn.send(&wire.Accept{Window: 10, RememberIDs: 1}, push(1, "a"))
			<-handled
			wantAck(t, conn, wire.Ack{Seq: 1})
			conn.send(push(2, "b"))
			<-handled
			go stop(t, c)
			wantAck(t, conn, wire.Ack{Seq: 2}) // Written by Close, if not before.
			conn.closed()
			accepted.Close()
			<-c.Done()
		})
	}
}

func compressed(t *testing.T, codec string, payload []byte) []byte {
	t.Helper()
	if codec == "snappy" {
		return snappy.Encode(nil, payload)
	}
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll(payload, nil)
}

func TestPayloadsAreDecompressedWithinTheBound(t *testing.T) {
	small, large := []byte(strings.Repeat("small ", 50)), make([]byte, 100_000)
	for _, codec := range []string{"snappy", "zstd"} {
		t.Run(codec, func(t *testing.T) {
			bubble(t, func(t *testing.T, n *fakeNode) {
				var got []string
				cfg := n.config(func(_ context.Context, m client.Message) error { got = append(got, string(m.Payload)); return nil })
				cfg.PayloadBytesMax = 50_000
				c := start(t, cfg)
				a := session("s", false)
				a.Codec = codec
				conn, connect := n.accept(a)
				if !slices.Contains(connect.Codecs, codec) {
					t.Errorf("CONNECT offers %v", connect.Codecs)
				}
				conn.send(
					&wire.Push{Seq: 1, ID: []byte("a"), Compressed: true, Payload: compressed(t, codec, small)},
					&wire.Push{Seq: 2, ID: []byte("b"), Compressed: true, Payload: compressed(t, codec, large)},
					&wire.Push{Seq: 3, ID: []byte("c"), Compressed: true, Payload: []byte("\xff\xff\xff\xff\x0fnonsense")},
					&wire.Push{Seq: 4, ID: []byte("d"), Payload: small})
				for _, seq := range []uint64{2, 3} {
					if nack := expect[wire.Nack](conn); nack.Seq != seq || !nack.Final {
						t.Errorf("nack %+v", nack)
					}
				}
				wantAck(t, conn, wire.Ack{Seq: 4})
				if !slices.Equal(got, []string{string(small), string(small)}) {
					t.Errorf("handled %d payloads", len(got))
				}
				stop(t, c)
			})
		})
	}
}
