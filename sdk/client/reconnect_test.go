package client_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushcore/pushcore/sdk/client"
	"github.com/pushcore/pushcore/sdk/wire"
)

func ignore(context.Context, client.Message) error { return nil }

func TestEndsFollowTheirReconnectRule(t *testing.T) {
	tests := []struct {
		name  string
		end   wire.Frame
		final bool
		floor time.Duration
	}{
		{"close yes", &wire.Close{Code: wire.CodeGoingAway}, false, 0},
		{"close after", &wire.Close{Code: wire.CodeSlow, Reconnect: wire.Reconnect{Rule: wire.ReconnectAfter, AfterMS: 90_000}}, false, 90 * time.Second},
		{"close no", &wire.Close{Code: wire.CodeKicked, Text: "enough", Reconnect: wire.Reconnect{Rule: wire.ReconnectNo}}, true, 0},
		{"the frame's rule comes before the code's", &wire.Close{Code: wire.CodeKicked}, false, 0},
		{"the frame's rule comes before the band", &wire.Close{Code: 4499, Reconnect: wire.Reconnect{Rule: wire.ReconnectNo}}, true, 0},
		{"expired, and there is no other token", &wire.Close{Code: wire.CodeTokenExpired}, true, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, n *fakeNode) {
				c := start(t, n.config(ignore))
				conn, _ := n.accept(session("s", false))
				conn.send(tt.end)
				conn.closed()
				began := time.Now()
				if tt.final {
					<-c.Done()
					var closed *client.CloseError
					if !errors.As(c.Err(), &closed) || closed.Rejected {
						t.Errorf("ended with %v", c.Err())
					}
				} else {
					n.accept(session("s", true))
					if took := time.Since(began); took < tt.floor || took > tt.floor+500*time.Millisecond {
						t.Errorf("came back after %v", took)
					}
				}
				stop(t, c)
			})
		})
	}
}

func TestRejectIsFinalOrRetriedByItsRule(t *testing.T) {
	bubble(t, func(t *testing.T, n *fakeNode) {
		c := start(t, n.config(ignore))
		conn := n.conn()
		expect[wire.Connect](conn)
		conn.send(&wire.Reject{Code: wire.CodeOverloaded, Reconnect: wire.Reconnect{Rule: wire.ReconnectAfter, AfterMS: 5000}})
		began := time.Now()
		conn = n.conn()
		if took := time.Since(began); took < 5*time.Second {
			t.Errorf("came back after %v", took)
		}
		expect[wire.Connect](conn)
		conn.send(&wire.Reject{Code: wire.CodeUnauthorized, Text: "no such key", Reconnect: wire.Reconnect{Rule: wire.ReconnectNo}})
		<-c.Done()
		if got, want := c.Err().Error(), "rejected by the node: 4505 unauthorized: no such key"; got != want {
			t.Errorf("ended with %q, want %q", got, want)
		}
		stop(t, c)
	})
}

func TestBackoffGrowsToItsBoundAndBeginsAnewAfterAccept(t *testing.T) {
	bubble(t, func(t *testing.T, n *fakeNode) {
		n.down = true
		var delays []time.Duration
		cfg := n.config(ignore)
		enough := make(chan struct{})
		cfg.OnState = func(s client.State) {
			if s.Phase == client.Disconnected {
				if delays = append(delays, s.RetryIn); len(delays) == 200 {
					n.down = false
					close(enough)
				}
			}
		}
		c := start(t, cfg)
		<-enough
		for i, d := range delays {
			if bound := min(500*time.Millisecond<<min(i, 10), 30*time.Second); d >= bound {
				t.Errorf("delay %d is %v, not below %v", i, d, bound)
			}
		}
		if longest := slices.Max(delays); longest < 20*time.Second {
			t.Errorf("of 200 delays none is above %v: there is no jitter up to 30 s", longest)
		}
		conn, _ := n.accept(session("s", false))
		conn.Close()
		began := time.Now()
		n.accept(session("s", true))
		if took := time.Since(began); took > 500*time.Millisecond {
			t.Errorf("after ACCEPT the first delay is %v", took)
		}
		stop(t, c)
	})
}

func TestMoveReconnectsWithinItsTimeAtItsAddress(t *testing.T) {
	bubble(t, func(t *testing.T, n *fakeNode) {
		h := newIDs()
		c := start(t, n.config(h.handle))
		conn, _ := n.accept(session("s", false))
		began := time.Now()
		conn.send(push(1, "a"), &wire.Move{WithinMS: 20_000, Address: "tcp://other:2"})
		wantAck(t, conn, wire.Ack{Seq: 1})
		for conn.next(time.Hour) != nil {
		}
		_, connect := n.accept(session("s", true))
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("moved after %v", took)
		}
		if connect.Resume.Seq != 1 || !slices.Equal(n.where, []string{"node:1", "other:2"}) {
			t.Errorf("resumes with %d at %v", connect.Resume.Seq, n.where)
		}
		stop(t, c)
	})
}

func TestElsewhereIsTriedOnceAndThenTheOwnAddresses(t *testing.T) {
	bubble(t, func(t *testing.T, n *fakeNode) {
		cfg := n.config(ignore)
		cfg.URLs = []string{"tcp://one:1", "tcp://two:1"}
		c := start(t, cfg)
		conn, _ := n.accept(session("s", false))
		conn.send(&wire.Close{Code: wire.CodeDraining, Reconnect: wire.Reconnect{Rule: wire.ReconnectElsewhere, Address: "tcp://three:1"}})
		conn.closed()
		n.conn().Close()
		n.accept(session("s", true))
		if want := []string{"one:1", "three:1", "one:1"}; !slices.Equal(n.where, want) {
			t.Errorf("connected at %v, want %v", n.where, want)
		}
		stop(t, c)
	})
}

func TestSilentNodeIsLeft(t *testing.T) {
	bubble(t, func(t *testing.T, n *fakeNode) {
		var why error
		cfg := n.config(ignore)
		cfg.OnState = func(s client.State) {
			if s.Phase == client.Disconnected {
				why = s.Err
			}
		}
		c := start(t, cfg)
		a := session("s", false)
		a.HeartbeatMS = 20_000
		conn, _ := n.accept(a)
		began := time.Now()
		ping := expect[wire.Ping](conn)
		if took := time.Since(began); took != 15*time.Second {
			t.Errorf("the first PING comes after %v, of a heartbeat of 20 s", took)
		}
		conn.send(&wire.Pong{Number: ping.Number})
		expect[wire.Ping](conn)
		if took := time.Since(began); took != 30*time.Second {
			t.Errorf("the second PING comes after %v", took)
		}
		conn.closed()
		if took := time.Since(began); took != 40*time.Second {
			t.Errorf("a silent node is left after %v", took)
		}
		n.accept(session("s", true))
		if why == nil || why.Error() != "client: the node does not answer" {
			t.Errorf("left because %v", why)
		}
		stop(t, c)
	})
}

func TestPingIsAnsweredWhileTheHandlerIsBusy(t *testing.T) {
	bubble(t, func(t *testing.T, n *fakeNode) {
		proceed := make(chan struct{})
		c := start(t, n.config(func(context.Context, client.Message) error { <-proceed; return nil }))
		conn, _ := n.accept(session("s", false))
		conn.send(push(1, "a"), &wire.Ping{Number: 9})
		if pong := expect[wire.Pong](conn); pong.Number != 9 {
			t.Errorf("answers with %d", pong.Number)
		}
		close(proceed)
		wantAck(t, conn, wire.Ack{Seq: 1})
		stop(t, c)
	})
}

func TestFaultsOfTheNodeEndTheConnection(t *testing.T) {
	tests := map[string][]byte{
		"not a frame":                      {1, 99},
		"a frame for nodes":                wire.PrefixLength((&wire.Ack{Seq: 1}).Append(nil), 0),
		"a second ACCEPT":                  wire.PrefixLength((&wire.Accept{}).Append(nil), 0),
		"too long":                         {0xff, 0xff, 0xff, 0x7f},
		"compressed though nothing agreed": wire.PrefixLength((&wire.Push{ID: []byte("a"), Compressed: true}).Append(nil), 0),
	}
	for name, bytes := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, n *fakeNode) {
				c := start(t, n.config(ignore))
				conn, _ := n.accept(session("s", false))
				if _, err := conn.Write(bytes); err != nil {
					t.Fatal(err)
				}
				conn.closed()
				n.accept(session("s", true))
				stop(t, c)
			})
		})
	}
}

func TestConnectTimesOut(t *testing.T) {
	bubble(t, func(t *testing.T, n *fakeNode) {
		c := start(t, n.config(ignore))
		conn := n.conn()
		expect[wire.Connect](conn)
		began := time.Now()
		conn.closed()
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("waited %v for ACCEPT", took)
		}
		stop(t, c)
	})
}

func TestDialGivesUpWithItsContext(t *testing.T) {
	bubble(t, func(t *testing.T, n *fakeNode) {
		n.down = true
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := client.Dial(ctx, n.config(ignore)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Dial says %v", err)
		}
	})
}

func TestDialReturnsAnAcceptedClient(t *testing.T) {
	bubble(t, func(t *testing.T, n *fakeNode) {
		go n.accept(session("s", false))
		c, err := client.Dial(t.Context(), n.config(ignore))
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		stop(t, c)
	})
}

func TestSecuredConnectionIsNotLeftForAPlainOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var where []string
		c := start(t, client.Config{
			URLs: []string{"tls://node:1"}, User: "alice", Handler: ignore,
			Dial: func(_ context.Context, _, address string) (net.Conn, error) {
				where = append(where, address)
				return nil, errors.New("nobody there")
			},
		})
		time.Sleep(time.Minute) // Of the bubble's clock.
		stop(t, c)
		for _, w := range where {
			if w != "node:1" {
				t.Errorf("dialled %s", w)
			}
		}
	})
}
