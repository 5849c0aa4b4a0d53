package client_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushcore/pushcore/sdk/client"
	"github.com/pushcore/pushcore/sdk/wire"
)

// fromNews is a message of the group news; with a seq it is reliable.
func fromNews(seq, position uint64, id string) *wire.Push {
	return &wire.Push{Seq: seq, ID: []byte(id), FromGroup: []byte("news"), Position: position}
}

// inNews starts a Client that is in the group news at position 40.
func inNews(t *testing.T, n *fakeNode, change func(*client.Config)) (c *client.Client, conn *fakeConn, gaps chan client.Joined) {
	gaps = make(chan client.Joined, 9)
	cfg := n.config(ignore)
	cfg.Groups = []string{"news"}
	cfg.OnJoined = func(_ string, j client.Joined, _ error) {
		if j.Gap {
			gaps <- j
		}
	}
	change(&cfg)
	c = start(t, cfg)
	conn, _ = n.accept(session("s", false))
	expect[wire.Join](conn)
	conn.send(&wire.Joined{Group: "news", Position: 40})
	return c, conn, gaps
}

// TestPositionIsNotReachedBeforeWhatIsMissingHasCome resends of a resumed session come
// before the history, and are newer than what it is to bring.
func TestPositionIsNotReachedBeforeWhatIsMissingHasCome(t *testing.T) {
	bubble(t, func(t *testing.T, n *fakeNode) {
		h := newIDs()
		c, conn, _ := inNews(t, n, func(cfg *client.Config) { cfg.Handler = h.handle })
		conn.send(fromNews(0, 41, "n41"))
		h.want(t, "n41")
		conn.Close()

		conn, _ = n.accept(session("s", true))
		expect[wire.Join](conn)
		expect[wire.Ack](conn)
		conn.send(fromNews(1, 44, "n44"))
		h.want(t, "n44")
		conn.Close() // before JOINED, and so before n42 and n43

		conn, _ = n.accept(session("s", true))
		if join := expect[wire.Join](conn); join.Position != 41 {
			t.Errorf("the device says it has all up to %d", join.Position)
		}
		conn.send(&wire.Joined{Group: "news", Position: 45}, fromNews(0, 42, "n42"), fromNews(0, 43, "n43"),
			fromNews(0, 44, "n44"), fromNews(0, 45, "n45"), fromNews(2, 45, "n45"))
		h.want(t, "n42", "n43", "n45")
		conn.Close()

		conn, _ = n.accept(session("s2", false))
		if join := expect[wire.Join](conn); join.Position != 45 {
			t.Errorf("the device says it has all up to %d", join.Position)
		}
		stop(t, c)
	})
}

func TestGroupThatHasBegunAnewIsAGap(t *testing.T) {
	bubble(t, func(t *testing.T, n *fakeNode) {
		c, conn, gaps := inNews(t, n, func(*client.Config) {})
		conn.Close()
		conn, _ = n.accept(session("s2", false))
		expect[wire.Join](conn)
		conn.send(&wire.Joined{Group: "news", Position: 7})
		if gap := <-gaps; gap.Position != 7 {
			t.Errorf("told of %+v", gap)
		}
		conn.Close()
		conn, _ = n.accept(session("s3", false))
		if join := expect[wire.Join](conn); join.Position != 7 {
			t.Errorf("joins again with %+v", *join)
		}
		stop(t, c)
	})
}

func TestHistoryThatTheHandlerIsTooSlowForIsAGap(t *testing.T) {
	bubble(t, func(t *testing.T, n *fakeNode) {
		slow := make(chan struct{})
		var handled []string
		c, conn, gaps := inNews(t, n, func(cfg *client.Config) {
			cfg.FastMax = 2
			cfg.Handler = func(_ context.Context, m client.Message) error {
				<-slow
				handled = append(handled, m.ID)
				return nil
			}
		})
		conn.send(fromNews(0, 41, "n41"))
		synctest.Wait() // The Handler has it.
		conn.send(&wire.Push{ID: []byte("other")}, fromNews(0, 42, "n42"), fromNews(0, 43, "n43"), fromNews(0, 44, "n44"))
		select {
		case gap := <-gaps:
			if gap.Position != 42 {
				t.Errorf("told of %+v", gap)
			}
		case <-time.After(time.Minute):
			t.Error("a dropped message of the history is not told of")
		}
		close(slow)
		synctest.Wait()
		if want := []string{"n41", "n43", "n44"}; !slices.Equal(handled, want) {
			t.Errorf("handled %v, expected %v", handled, want)
		}
		stop(t, c)
	})
}
