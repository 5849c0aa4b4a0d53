package linetransport

import (
	"bufio"
	"encoding/json"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

const (
	lineMax = 64 << 10        // bytes of a line of a device
	jam     = 256 << 10       // bytes that wait for the socket when Congested is said
	linger  = 2 * time.Second // for the device to hear that its connection ends
)

// conn is one connection, with a goroutine that reads and one that writes.
type conn struct {
	transport *Transport
	id        sdk.ConnID
	socket    *net.TCPConn
	owner     chan sdk.Loop // command → reader; capacity 1; below 0: no session
	attached  atomic.Bool
	stop      func()

	mu        sync.Mutex // guards everything following
	changed   *sync.Cond
	loop      sdk.Loop // where events go
	turn, out []byte   // appended in this turn; to be written
	paused    bool
	congested bool
	ending    bool // nothing is said any more
	closed    bool // Closed was posted
}

func newConn(t *Transport, id sdk.ConnID, socket *net.TCPConn, limits sdk.Listen) *conn {
	c := &conn{
		transport: t, id: id, socket: socket, loop: sdk.Loop(int(id) % t.host.Loops()),
		owner: make(chan sdk.Loop, 1),
	}
	c.changed = sync.NewCond(&c.mu)
	c.stop = sync.OnceFunc(func() {
		_ = socket.Close() // It ends reader and writer.
		c.set(func() { c.ending, c.turn, c.out = true, nil, nil })
		c.decide(-1)
	})
	if limits.ConnectTimeout > 0 {
		_ = socket.SetReadDeadline(time.Now().Add(limits.ConnectTimeout)) // A socket that has ended is found by reading.
	}
	t.running.Go(c.read)
	t.running.Go(c.write)
	return c
}

// read reports what the device says, up to Closed.
func (c *conn) read() {
	lines := bufio.NewScanner(c.socket)
	lines.Buffer(nil, lineMax)
	if l, ok := next(lines); ok {
		_ = c.socket.SetReadDeadline(time.Time{}) // As above.
		c.post(c.loop, connect(l, c.socket.RemoteAddr().String()))
		if owner := <-c.owner; owner >= 0 { // Nothing is read in between; the runtime answers.
			c.set(func() { c.loop = owner })
			c.attached.Store(true)
			c.post(owner, sdk.Event{Kind: sdk.EventAttached})
		}
		for l, ok := next(lines); ok; l, ok = next(lines) {
			c.post(c.loop, event(l))
		}
		c.post(c.loop, sdk.Event{Kind: sdk.EventClosed})
	}
	c.stop()
	c.transport.mu.Lock()
	delete(c.transport.conns, c.id)
	c.transport.mu.Unlock()
}

// post reports an event, when the loop has room for it; what a device says also
// waits until the connection is not paused, and is nothing any more when it ends.
func (c *conn) post(l sdk.Loop, e sdk.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if said := e.Kind != sdk.EventAttached && e.Kind != sdk.EventClosed; said {
		for c.paused && !c.ending {
			c.changed.Wait()
		}
		if c.ending {
			return
		}
	}
	c.closed = e.Kind == sdk.EventClosed
	for e.Conn = c.id; !c.transport.host.Post(l, []sdk.Event{e}); {
		c.mu.Unlock() // Meanwhile nothing is read: the device has to wait.
		time.Sleep(10 * time.Millisecond)
		c.mu.Lock()
	}
}

// decide tells the reader where it goes on, if it waits for that.
func (c *conn) decide(owner sdk.Loop) {
	select {
	case c.owner <- owner:
	default: // It was told already.
	}
}

// command does what the runtime wants.
func (c *conn) command(l sdk.Loop, m *sdk.Command) {
	switch m.Kind {
	case sdk.CommandAccept:
		c.say(l, line{Session: m.Accept.User})
		c.flush(l) // From here on it is the owner's.
		c.decide(m.Accept.Owner)
	case sdk.CommandReject:
		c.end(l, "rejected", m)
		c.decide(-1)
	case sdk.CommandClose:
		c.end(l, "closed", m)
	case sdk.CommandUplinkResult:
		c.say(l, line{Sent: m.ID, Code: m.Code, Text: m.Text})
	case sdk.CommandJoinResult:
		c.say(l, line{Joined: m.Group, Code: m.Code, Text: m.Text})
	case sdk.CommandPause, sdk.CommandResume:
		c.set(func() { c.paused = m.Kind == sdk.CommandPause })
	}
}

// say appends a line, to be written after Flush.
func (c *conn) say(l sdk.Loop, what line) {
	b, err := json.Marshal(what)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil || c.ending {
		return
	}
	if len(c.turn) == 0 {
		c.transport.dirty[l] = append(c.transport.dirty[l], c)
	}
	c.turn = append(append(c.turn, b...), '\n')
}

// end says why, behind what is queued.
func (c *conn) end(l sdk.Loop, how string, m *sdk.Command) {
	c.say(l, line{Ended: how, Code: m.Code, Text: m.Text})
	c.set(func() { c.ending = true })
}

// flush hands the turn to the writer.
func (c *conn) flush(l sdk.Loop) {
	c.set(func() {
		c.out, c.turn = append(c.out, c.turn...), nil
		if len(c.out) > jam && !c.congested && !c.closed && !c.ending {
			c.congested = c.transport.host.Post(l, []sdk.Event{{Kind: sdk.EventCongested, Conn: c.id, Queued: len(c.out)}})
		}
	})
}

func (c *conn) set(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
	c.changed.Broadcast()
}

// drained says that all is written, if it was said that it is not.
func (c *conn) drained() {
	for c.congested && !c.closed && !c.ending {
		if c.transport.host.Post(c.loop, []sdk.Event{{Kind: sdk.EventWritable, Conn: c.id}}) {
			c.congested = false
			return
		}
		c.mu.Unlock() // The loop is busy.
		time.Sleep(10 * time.Millisecond)
		c.mu.Lock()
	}
}

// write writes what was flushed, until the connection ends.
func (c *conn) write() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		for len(c.out) == 0 && !(c.ending && len(c.turn) == 0) {
			c.drained()
			c.changed.Wait()
		}
		if len(c.out) == 0 {
			break
		}
		out := c.out
		c.out = nil
		c.mu.Unlock()
		_, err := c.socket.Write(out)
		c.mu.Lock()
		if err != nil {
			c.ending, c.turn, c.out = true, nil, nil
		}
	}
	_ = c.socket.CloseWrite() // What is wrong with it is found by reading.
	_ = c.socket.SetReadDeadline(time.Now().Add(linger))
}
