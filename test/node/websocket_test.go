package node

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"
)

// A browser's console can play a device by hand, as docs/wire.md says.
func TestDeviceByHandInJSON(t *testing.T) {
	n := start(t, listeners)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c, _, err := websocket.Dial(ctx, n.urls["ws"], &websocket.DialOptions{Subprotocols: []string{"pushcore.v1.json"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	say := func(text string) {
		if err := c.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	hear := func() (frame struct {
		Type, Payload, User string
		Seq                 int
	}) {
		_, b, err := c.Read(ctx)
		if err == nil {
			err = json.Unmarshal(b, &frame)
		}
		if err != nil {
			t.Fatal(err)
		}
		return frame
	}
	say(`{"type":"connect","version":1,"user":"alice"}`)
	if f := hear(); f.Type != "accept" || f.User != "alice" {
		t.Fatalf("heard %+v", f)
	}
	pushed := make(chan int, 1) // It is answered when the device has acked, or soon after.
	go func() {
		status, _, _ := n.try("POST", "/v1/push", "hello", "push-to", "user:alice")
		pushed <- status
	}()
	if f := hear(); f.Type != "push" || f.Payload != "hello" || f.Seq != 1 {
		t.Fatalf("heard %+v", f)
	}
	say(`{"type":"ack","seq":1}`)
	if status := <-pushed; status != 202 {
		t.Errorf("the push was answered with %d", status)
	}
	n.becomes(`pushcore_fates_total{class="reliable",fate="acked",reason=""}`, "1")
	if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Errorf("the close handshake was not finished: %v", err)
	}
}

// A device that ends its WebSocket in good order gets its Close frame back.
func TestCloseHandshakeIsAnswered(t *testing.T) {
	n := start(t, listeners)
	d := gorilla.Dialer{Subprotocols: []string{"pushcore.v1"}, HandshakeTimeout: 5 * time.Second}
	c, response, err := d.Dial(n.urls["ws"], nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = response.Body.Close()
	if err := c.WriteMessage(gorilla.CloseMessage, gorilla.FormatCloseMessage(gorilla.CloseNormalClosure, "bye")); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	_, _, err = c.ReadMessage()
	var closed *gorilla.CloseError
	if !errors.As(err, &closed) || closed.Code != gorilla.CloseNormalClosure {
		t.Fatalf("wanted the Close frame back, got %v", err)
	}
}
