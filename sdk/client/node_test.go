package client_test

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushcore/pushcore/sdk/client"
	"github.com/pushcore/pushcore/sdk/wire"
)

// fakeNode is the other side of a Client's connections, played by a test.
type fakeNode struct {
	t     *testing.T
	dials chan net.Conn
	down  bool // refuse connections
	where []string
}

func newFakeNode(t *testing.T) *fakeNode {
	return &fakeNode{t: t, dials: make(chan net.Conn, 16)}
}

func (n *fakeNode) dial(_ context.Context, _, address string) (net.Conn, error) {
	n.where = append(n.where, address)
	if n.down {
		return nil, errors.New("nobody there")
	}
	device, node := net.Pipe()
	n.dials <- node
	return device, nil
}

// config is a device's that talks to the node.
func (n *fakeNode) config(handler func(context.Context, client.Message) error) client.Config {
	return client.Config{URLs: []string{"tcp://node:1"}, User: "alice", Dial: n.dial, Handler: handler}
}

// conn waits for the device's next connection.
func (n *fakeNode) conn() *fakeConn {
	n.t.Helper()
	select {
	case c := <-n.dials:
		return &fakeConn{t: n.t, Conn: c}
	case <-time.After(time.Hour):
		n.t.Fatal("the device does not connect")
		return nil
	}
}

// accept takes the next connection and answers its CONNECT.
func (n *fakeNode) accept(a wire.Accept) (*fakeConn, wire.Connect) {
	n.t.Helper()
	c := n.conn()
	connect := expect[wire.Connect](c)
	if a.RememberIDs == 0 {
		a.RememberIDs = 100
	}
	if a.Window == 0 {
		a.Window = 64
	}
	if a.UplinkBytesMax == 0 {
		a.UplinkBytesMax = 1000
	}
	if a.User == "" {
		a.User = "alice"
	}
	c.send(&a)
	return c, *connect
}

// session is an ACCEPT that can be resumed.
func session(token string, resumed bool) wire.Accept {
	return wire.Accept{Session: []byte(token), Epoch: 7, Resumed: resumed}
}

// fakeConn is the node's end of one connection.
type fakeConn struct {
	net.Conn
	t   *testing.T
	buf []byte
}

func (c *fakeConn) send(frames ...wire.Frame) {
	c.t.Helper()
	var b []byte
	for _, f := range frames {
		start := len(b)
		b = wire.PrefixLength(f.Append(b), start)
	}
	if _, err := c.Write(b); err != nil {
		c.t.Errorf("the device does not read: %v", err)
	}
}

// next reads a frame; nil: the device closed the connection, or sends nothing
// for the time given.
func (c *fakeConn) next(within time.Duration) wire.Frame {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(within))
	for {
		b, rest, err := wire.SplitFrame(c.buf, wire.FrameBytesDefault)
		if err == nil {
			c.buf = rest
			kind, err := wire.TypeOf(b)
			if err != nil {
				c.t.Fatal(err)
			}
			f := wire.New(kind)
			if err := f.Parse(append([]byte(nil), b...)); err != nil {
				c.t.Fatal(err)
			}
			return f
		}
		more := make([]byte, 4096)
		n, err := c.Read(more)
		if c.buf = append(c.buf, more[:n]...); err != nil {
			return nil
		}
	}
}

// expect reads a frame of the type, PINGs aside.
func expect[F any, P interface {
	*F
	wire.Frame
}](c *fakeConn) P {
	c.t.Helper()
	f := c.next(time.Hour)
	if got, ok := f.(P); ok {
		return got
	}
	c.t.Fatalf("the device sends %#v in place of a %T", f, *new(F))
	return nil
}

// closed waits until the device has closed the connection.
func (c *fakeConn) closed() {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(time.Hour))
	if _, err := io.Copy(io.Discard, c.Conn); err != nil {
		c.t.Fatalf("the device does not close: %v", err)
	}
}

func push(seq uint64, id string) *wire.Push {
	return &wire.Push{Seq: seq, ID: []byte(id), Payload: []byte("payload of " + id)}
}

// start makes a Client and closes it with the test, inside of its bubble.
func start(t *testing.T, cfg client.Config) *client.Client {
	t.Helper()
	c, err := client.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// stop closes the Client, patiently.
func stop(t *testing.T, c *client.Client) {
	t.Helper()
	if err := c.Close(t.Context()); err != nil {
		t.Errorf("close: %v", err)
	}
}

// bubble runs a story with a clock of its own.
func bubble(t *testing.T, story func(t *testing.T, n *fakeNode)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { story(t, newFakeNode(t)) })
}

// ids is a Handler that notes what it gets.
type ids struct{ got chan string }

func newIDs() *ids { return &ids{make(chan string, 1000)} }

func (h *ids) handle(_ context.Context, m client.Message) error {
	h.got <- m.ID
	return nil
}

func (h *ids) want(t *testing.T, want ...string) {
	t.Helper()
	for _, id := range want {
		select {
		case got := <-h.got:
			if got != id {
				t.Fatalf("handled %q, want %q", got, id)
			}
		case <-time.After(time.Hour):
			t.Fatalf("%q is not handled", id)
		}
	}
	synctest.Wait()
	if len(h.got) > 0 {
		t.Fatalf("handled %q, which nobody waits for", <-h.got)
	}
}
