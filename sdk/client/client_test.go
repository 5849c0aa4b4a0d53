package client_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/pushcore/pushcore/sdk/client"
	"github.com/pushcore/pushcore/sdk/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func wantAck(t *testing.T, c *fakeConn, want wire.Ack) {
	t.Helper()
	got := expect[wire.Ack](c)
	if got.Seq != want.Seq || len(got.Ranges) != len(want.Ranges) || (len(want.Ranges) > 0 && !reflect.DeepEqual(got.Ranges, want.Ranges)) {
		t.Fatalf("ack %+v, want %+v", *got, want)
	}
}

func TestMessagesAreHandledInOrderAndAckedTogether(t *testing.T) {
	bubble(t, func(t *testing.T, n *fakeNode) {
		h := newIDs()
		c := start(t, n.config(h.handle))
		conn, connect := n.accept(session("s", false))
		if connect.User != "alice" || len(connect.Resume.Session) != 0 {
			t.Errorf("CONNECT says %+v", connect)
		}
		conn.send(push(1, "a"), push(2, "b"), push(0, "fast"), push(5, "c"))
		h.want(t, "a", "b", "fast", "c")
		wantAck(t, conn, wire.Ack{Seq: 5})
		if f := conn.next(5 * time.Second); f != nil {
			t.Errorf("%+v is sent besides", f)
		}
		stop(t, c)
	})
}

func TestHalfOfTheWindowIsAckedAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, n *fakeNode) {
		cfg := n.config(newIDs().handle)
		cfg.AckDelay = 400 * time.Millisecond
		c := start(t, cfg)
		a := session("s", false)
		a.Window = 4
		conn, _ := n.accept(a)
		began := time.Now()
		conn.send(push(1, "a"), push(2, "b"))
		wantAck(t, conn, wire.Ack{Seq: 2})
		conn.send(push(3, "c"))
		if took := time.Since(began); took > 0 {
			t.Errorf("half of the window was acked after %v", took)
		}
		wantAck(t, conn, wire.Ack{Seq: 3})
		if took := time.Since(began); took != 400*time.Millisecond {
			t.Errorf("a single message was acked after %v", took)
		}
		stop(t, c)
	})
}

func TestRepeatsAreAckedButNotHandedOn(t *testing.T) {
	bubble(t, func(t *testing.T, n *fakeNode) {
		h := newIDs()
		c := start(t, n.config(h.handle))
		conn, _ := n.accept(session("s", false))
		conn.send(push(1, "a"))
		wantAck(t, conn, wire.Ack{Seq: 1})
		conn.send(push(1, "a"), push(0, "a"), push(2, "a"))
		h.want(t, "a")
		wantAck(t, conn, wire.Ack{Seq: 2})
		if s := c.Stats(); s.Repeats != 2 || s.Received != 1 {
			t.Errorf("counted %+v", s)
		}
		stop(t, c)
	})
}

func TestResumeSaysWhatIsAckedAndGoesOn(t *testing.T) {
	bubble(t, func(t *testing.T, n *fakeNode) {
		h := newIDs()
		c := start(t, n.config(h.handle))
		conn, _ := n.accept(session("s1", false))
		conn.send(push(1, "a"), push(2, "b"))
		h.want(t, "a", "b")
		conn.Close() // Before the ack.

		conn, connect := n.accept(session("s2", true))
		if want := (wire.Resume{Session: []byte("s1"), Epoch: 7, Seq: 2}); !reflect.DeepEqual(connect.Resume, want) {
			t.Errorf("resumes with %+v, want %+v", connect.Resume, want)
		}
		wantAck(t, conn, wire.Ack{Seq: 2})
		conn.send(push(2, "b"), push(3, "c"))
		h.want(t, "c")
		wantAck(t, conn, wire.Ack{Seq: 3})
		if s := c.Stats(); s.Connections != 2 || s.Resumed != 1 {
			t.Errorf("counted %+v", s)
		}
		stop(t, c)
	})
}

func TestLostSessionBringsOpenMessagesUnderNewNumbers(t *testing.T) {
	bubble(t, func(t *testing.T, n *fakeNode) {
		h, proceed := newIDs(), make(chan struct{})
		c := start(t, n.config(func(ctx context.Context, m client.Message) error {
			<-proceed
			return h.handle(ctx, m)
		}))
		conn, _ := n.accept(session("s1", false))
		conn.send(push(8, "a"), push(9, "b"))
		synctest.Wait()
		conn.Close()
		a := session("s2", false)
		a.Epoch = 8
		conn, connect := n.accept(a)
		if connect.Resume.Seq != 7 {
			t.Errorf("says that it has handled up to %d", connect.Resume.Seq)
		}
		conn.send(push(1, "a"), push(2, "b"), push(3, "c"))
		close(proceed)
		h.want(t, "a", "b", "c")
		wantAck(t, conn, wire.Ack{Seq: 3})
		stop(t, c)
	})
}

func TestAcksGoAroundWhatShallComeAgain(t *testing.T) {
	bubble(t, func(t *testing.T, n *fakeNode) {
		h, failed := newIDs(), false
		c := start(t, n.config(func(ctx context.Context, m client.Message) error {
			if m.ID == "b" && !failed {
				failed = true
				return client.RetryAfter(errors.New("disk full"), time.Minute)
			}
			return h.handle(ctx, m)
		}))
		conn, _ := n.accept(session("s", false))
		conn.send(push(1, "a"), push(2, "b"), push(3, "c"))
		nack := expect[wire.Nack](conn)
		if *nack != (wire.Nack{Seq: 2, RetryAfterMS: 60_000, Text: "disk full"}) {
			t.Errorf("nack %+v", *nack)
		}
		wantAck(t, conn, wire.Ack{Seq: 1, Ranges: []wire.SeqRange{{First: 3, Last: 3}}})
		conn.Close()
		conn, connect := n.accept(session("s", true))
		if connect.Resume.Seq != 1 {
			t.Errorf("resumes with %d", connect.Resume.Seq)
		}
		wantAck(t, conn, wire.Ack{Seq: 1, Ranges: []wire.SeqRange{{First: 3, Last: 3}}})
		conn.send(push(2, "b"))
		h.want(t, "a", "c", "b")
		wantAck(t, conn, wire.Ack{Seq: 3})
		stop(t, c)
	})
}

func TestRefusedMessagesAreNackedBeforeTheAckGetsPastThem(t *testing.T) {
	bubble(t, func(t *testing.T, n *fakeNode) {
		c := start(t, n.config(func(context.Context, client.Message) error { return client.Refuse(errors.New("unreadable")) }))
		conn, _ := n.accept(session("s", false))
		conn.send(push(1, "a"))
		if nack := expect[wire.Nack](conn); *nack != (wire.Nack{Seq: 1, Final: true, Text: "unreadable"}) {
			t.Errorf("nack %+v", *nack)
		}
		wantAck(t, conn, wire.Ack{Seq: 1})
		stop(t, c)
	})
}

func TestCloseWaitsForTheHandlerAndAcks(t *testing.T) {
	bubble(t, func(t *testing.T, n *fakeNode) {
		entered, proceed := make(chan struct{}, 9), make(chan struct{})
		c := start(t, n.config(func(context.Context, client.Message) error {
			entered <- struct{}{}
			<-proceed
			return nil
		}))
		conn, _ := n.accept(session("s", false))
		conn.send(push(1, "a"), push(2, "b"))
		<-entered
		closed := make(chan error, 1)
		go func() { closed <- c.Close(context.Background()) }()
		synctest.Wait()
		close(proceed)
		wantAck(t, conn, wire.Ack{Seq: 1})
		conn.closed()
		if err := <-closed; err != nil || !errors.Is(c.Err(), client.ErrClosed) {
			t.Errorf("closed with %v, ended with %v", err, c.Err())
		}
		if len(entered) > 0 {
			t.Error("a message was handled after Close")
		}
	})
}

func TestCloseWithoutPatienceEndsTheHandlersContext(t *testing.T) {
	bubble(t, func(t *testing.T, n *fakeNode) {
		c := start(t, n.config(func(ctx context.Context, _ client.Message) error {
			<-ctx.Done()
			return ctx.Err()
		}))
		conn, _ := n.accept(session("s", false))
		conn.send(push(1, "a"))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := c.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("close says %v", err)
		}
		if f := conn.next(time.Minute); f != nil {
			t.Errorf("%+v is sent for a message that was given up", f)
		}
	})
}

func TestFastMessagesBeyondTheBoundDropTheOldest(t *testing.T) {
	bubble(t, func(t *testing.T, n *fakeNode) {
		h, proceed := newIDs(), make(chan struct{})
		cfg := n.config(func(ctx context.Context, m client.Message) error {
			<-proceed
			return h.handle(ctx, m)
		})
		cfg.FastMax = 2
		c := start(t, cfg)
		conn, _ := n.accept(session("s", false))
		conn.send(push(1, "handling"))
		synctest.Wait()
		conn.send(push(0, "x"), push(2, "reliable"), push(0, "y"), push(0, "z"))
		synctest.Wait()
		close(proceed)
		h.want(t, "handling", "reliable", "y", "z")
		if s := c.Stats(); s.FastDropped != 1 {
			t.Errorf("counted %+v", s)
		}
		wantAck(t, conn, wire.Ack{Seq: 2})
		stop(t, c)
	})
}

func TestNoAckLeavesMessagesToTheNextSession(t *testing.T) {
	bubble(t, func(t *testing.T, n *fakeNode) {
		h := newIDs()
		cfg := n.config(h.handle)
		cfg.NoAck = true
		c := start(t, cfg)
		conn, _ := n.accept(session("s", false))
		conn.send(push(1, "a"))
		h.want(t, "a")
		if f := conn.next(time.Second); f != nil {
			t.Errorf("%+v is sent", f)
		}
		conn.Close()
		_, connect := n.accept(session("s", true))
		if connect.Resume.Seq != 0 {
			t.Errorf("resumes with %d", connect.Resume.Seq)
		}
		stop(t, c)
	})
}
