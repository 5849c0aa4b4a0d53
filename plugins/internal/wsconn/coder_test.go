package wsconn

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	coder "github.com/coder/websocket"
)

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
