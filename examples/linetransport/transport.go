// Package linetransport is a small transport: JSON, one object a line, over TCP.
// A terminal is a device:
//
//	$ nc 127.0.0.1 7300
//	{"user":"alice"}
//	{"session":"alice"}
//	{"seq":1,"id":"order-42-shipped","payload":"hello"}
//	{"ack":1}
//	{"send":"on my way","id":"1"}
//	{"sent":"1"}
//
// It says what happens on its connections, is told what to do with them, and never
// decides whom a message is for. To stay small it has two goroutines a connection
// and reports by Host.Post; plugins/tcp shows how to do without them on the host's
// loops. It has no heartbeats.
package linetransport

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// Transport is the plugin.
type Transport struct {
	address  string
	host     sdk.Host
	listener *net.TCPListener
	running  sync.WaitGroup // all goroutines
	dirty    [][]*conn      // by loop, which owns it: connections to flush

	mu     sync.Mutex // guards everything following
	conns  map[sdk.ConnID]*conn
	next   sdk.ConnID
	closed bool
}

var _ sdk.Transport = (*Transport)(nil)

// New makes the plugin.
func New() *Transport { return &Transport{conns: map[sdk.ConnID]*conn{}} }

// Info implements sdk.Plugin.
func (*Transport) Info() sdk.Info {
	return sdk.Info{Name: "line", Kind: sdk.KindTransport, Version: "1.0.0", APIVersion: sdk.APIVersion}
}

// Configure implements sdk.Plugin: the only option is {"listen": "HOST:PORT"}.
func (t *Transport) Configure(options []byte) (sdk.Setup, []sdk.OptionError) {
	var o map[string]string
	if err := json.Unmarshal(options, &o); err != nil {
		return sdk.Setup{}, []sdk.OptionError{{Message: "the options are an object of texts"}}
	}
	t.address = o["listen"]
	delete(o, "listen")
	for key := range o {
		return sdk.Setup{}, []sdk.OptionError{{Pointer: "/" + key, Message: "unknown key; there is only listen"}}
	}
	if _, err := net.ResolveTCPAddr("tcp", t.address); err != nil {
		return sdk.Setup{}, []sdk.OptionError{{Pointer: "/listen", Message: err.Error()}}
	}
	return sdk.Setup{Listen: []string{t.address}}, nil
}

// Open implements sdk.Transport: it binds, but accepts nothing yet.
func (t *Transport) Open(h sdk.Host) ([]sdk.Endpoint, error) {
	l, err := net.Listen("tcp", t.address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", t.address, err)
	}
	t.host, t.listener, t.dirty = h, l.(*net.TCPListener), make([][]*conn, h.Loops())
	return []sdk.Endpoint{{URL: "line://" + l.Addr().String()}}, nil
}

// accept takes connections until the listener's deadline or end.
func (t *Transport) accept(limits sdk.Listen) {
	for {
		socket, err := t.listener.AcceptTCP()
		if err != nil {
			return
		}
		t.mu.Lock()
		if most := limits.MaxUnauthenticated; t.closed || most > 0 && t.strangers() >= most {
			_ = socket.Close() // Nobody knows of it.
		} else {
			t.next++
			t.conns[t.next] = newConn(t, t.next, socket, limits)
		}
		t.mu.Unlock()
	}
}

func (t *Transport) strangers() int {
	n := 0
	for _, c := range t.conns {
		if !c.attached.Load() {
			n++
		}
	}
	return n
}

func (t *Transport) find(id sdk.ConnID) *conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.conns[id]
}

// Deliver implements sdk.Transport: it appends to the connections' buffers.
func (t *Transport) Deliver(l sdk.Loop, b *sdk.Batch) {
	for _, i := range b.Items {
		if c := t.find(i.Conn); c != nil {
			m := &b.Messages[i.Message]
			c.say(l, line{Seq: i.Seq, ID: m.ID, Name: m.Name, Payload: string(m.Payload)})
		}
	}
}

// Command implements sdk.Transport.
func (t *Transport) Command(l sdk.Loop, commands []sdk.Command) {
	for i := range commands {
		switch m := &commands[i]; m.Kind {
		case sdk.CommandListen:
			if l == 0 { // One listener serves all loops.
				_ = t.listener.SetDeadline(time.Time{}) // It fails only when closed.
				limits := *m.Listen
				t.running.Go(func() { t.accept(limits) })
			}
		case sdk.CommandStopListening:
			_ = t.listener.Close() // A loop that comes later closes it again.
		default:
			if c := t.find(m.Conn); c != nil {
				c.command(l, m)
			}
		}
	}
}

// Flush implements sdk.Transport: the writers of the connections write.
func (t *Transport) Flush(l sdk.Loop) {
	for _, c := range t.dirty[l] {
		c.flush(l)
	}
	t.dirty[l] = t.dirty[l][:0]
}

// Close implements sdk.Plugin.
func (t *Transport) Close(deadline time.Time) error {
	err := t.listener.Close()
	if errors.Is(err, net.ErrClosed) {
		err = nil // It was closed when listening stopped.
	}
	t.mu.Lock()
	t.closed = true
	for _, c := range t.conns {
		c.stop()
	}
	t.mu.Unlock()
	done := make(chan struct{})
	go func() { t.running.Wait(); close(done) }()
	select {
	case <-done:
		return err
	case <-time.After(time.Until(deadline)):
		return fmt.Errorf("line: connections were not closed in time")
	}
}
