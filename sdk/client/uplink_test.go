package client_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushcore/pushcore/sdk/client"
	"github.com/pushcore/pushcore/sdk/wire"
)

// sending runs Send beside the story.
func sending(ctx context.Context, c *client.Client, payload string) <-chan error {
	result := make(chan error, 1)
	go func() { result <- c.Send(ctx, "position", []byte(payload)) }()
	return result
}

func TestSendIsRepeatedUnderItsIDUntilAnswered(t *testing.T) {
	bubble(t, func(t *testing.T, n *fakeNode) {
		c := start(t, n.config(ignore))
		result := sending(t.Context(), c, "here")
		conn, _ := n.accept(session("s", false))
		first := expect[wire.Send](conn)
		if string(first.Name) != "position" || string(first.Payload) != "here" {
			t.Errorf("sends %+v", first)
		}
		conn.Close()
		conn, _ = n.accept(session("s", true))
		expect[wire.Ack](conn)
		if again := expect[wire.Send](conn); string(again.ID) != string(first.ID) {
			t.Errorf("sends %q again as %q", first.ID, again.ID)
		}
		conn.send(&wire.Sent{ID: string(first.ID)})
		if err := <-result; err != nil {
			t.Error(err)
		}
		stop(t, c)
	})
}

func TestRetryableRefusalIsSentAgainLater(t *testing.T) {
	bubble(t, func(t *testing.T, n *fakeNode) {
		c := start(t, n.config(ignore))
		conn, _ := n.accept(session("s", false))
		result := sending(t.Context(), c, "x")
		id := string(expect[wire.Send](conn).ID)
		began := time.Now()
		conn.send(&wire.Sent{ID: id, Code: wire.CodeUnavailable, Retryable: true})
		if again := expect[wire.Send](conn); string(again.ID) != id || time.Since(began) < 100*time.Millisecond {
			t.Errorf("%q is sent again as %q after %v", id, again.ID, time.Since(began))
		}
		conn.send(&wire.Sent{ID: id})
		if err := <-result; err != nil {
			t.Error(err)
		}
		stop(t, c)
	})
}

func TestSendErrors(t *testing.T) {
	bubble(t, func(t *testing.T, n *fakeNode) {
		c := start(t, n.config(ignore))
		conn, _ := n.accept(session("s", false))

		result := sending(t.Context(), c, "x")
		conn.send(&wire.Sent{ID: string(expect[wire.Send](conn).ID), Code: wire.CodeNoRoute, Text: "nowhere"})
		var refused *client.ResultError
		if err := <-result; !errors.As(err, &refused) || refused.Code != wire.CodeNoRoute {
			t.Errorf("refused for good: %v", err)
		}
		if err := c.Send(t.Context(), "", make([]byte, 1001)); !errors.Is(err, client.ErrTooLarge) {
			t.Errorf("too large: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		result = sending(ctx, c, "unanswered")
		expect[wire.Send](conn)
		if err := <-result; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("not answered in time: %v", err)
		}
		if err := c.SendUplink(t.Context(), client.Uplink{ID: "a\nb"}); err == nil {
			t.Error("an id with a line break is sent")
		}
		result = sending(t.Context(), c, "at the end")
		expect[wire.Send](conn)
		stop(t, c)
		if err := <-result; !errors.Is(err, client.ErrClosed) {
			t.Errorf("closed meanwhile: %v", err)
		}
	})
}

func TestHandlerMaySendAndWait(t *testing.T) {
	bubble(t, func(t *testing.T, n *fakeNode) {
		var c *client.Client
		made := make(chan struct{})
		c = start(t, n.config(func(ctx context.Context, m client.Message) error {
			<-made
			return c.Send(ctx, "reply", m.Payload)
		}))
		close(made)
		conn, _ := n.accept(session("s", false))
		conn.send(push(1, "a"))
		conn.send(&wire.Sent{ID: string(expect[wire.Send](conn).ID)})
		wantAck(t, conn, wire.Ack{Seq: 1})
		stop(t, c)
	})
}

func TestGroupsAreJoinedAnewWhereTheyWereLeftOff(t *testing.T) {
	bubble(t, func(t *testing.T, n *fakeNode) {
		h := newIDs()
		cfg := n.config(h.handle)
		cfg.Groups = []string{"news"}
		results := make(chan error, 9)
		cfg.OnJoined = func(_ string, _ client.Joined, err error) { results <- err }
		c := start(t, cfg)
		conn, _ := n.accept(session("s", false))
		if join := expect[wire.Join](conn); *join != (wire.Join{Group: "news"}) {
			t.Errorf("joins %+v", *join)
		}
		conn.send(&wire.Joined{Group: "news", Position: 40},
			&wire.Push{ID: []byte("n41"), FromGroup: []byte("news"), Position: 41})
		h.want(t, "n41")
		conn.Close()

		conn, _ = n.accept(session("s", true)) // Still in the group, for what came meanwhile.
		if join := expect[wire.Join](conn); *join != (wire.Join{Group: "news", Position: 41}) {
			t.Errorf("joins again with %+v", *join)
		}
		expect[wire.Ack](conn)
		conn.send(&wire.Joined{Group: "news", Position: 41})
		if f := conn.next(time.Second); f != nil {
			t.Errorf("%+v is sent after a resume", f)
		}
		conn.Close()

		conn, _ = n.accept(session("s2", false))
		if join := expect[wire.Join](conn); *join != (wire.Join{Group: "news", Position: 41}) {
			t.Errorf("joins again with %+v", *join)
		}
		conn.send(&wire.Joined{Group: "news", Code: wire.CodeForbidden})
		synctest.Wait()
		conn.Close()
		conn, _ = n.accept(session("s3", false))
		if f := conn.next(time.Second); f != nil {
			t.Errorf("%+v is sent for a group that refused", f)
		}
		if first, second, third := <-results, <-results, <-results; first != nil || second != nil || third == nil {
			t.Errorf("results %v, %v and %v", first, second, third)
		}
		stop(t, c)
	})
}

func TestJoinWaitsForItsAnswerAndLeaveEndsIt(t *testing.T) {
	bubble(t, func(t *testing.T, n *fakeNode) {
		c := start(t, n.config(ignore))
		conn, _ := n.accept(session("s", false))
		result := make(chan client.Joined, 1)
		go func() {
			joined, err := c.Join(t.Context(), "chat")
			if err != nil {
				t.Error(err)
			}
			result <- joined
		}()
		expect[wire.Join](conn)
		conn.send(&wire.Joined{Group: "chat", Position: 3, Gap: true})
		if got := <-result; got != (client.Joined{Position: 3, Gap: true}) {
			t.Errorf("joined %+v", got)
		}
		c.Leave("chat")
		if leave := expect[wire.Leave](conn); leave.Group != "chat" {
			t.Errorf("leaves %q", leave.Group)
		}
		stop(t, c)
	})
}
