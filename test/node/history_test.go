package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/pushcore/pushcore/core/admin"
	"github.com/pushcore/pushcore/sdk/client"
	"github.com/pushcore/pushcore/sdk/wire"
)

const withHistory = listeners + `
groups:
  - { match: "chat.*", join: device, history: { count: 5, age: 1h } }
`

// member is a device with the client library that is in chat.1.
type member struct {
	t      *testing.T
	client *client.Client
	heard  chan string // each message's text, in the order of handling
	joined chan client.Joined
}

// joins starts a device. Its library reconnects and resumes by itself.
func (n *node) joins(url, user, device string, dial func(context.Context, string, string) (net.Conn, error)) *member {
	n.t.Helper()
	m := &member{t: n.t, heard: make(chan string, 100), joined: make(chan client.Joined, 10)}
	c, err := client.New(client.Config{
		URLs: []string{url}, User: user, Device: device, Groups: []string{"chat.1"}, Dial: dial,
		Handler: func(_ context.Context, got client.Message) error {
			m.heard <- string(got.Payload)
			return nil
		},
		OnJoined: func(_ string, j client.Joined, err error) {
			if err != nil {
				n.t.Errorf("%s does not join: %v", user, err)
			}
			m.joined <- j
		},
	})
	if err != nil {
		n.t.Fatal(err)
	}
	m.client = c
	n.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = c.Close(ctx) // The node may have closed it.
	})
	return m
}

// hears waits for messages, in this order.
func (m *member) hears(texts ...string) {
	m.t.Helper()
	for _, want := range texts {
		select {
		case got := <-m.heard:
			if got != want {
				m.t.Fatalf("heard %q, expected %q", got, want)
			}
		case <-time.After(patience):
			m.t.Fatalf("%q does not come", want)
		}
	}
}

// isIn waits for the answer to a join.
func (m *member) isIn(gap bool) client.Joined {
	m.t.Helper()
	select {
	case j := <-m.joined:
		if j.Gap != gap {
			m.t.Fatalf("joined %+v, expected a gap: %v", j, gap)
		}
		return j
	case <-time.After(patience):
		m.t.Fatal("no answer to a join")
		return client.Joined{}
	}
}

// TestReturningDeviceCatchesUpOverBothTransports plays devices by hand, which come back
// with a position: what they missed comes first, without a number, then what is new.
func TestReturningDeviceCatchesUpOverBothTransports(t *testing.T) {
	n := start(t, withHistory)
	first := n.connect(wire.Connect{User: "alice", Groups: []string{"chat.1"}})
	begun := expect[wire.Joined](first)
	if begun.Position == 0 || begun.Gap {
		t.Fatalf("joined: %+v; a group with a history has a position from the beginning", begun)
	}
	n.push("one", "push-to", "group:chat.1", "push-class", "fast")
	one := expect[wire.Push](first)
	if one.Position <= begun.Position || one.Seq != 0 {
		t.Fatalf("pushed: %+v", one)
	}
	for _, text := range []string{"two", "three"} {
		n.push(text, "push-to", "group:chat.1", "push-class", "fast")
	}
	n.push("not for bob", "push-to", "group:chat.1", "push-class", "fast", "push-except", "user:bob")

	_, answer := n.call("GET", "/v1/groups/chat.1", "")
	if h := decode[admin.Group](t, answer).History; h == nil || h.Messages != 4 || h.Position != one.Position+3 {
		t.Errorf("the operator sees %s", answer)
	}

	bob := n.connect(wire.Connect{User: "bob"})
	bob.send(&wire.Join{Group: "chat.1", Position: one.Position})
	if j := expect[wire.Joined](bob); j.Gap || j.Position != one.Position+3 {
		t.Fatalf("joined: %+v", j)
	}
	for i, text := range []string{"two", "three"} {
		p := expect[wire.Push](bob)
		if string(p.Payload) != text || p.Seq != 0 || p.Position != one.Position+uint64(i)+1 || string(p.FromGroup) != "chat.1" {
			t.Errorf("replayed: %+v, expected %s", p, text)
		}
	}
	go n.try("POST", "/v1/push", "four", "push-to", "group:chat.1")
	if p := expect[wire.Push](bob); string(p.Payload) != "four" || p.Seq != 1 {
		t.Errorf("pushed: %+v", p)
	}
	bob.send(&wire.Ack{Seq: 1})
}

// gate lets a device's connections through while it is open; shutting it cuts them.
type gate struct {
	mu    sync.Mutex // guards what follows
	shut  bool
	conns []net.Conn
}

var errShut = errors.New("the gate is shut")

func (g *gate) dial(ctx context.Context, network, address string) (net.Conn, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		return nil, errShut
	}
	var d net.Dialer
	c, err := d.DialContext(ctx, network, address)
	if err == nil {
		g.conns = append(g.conns, c)
	}
	return c, err
}

func (g *gate) set(shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = shut
	for _, c := range g.conns {
		_ = c.Close() // It may be closed.
	}
	g.conns = nil
}

func TestDeviceOfTheLibraryMissesNothingOfAHistory(t *testing.T) {
	for _, transport := range []string{"tcp", "ws"} {
		for how, window := range map[string]string{"resumed": "60s", "new session": "1ms"} {
			t.Run(transport+" "+how, func(t *testing.T) {
				n := start(t, withHistory+"\nsessions: { resume_window: "+window+" }\n")
				var g gate
				m := n.joins(n.urls[transport], "alice", "phone", g.dial)
				m.isIn(false)
				n.push("m1", "push-to", "group:chat.1", "push-class", "fast")
				m.hears("m1")
				g.set(true)
				n.until("the session to be lost, or detached", func() bool {
					return n.metric(`pushcore_sessions{state="attached"}`) == "0" && (how == "resumed" || n.joined("chat.1") == 0)
				}, func() string { return "" })
				for i := 2; i <= 4; i++ {
					n.push(fmt.Sprint("m", i), "push-to", "group:chat.1", "push-class", "fast")
				}
				g.set(false)
				m.isIn(false)
				m.hears("m2", "m3", "m4")
				n.push("m5", "push-to", "group:chat.1")
				m.hears("m5")

				// Away for too long: what is left comes, and the rest is told as a gap.
				g.set(true)
				n.until("the session to be lost, or detached", func() bool {
					return n.metric(`pushcore_sessions{state="attached"}`) == "0" && (how == "resumed" || n.joined("chat.1") == 0)
				}, func() string { return "" })
				for i := 6; i <= 15; i++ {
					n.push(fmt.Sprint("m", i), "push-to", "group:chat.1", "push-class", "fast")
				}
				g.set(false)
				m.isIn(how != "resumed")
				if how == "resumed" { // The outbox has kept them all.
					m.hears("m6", "m7", "m8", "m9", "m10")
				}
				m.hears("m11", "m12", "m13", "m14", "m15")
			})
		}
	}
}
