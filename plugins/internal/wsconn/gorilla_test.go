package wsconn

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	gorilla "github.com/gorilla/websocket"
)

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
	t.Cleanup(func() { _ = c.Close() })
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
	defer func() { _ = plain.Body.Close() }()
	if plain.StatusCode != http.StatusUpgradeRequired || plain.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("plain HTTP: %v", plain)
	}
	<-s.ended
}
