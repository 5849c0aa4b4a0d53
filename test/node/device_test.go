package node

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pushcore/pushcore/sdk/wire"
)

// device speaks the protocol by hand over the node's byte stream. It acks nothing
// by itself.
type device struct {
	t      *testing.T
	conn   net.Conn
	frames chan wire.Frame // closed when the node has closed the connection
	accept *wire.Accept
}

// dial connects and says CONNECT.
func (n *node) dial(c wire.Connect) *device {
	n.t.Helper()
	d := n.open()
	d.send(&c)
	return d
}

// open connects and says nothing.
func (n *node) open() *device {
	n.t.Helper()
	d := n.deaf(&net.Dialer{})
	d.hear()
	return d
}

// deaf connects and says nothing, and reads nothing before hear.
func (n *node) deaf(dialer *net.Dialer) *device {
	n.t.Helper()
	conn, err := dialer.Dial("tcp", strings.TrimPrefix(n.urls["tcp"], "tcp://"))
	if err != nil {
		n.t.Fatal(err)
	}
	d := &device{t: n.t, conn: conn, frames: make(chan wire.Frame, 1000)}
	n.t.Cleanup(d.cut)
	return d
}

// hear begins to read.
func (d *device) hear() {
	read := make(chan struct{})
	go func() {
		defer close(read)
		d.read()
	}()
	d.t.Cleanup(func() {
		d.cut()
		<-read
	})
}

// connect is dial, and the node must accept the device.
func (n *node) connect(c wire.Connect) *device {
	n.t.Helper()
	d := n.dial(c)
	d.accept = expect[wire.Accept](d)
	return d
}

// user connects a device of a user without credentials.
func (n *node) user(user, device string) *device {
	n.t.Helper()
	return n.connect(wire.Connect{User: user, Device: device})
}

// read brings what the node sends to frames until the connection ends.
func (d *device) read() {
	defer close(d.frames)
	var buf []byte
	more := make([]byte, 4096)
	for {
		frame, rest, err := wire.SplitFrame(buf, wire.FrameBytesDefault)
		if errors.Is(err, wire.ErrIncomplete) {
			n, readErr := d.conn.Read(more)
			if buf = append(buf, more[:n]...); readErr != nil {
				return
			}
			continue
		}
		if err != nil {
			d.t.Errorf("the node sends what is no frame: %v", err)
			return
		}
		buf = rest
		kind, err := wire.TypeOf(frame)
		f := wire.New(kind)
		if err == nil {
			err = f.Parse(append([]byte(nil), frame...))
		}
		if err != nil {
			d.t.Errorf("the node sends a bad frame: %v", err)
			return
		}
		d.frames <- f
	}
}

func (d *device) send(f wire.Frame) {
	d.t.Helper()
	if _, err := d.conn.Write(wire.PrefixLength(f.Append(nil), 0)); err != nil && !errors.Is(err, io.ErrClosedPipe) {
		d.t.Errorf("send %s: %v", f.Type(), err)
	}
}

// cut ends the connection without a word.
func (d *device) cut() { _ = d.conn.Close() }

// next is the next frame, nil if the node has closed the connection.
func (d *device) next() wire.Frame {
	d.t.Helper()
	select {
	case f := <-d.frames:
		return f
	case <-time.After(patience):
		d.t.Fatal("the node sends nothing")
		return nil
	}
}

// expect is the next frame, which must be of a type.
func expect[T any, F interface {
	*T
	wire.Frame
}](d *device) *T {
	d.t.Helper()
	f := d.next()
	want, ok := f.(F)
	if !ok {
		d.t.Fatalf("got %T %+v, want %T", f, f, want)
	}
	return want
}

// gets takes the next messages, which must have these payloads, and acks them.
func (d *device) gets(payloads ...string) []*wire.Push {
	d.t.Helper()
	got := d.sees(payloads...)
	for _, p := range got {
		if p.Seq > 0 {
			d.send(&wire.Ack{Seq: p.Seq})
		}
	}
	return got
}

// sees is gets without acks.
func (d *device) sees(payloads ...string) []*wire.Push {
	d.t.Helper()
	var got []*wire.Push
	for _, want := range payloads {
		p := expect[wire.Push](d)
		if string(p.Payload) != want {
			d.t.Fatalf("got %q (id %s), want %q", p.Payload, p.ID, want)
		}
		got = append(got, p)
	}
	return got
}

// closed takes the end of the connection: a CLOSE with the code, and no more.
func (d *device) closed(code wire.Code) *wire.Close {
	d.t.Helper()
	c := expect[wire.Close](d)
	if c.Code != code {
		d.t.Errorf("closed with %d %s, want %d %s", c.Code, c.Code, code, code)
	}
	if f := d.next(); f != nil {
		d.t.Errorf("%T came after CLOSE", f)
	}
	return c
}

// rejected takes a REJECT with the code.
func (d *device) rejected(code wire.Code) *wire.Reject {
	d.t.Helper()
	r := expect[wire.Reject](d)
	if r.Code != code {
		d.t.Errorf("rejected with %d %s (%s), want %d %s", r.Code, r.Code, r.Text, code, code)
	}
	return r
}

// leaves takes a MOVE and does as it says.
func (d *device) leaves() {
	d.t.Helper()
	expect[wire.Move](d)
	d.cut()
}
