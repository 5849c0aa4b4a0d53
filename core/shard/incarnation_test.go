package shard_test

import (
	"testing"

	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// pair is two shards of one node: 0 accepts connections, 1 owns all users.
type pair struct {
	t      *testing.T
	shards [2]*shard.Shard
	said   [2][]sdk.Command
}

func newPair(t *testing.T) *pair {
	p := &pair{t: t}
	for k := range p.shards {
		s, err := shard.New(shard.Config{ID: k, Plugins: []string{"one"}, Owner: func(string) int { return 1 }, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		s.Begin(shard.Now{Wall: storyBegins})
		p.shards[k] = s
	}
	return p
}

// take returns what one shard has for the other, and notes its commands.
func (p *pair) take(k int) (out []*shard.FromPeer) {
	s := p.shards[k]
	s.Serve(1000)
	for _, to := range s.Effects().Peers {
		out = append(out, &shard.FromPeer{From: k, Message: to.Message})
	}
	p.said[k] = append(p.said[k], s.Effects().Plugins[0].Commands...)
	s.Reset()
	return out
}

func (p *pair) give(k int, messages []*shard.FromPeer) {
	for _, m := range messages {
		p.shards[k].Handle(m)
	}
}

// begin lets a device connect on shard 0 and returns its Login.
func (p *pair) begin(conn sdk.ConnID) []*shard.FromPeer {
	s := p.shards[0]
	s.Events(0, []sdk.Event{{Kind: sdk.EventConnect, Conn: conn, Connect: &sdk.Connect{User: "alice", Device: "phone"}}})
	s.Handle(&shard.AuthResult{Conn: conn, User: "alice", Device: "phone"})
	return p.take(0)
}

func (p *pair) expect(what string, k int, want shard.Held) {
	p.t.Helper()
	if h := p.shards[k].Held(); h.Sessions != want.Sessions || h.Conns != want.Conns || h.Arrivals != want.Arrivals {
		p.t.Errorf("%s: shard %d has %+v, expected %+v", what, k, h, want)
	}
}

func TestLoginOfADeadProcessLetsNobodyIn(t *testing.T) {
	const conn, next = 1<<48 | 5, 2<<48 | 5
	p := newPair(t)
	late := p.begin(conn)
	p.shards[1].Handle(&shard.PluginDown{Incarnation: 1}) // Before the Login gets there.
	p.give(1, late)
	p.expect("a login of a process that has ended", 1, shard.Held{})
	p.give(0, p.take(1))
	p.shards[0].Handle(&shard.PluginDown{Incarnation: 1})
	p.expect("the end of the process", 0, shard.Held{})

	p.give(1, p.begin(next))
	p.expect("a login of the next process", 1, shard.Held{Sessions: 1, Conns: 1})
	p.shards[1].Handle(&shard.PluginDown{Incarnation: 1}) // Once more.
	p.expect("an earlier process that ends", 1, shard.Held{Sessions: 1, Conns: 1})
	p.shards[0].Handle(&shard.AuthResult{Conn: conn, User: "alice", Device: "phone"})
	p.shards[0].Handle(&shard.FromPeer{From: 1, Message: &shard.LoginAnswer{Conn: conn, Accept: &sdk.Accept{Owner: 1}}})
	p.shards[1].Handle(&shard.FromPeer{From: 0, Message: &shard.LoginGone{Conn: conn}})
	p.expect("late answers", 0, shard.Held{Arrivals: 1})
	p.expect("late answers", 1, shard.Held{Sessions: 1, Conns: 1})
	p.give(0, p.take(1))
	p.take(0)
	if n := len(p.said[0]); n != 1 || p.said[0][0].Conn != next || p.said[0][0].Kind != sdk.CommandAccept {
		t.Errorf("shard 0 said %+v", p.said[0])
	}
}

func TestIncarnationsGoRound(t *testing.T) {
	p := newPair(t)
	for _, c := range []struct {
		ended uint16
		conn  sdk.ConnID
		let   int
	}{{65534, 65534 << 48, 0}, {65534, 65535 << 48, 1}, {65535, 1 << 48, 1}, {65535, 65000 << 48, 0}} {
		p.shards[1].Handle(&shard.PluginDown{Incarnation: c.ended})
		p.give(1, p.begin(c.conn|7))
		if n := p.shards[1].Held().Conns; n != c.let {
			t.Errorf("after the end of process %d, %d connections of %d are let in, expected %d", c.ended, n, c.conn>>48, c.let)
		}
		p.shards[0].Handle(&shard.PluginDown{})
		p.give(1, p.take(0))
	}
}

// TestConnectionThatNobodyKnowsIsClosed has a connection get to its loop after the
// core that accepted it is gone.
func TestConnectionThatNobodyKnowsIsClosed(t *testing.T) {
	const conn, gone = 1<<48 | 5, 1<<48 | 6
	p := newPair(t)
	s := p.shards[1]
	s.Events(0, []sdk.Event{{Kind: sdk.EventAttached, Conn: conn}, {Kind: sdk.EventAttached, Conn: gone}, {Kind: sdk.EventClosed, Conn: gone}})
	due, ok := s.NextDue()
	if !ok {
		t.Fatal("it waits for nothing")
	}
	s.Begin(shard.Now{Mono: due, Wall: storyBegins.Add(due)})
	s.Tick()
	p.take(1)
	if n := len(p.said[1]); n != 1 || p.said[1][0].Conn != conn || p.said[1][0].Kind != sdk.CommandClose || p.said[1][0].Code != uint16(wire.CodePluginRestart) {
		t.Errorf("the shard said %+v", p.said[1])
	}
	if _, ok := s.NextDue(); ok || s.Held() != (shard.Held{}) {
		t.Errorf("it still waits, and has %+v", s.Held())
	}
}

// TestRenamedOnTheWayIn has the connection renamed on the accepting loop while its
// login is with the owner.
func TestRenamedOnTheWayIn(t *testing.T) {
	const before, after = 1<<48 | 5, 2<<48 | 9
	for name, c := range map[string]struct{ early, closed bool }{
		"told before it gets there": {}, "told after it got there": {early: true}, "told after it got there and ended": {true, true},
	} {
		p := newPair(t)
		p.give(1, p.begin(before))
		answer := p.take(1)
		p.shards[0].Rename(0, []shard.Renamed{{From: before, To: after}})
		renamed := p.take(0)
		p.give(0, answer)
		p.take(0)
		if n := len(p.said[0]); n != 1 || p.said[0][0].Conn != after || p.said[0][0].Kind != sdk.CommandAccept {
			t.Fatalf("%s: shard 0 said %+v", name, p.said[0])
		}
		attached := []sdk.Event{{Kind: sdk.EventAttached, Conn: after}}
		if c.early {
			p.shards[1].Events(0, attached)
		}
		if c.closed {
			p.shards[1].Events(0, []sdk.Event{{Kind: sdk.EventClosed, Conn: after}})
		}
		p.give(1, renamed)
		if !c.early {
			p.shards[1].Events(0, attached)
		}
		p.shards[1].Handle(&shard.Query{Kind: shard.QuerySessions, Plugin: -1})
		for _, a := range p.shards[1].Effects().Answers {
			if len(a.Sessions) != 1 || a.Sessions[0].Attached == c.closed {
				t.Errorf("%s: sessions %+v", name, a.Sessions)
			}
		}
	}
}
