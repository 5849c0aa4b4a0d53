package wsconn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	coder "github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// interopTimeout ends a test whose peer hangs.
const interopTimeout = 20 * time.Second

// echoServer answers each message with itself on a loopback socket, reading
// readSize bytes at a time. A text "close CODE REASON" makes it begin the
// close handshake; "ping TEXT" makes it send a ping. The result of each
// connection goes to ended.
type echoServer struct {
	listener net.Listener
	upgrader *Upgrader
	readSize int
	ended    chan string
}

func startEchoServer(t *testing.T, readSize int) *echoServer {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &echoServer{listener, newUpgrader(t, testConfig()), readSize, make(chan string, 1)}
	stopped := make(chan struct{})
	go s.acceptAll(stopped)
	t.Cleanup(func() {
		listener.Close()
		<-stopped
	})
	return s
}

func (s *echoServer) url() string { return "ws://" + s.listener.Addr().String() + "/connect" }

func (s *echoServer) acceptAll(stopped chan<- struct{}) {
	defer close(stopped)
	for {
		socket, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.ended <- s.serve(socket)
	}
}

func (s *echoServer) serve(socket net.Conn) string {
	defer socket.Close()
	_ = socket.SetDeadline(time.Now().Add(interopTimeout))
	rest, err := s.upgrade(socket)
	if err != nil {
		return err.Error()
	}
	conn, buffer := NewConn(64<<20), make([]byte, s.readSize)
	for {
		out, broken := echoAll(&conn, rest)
		if _, err := socket.Write(out); err != nil {
			return err.Error()
		}
		if conn.Closed() {
			return fmt.Sprint("closed ", broken)
		}
		n, err := socket.Read(buffer)
		if err != nil {
			return err.Error()
		}
		rest = buffer[:n]
	}
}

func (s *echoServer) upgrade(socket net.Conn) (rest []byte, err error) {
	var h Handshake
	buffer := make([]byte, s.readSize)
	for {
		n, err := socket.Read(buffer)
		if err != nil {
			return nil, err
		}
		req, rest, err := h.Feed(s.upgrader, netip.Addr{}, buffer[:n])
		var refusal *Refusal
		if errors.As(err, &refusal) {
			_, _ = socket.Write(refusal.AppendResponse(nil))
			return nil, err
		}
		if req != nil {
			_, err := socket.Write(req.AppendResponse(nil))
			return rest, err
		}
	}
}

// echoAll returns what is to be written in answer to in.
func echoAll(conn *Conn, in []byte) (out []byte, broken error) {
	for {
		event, rest, err := conn.Next(in)
		if err != nil {
			e := err.(*Error)
			return conn.AppendClose(out, e.Code, e.Rule), err
		}
		in = rest
		switch event.Opcode {
		case None:
			return out, nil
		case Ping:
			out = AppendFrame(out, Pong, event.Payload)
		case Close:
			out = conn.AppendClose(out, event.Code, "")
		case Text, Binary:
			var code uint16
			var word string
			if n, _ := fmt.Sscanf(string(event.Payload[:min(len(event.Payload), 100)]), "close %d %s", &code, &word); n == 2 {
				out = conn.AppendClose(out, code, word)
			} else if word, ok := bytes.CutPrefix(event.Payload, []byte("ping ")); ok {
				out = AppendFrame(out, Ping, word)
			} else if !conn.Closing() {
				out = AppendFrame(out, event.Opcode, event.Payload)
			}
		}
	}
}

// eachReadSize runs a test against servers that read in different pieces.
func eachReadSize(t *testing.T, test func(t *testing.T, s *echoServer)) {
	for _, readSize := range []int{7, 512, 64 << 10} {
		t.Run(fmt.Sprintf("reads of %d", readSize), func(t *testing.T) { test(t, startEchoServer(t, readSize)) })
	}
}

func (s *echoServer) wantEnd(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-s.ended:
		if got != want {
			t.Errorf("server ended with %q, want %q", got, want)
		}
	case <-time.After(interopTimeout):
		t.Fatal("server did not end the connection")
	}
}

// echoSizes reach every form of the length and cross every buffer.
func (s *echoServer) echoSizes() []int {
	sizes := []int{0, 1, 125, 126, 65535, 65536, 3 << 20}
	if s.readSize < 100 {
		return sizes[:len(sizes)-1] // A system call for each 7 bytes takes its time.
	}
	return sizes
}

func dialCoder(t *testing.T, s *echoServer) (*coder.Conn, context.Context) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), interopTimeout)
	t.Cleanup(cancel)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	c, response, err := coder.Dial(ctx, s.url(), &coder.DialOptions{
		HTTPClient:      &http.Client{Transport: transport},
		Subprotocols:    []string{jsonProtocol},
		CompressionMode: coder.CompressionContextTakeover, // Offered, not taken.
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	if c.Subprotocol() != jsonProtocol || response.Header.Get("Sec-WebSocket-Extensions") != "" {
		t.Fatalf("subprotocol %q, response %v", c.Subprotocol(), response.Header)
	}
	c.SetReadLimit(-1)
	return c, ctx
}

func TestCoderEcho(t *testing.T) {
	eachReadSize(t, func(t *testing.T, s *echoServer) {
		c, ctx := dialCoder(t, s)
		for _, kind := range []coder.MessageType{coder.MessageText, coder.MessageBinary} {
			for _, size := range s.echoSizes() {
				sent := []byte(strings.Repeat("κόσμε ", size/11+1)[:size])
				if kind == coder.MessageText {
					sent = bytes.ToValidUTF8(sent, []byte("?"))
				}
				if err := c.Write(ctx, kind, sent); err != nil {
					t.Fatal(err)
				}
				got, echo, err := c.Read(ctx)
				if err != nil || got != kind || !bytes.Equal(echo, sent) {
					t.Fatalf("%v of %d: %v of %d, %v", kind, size, got, len(echo), err)
				}
			}
		}
		if err := c.Close(4001, "bye"); err != nil {
			t.Errorf("close handshake: %v", err)
		}
		s.wantEnd(t, "closed <nil>")
	})
}

func TestCoderFragmentsAndPings(t *testing.T) {
	eachReadSize(t, func(t *testing.T, s *echoServer) {
		c, ctx := dialCoder(t, s)
		w, err := c.Writer(ctx, coder.MessageText)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{"Hel", "", "lo \xce", "\xba"} { // Each a frame.
			if _, err := io.WriteString(w, part); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if _, echo, err := c.Read(ctx); err != nil || string(echo) != "Hello κ" {
			t.Fatalf("%q %v", echo, err)
		}
		reading := c.CloseRead(ctx) // Pongs are read behind the scenes.
		if err := c.Ping(ctx); err != nil {
			t.Fatal(err)
		}
		_ = c.Close(coder.StatusNormalClosure, "")
		<-reading.Done()
		s.wantEnd(t, "closed <nil>")
	})
}

func TestCoderIsClosedByTheServer(t *testing.T) {
	eachReadSize(t, func(t *testing.T, s *echoServer) {
		c, ctx := dialCoder(t, s)
		if err := c.Write(ctx, coder.MessageText, []byte("close 4503 kicked")); err != nil {
			t.Fatal(err)
		}
		_, _, err := c.Read(ctx)
		var closed coder.CloseError
		if !errors.As(err, &closed) || closed.Code != 4503 || closed.Reason != "kicked" {
			t.Errorf("%v, want code 4503", err)
		}
		s.wantEnd(t, "closed <nil>")
	})
}

func TestCoderIsToldOfItsError(t *testing.T) {
	eachReadSize(t, func(t *testing.T, s *echoServer) {
		c, ctx := dialCoder(t, s)
		if err := c.Write(ctx, coder.MessageText, []byte("not UTF-8: \xff")); err != nil {
			t.Fatal(err)
		}
		_, _, err := c.Read(ctx)
		var closed coder.CloseError
		if !errors.As(err, &closed) || closed.Code != coder.StatusInvalidFramePayloadData || closed.Reason != errText.Rule {
			t.Errorf("%v, want code 1007", err)
		}
		s.wantEnd(t, "closed "+errText.Error())
	})
}

func dialGorilla(t *testing.T, s *echoServer) *gorilla.Conn {
	t.Helper()
	dialer := gorilla.Dialer{
		Subprotocols:      []string{"mqtt", binaryProtocol},
		EnableCompression: true, // Offered, not taken.
		WriteBufferSize:   200,  // Longer messages are fragmented.
	}
	c, response, err := dialer.DialContext(t.Context(), s.url(), http.Header{"Origin": {"http://" + s.listener.Addr().String()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if c.Subprotocol() != binaryProtocol || response.Header.Get("Sec-WebSocket-Extensions") != "" {
		t.Fatalf("subprotocol %q, response %v", c.Subprotocol(), response.Header)
	}
	deadline := time.Now().Add(interopTimeout)
	_, _ = c.SetReadDeadline(deadline), c.SetWriteDeadline(deadline)
	return c
}

func TestGorillaEcho(t *testing.T) {
	eachReadSize(t, func(t *testing.T, s *echoServer) {
		c := dialGorilla(t, s)
		for _, kind := range []int{gorilla.TextMessage, gorilla.BinaryMessage} {
			for _, size := range s.echoSizes() {
				sent := bytes.ToValidUTF8([]byte(strings.Repeat("κόσμε ", size/11+1)[:size]), []byte("?"))
				w, err := c.NextWriter(kind)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := w.Write(sent); err != nil {
					t.Fatal(err)
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				got, echo, err := c.ReadMessage()
				if err != nil || got != kind || !bytes.Equal(echo, sent) {
					t.Fatalf("kind %d of %d: kind %d of %d, %v", kind, size, got, len(echo), err)
				}
			}
		}
	})
}

func TestGorillaPingsBothWays(t *testing.T) {
	eachReadSize(t, func(t *testing.T, s *echoServer) {
		c := dialGorilla(t, s)
		var heard []string
		c.SetPongHandler(func(s string) error { heard = append(heard, "pong "+s); return nil })
		answer := c.PingHandler()
		c.SetPingHandler(func(s string) error { heard = append(heard, "ping "+s); return answer(s) })
		longest := strings.Repeat("p", 125)

		w, err := c.NextWriter(gorilla.TextMessage)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{strings.Repeat("a", 300), strings.Repeat("b", 300)} {
			if _, err := io.WriteString(w, part); err != nil { // Frames go out on the way.
				t.Fatal(err)
			}
			if err := c.WriteControl(gorilla.PingMessage, []byte(longest), time.Now().Add(interopTimeout)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if _, echo, err := c.ReadMessage(); err != nil || len(echo) != 600 {
			t.Fatalf("%d bytes, %v", len(echo), err)
		}
		for _, message := range []string{"ping are you there", "end"} {
			if err := c.WriteMessage(gorilla.TextMessage, []byte(message)); err != nil {
				t.Fatal(err)
			}
		}
		if _, echo, err := c.ReadMessage(); err != nil || string(echo) != "end" {
			t.Fatalf("%q %v", echo, err)
		}
		want := fmt.Sprint([]string{"pong " + longest, "pong " + longest, "ping are you there"})
		if fmt.Sprint(heard) != want {
			t.Errorf("heard %v, want %v", heard, want)
		}
	})
}

func TestGorillaClosesAndIsClosed(t *testing.T) {
	eachReadSize(t, func(t *testing.T, s *echoServer) {
		c := dialGorilla(t, s)
		goodbye := gorilla.FormatCloseMessage(4001, "bye")
		if err := c.WriteControl(gorilla.CloseMessage, goodbye, time.Now().Add(interopTimeout)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.ReadMessage(); !gorilla.IsCloseError(err, 4001) {
			t.Errorf("closing: %v, want the same code back", err)
		}
		s.wantEnd(t, "closed <nil>")

		c = dialGorilla(t, s)
		if err := c.WriteMessage(gorilla.TextMessage, []byte("close 1001 restart")); err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.ReadMessage(); !gorilla.IsCloseError(err, gorilla.CloseGoingAway) {
			t.Errorf("being closed: %v, want code 1001", err)
		}
		s.wantEnd(t, "closed <nil>")
	})
}

func TestRefusalsReachTheClients(t *testing.T) {
	s := startEchoServer(t, 100)
	_, response, err := (&gorilla.Dialer{}).DialContext(t.Context(), s.url(), nil)
	if err == nil || response == nil || response.StatusCode != http.StatusBadRequest {
		t.Fatalf("without a subprotocol: %v %v", response, err)
	}
	if body, _ := io.ReadAll(response.Body); !strings.Contains(string(body), binaryProtocol) {
		t.Errorf("the body does not name what to offer: %s", body)
	}
	<-s.ended

	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	plain, err := (&http.Client{Transport: transport}).Get("http://" + s.listener.Addr().String() + "/connect")
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Body.Close()
	if plain.StatusCode != http.StatusUpgradeRequired || plain.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("plain HTTP: %v", plain)
	}
	<-s.ended
}
