package sockets

import (
	"golang.org/x/sys/unix"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// turn is what a loop's turn writes. All bytes lie in one arena: a message's body
// once, and for each connection a list of segments of it, in the order of writing.
// Flush gathers each list into one write.
type turn struct {
	arena    []byte
	segments []segment
	dirty    []*conn
	dropped  []*conn      // closed while dirty: their slots are free after Flush
	scratch  []byte       // small writes are gathered here: one copy is cheaper than a vector
	vector   []unix.Iovec // large ones here
}

// segment is arena[from:to] and what follows it on the same connection.
type segment struct {
	from, to int
	next     int32
}

const (
	// gatherMax is up to where copying segments together is cheaper than handing
	// the kernel a vector (measured by BenchmarkGather).
	gatherMax = 16 << 10
	vectorMax = 1024    // IOV_MAX: a longer list is written in several system calls
	arenaKeep = 4 << 20 // a larger arena is not kept for the next turn
)

// stage puts arena[from:to] behind what the connection is to write.
func (l *loop) stage(c *conn, from, to int) {
	t := &l.turn
	if from == to || c.shut {
		return
	}
	if c.last != none && t.segments[c.last].to == from {
		t.segments[c.last].to = to
		return
	}
	t.segments = append(t.segments, segment{from, to, none})
	at := int32(len(t.segments) - 1)
	if c.last == none {
		c.first = at
	} else {
		t.segments[c.last].next = at
	}
	c.last = at
	if !c.dirty {
		c.dirty = true
		t.dirty = append(t.dirty, c)
	}
}

// say stages a frame that is not a push.
func (c *conn) say(f wire.Frame) {
	l := c.server
	from := len(l.turn.arena)
	l.turn.arena = c.codec.AppendFrame(l.turn.arena, f)
	l.stage(c, from, len(l.turn.arena))
}

// sayBytes stages bytes as they are.
func (c *conn) sayBytes(b []byte) {
	l := c.server
	from := len(l.turn.arena)
	l.turn.arena = append(l.turn.arena, b...)
	l.stage(c, from, len(l.turn.arena))
}

// Flush implements sdk.Transport: one write for each connection with something to
// write.
func (t *Transport) Flush(id sdk.Loop) {
	l := t.loops[id]
	w := &l.turn
	for i := 0; i < len(w.dirty); i++ {
		if c := w.dirty[i]; c != nil && c.dirty {
			c.flush()
		}
	}
	for _, c := range w.dropped {
		l.slab.give(c)
	}
	clear(w.dirty)
	clear(w.dropped)
	w.dropped = w.dropped[:0]
	w.dirty, w.segments, w.arena = w.dirty[:0], w.segments[:0], w.arena[:0]
	if cap(w.arena) > arenaKeep {
		w.arena = nil
	}
	l.frames.push = wire.Push{} // It refers to the host's payload.
	l.fed.had = false
	l.report()
}

// flush writes what the turn has for the connection. What the socket does not
// take is kept, and said.
func (c *conn) flush() {
	if len(c.out) == 0 {
		n, ok := c.writeSegments()
		if !ok {
			c.drop(0, "")
			return
		}
		c.keep(n)
	} else {
		c.keep(0)
	}
	c.unlist()
	if len(c.out) > 0 {
		c.watch()
		if !c.congested && c.phase == Attached {
			c.congested = true
			c.server.emit(sdk.Event{Kind: sdk.EventCongested, Conn: c.id, Queued: len(c.out)})
		}
	}
	c.ended()
}

// release takes a connection that leaves for another loop off the flush list:
// from now on this loop must not even look at it. What was staged goes with it.
func (l *loop) release(c *conn) {
	if !c.dirty {
		return // It is not on the list.
	}
	c.keep(0)
	c.unlist()
	for i := len(l.turn.dirty) - 1; i >= 0; i-- { // It is among the last, and there once.
		if l.turn.dirty[i] == c {
			l.turn.dirty[i] = nil
			return
		}
	}
}

// unlist forgets the connection's segments.
func (c *conn) unlist() { c.first, c.last, c.dirty = none, none, false }

// writeSegments writes the connection's segments, in one system call unless there
// are very many, and returns how many bytes were taken; false if the socket is
// broken.
func (c *conn) writeSegments() (int, bool) {
	t := &c.server.turn
	if c.first == none {
		return 0, true
	}
	s := t.segments[c.first]
	if s.next == none {
		return c.write(t.arena[s.from:s.to])
	}
	t.scratch = t.scratch[:0]
	for at := c.first; at != none; at = t.segments[at].next {
		s := t.segments[at]
		if len(t.scratch)+s.to-s.from > gatherMax {
			return c.writeVector()
		}
		t.scratch = append(t.scratch, t.arena[s.from:s.to]...)
	}
	return c.write(t.scratch)
}

func (c *conn) writeVector() (int, bool) {
	t, total := &c.server.turn, 0
	for at := c.first; at != none; {
		var size int
		at, size = t.gather(at)
		n, ok := c.writeGathered()
		clear(t.vector) // It must not keep an arena that the turn lets go.
		total += n
		if !ok || n < size {
			return total, ok
		}
	}
	return total, true
}

// gather fills the vector with the segments from at on, as many as one system call
// takes. It returns the first that is not in it, and the bytes of those that are.
func (t *turn) gather(at int32) (next int32, size int) {
	t.vector = t.vector[:0]
	for at != none && len(t.vector) < vectorMax {
		s := t.segments[at]
		v := unix.Iovec{Base: &t.arena[s.from]}
		v.SetLen(s.to - s.from)
		t.vector = append(t.vector, v)
		size += s.to - s.from
		at = s.next
	}
	return at, size
}

func (c *conn) writeGathered() (int, bool) {
	for {
		n, err := writevSocket(c.fd, c.server.turn.vector)
		if err != unix.EINTR {
			return taken(n, err)
		}
	}
}

func (c *conn) write(b []byte) (int, bool) {
	for {
		n, err := writeSocket(c.fd, b)
		if err != unix.EINTR {
			return taken(n, err)
		}
	}
}

func taken(n int, err unix.Errno) (int, bool) {
	switch err {
	case 0:
		return n, true
	case unix.EAGAIN:
		return 0, true
	default:
		return 0, false
	}
}

// keep copies what of the segments is left behind the first n bytes out of the
// arena, which the next turn uses again.
func (c *conn) keep(n int) {
	t := &c.server.turn
	for at := c.first; at != none; at = t.segments[at].next {
		s := t.segments[at]
		skip := min(n, s.to-s.from)
		n -= skip
		c.out = append(c.out, t.arena[s.from+skip:s.to]...)
	}
}

// drain writes what was kept, now that the socket has room again.
func (c *conn) drain() {
	n, ok := c.write(c.out)
	if !ok {
		c.drop(0, "")
		return
	}
	if n > 0 {
		c.heard = c.server.now() // It takes what it is sent: it lives, though it may not be read.
	}
	if n < len(c.out) {
		c.advance(n)
		return
	}
	c.out, c.outWritten = nil, 0 // An idle connection holds no buffer.
	c.watch()
	if c.congested && c.phase == Attached {
		c.congested = false
		c.server.emit(sdk.Event{Kind: sdk.EventWritable, Conn: c.id})
	}
	c.ended()
}

// outWasteMin is up to where what was written of a backlog may lie unused before
// the rest.
const outWasteMin = 64 << 10

// advance takes the first n bytes off the backlog. The rest stays where it is, for
// moving it to the front would copy a long backlog once for each write; when the
// unused part before it has become longer than itself it is copied to memory of
// its own. So all copies together are no longer than the backlog.
func (c *conn) advance(n int) {
	c.out = c.out[n:]
	c.outWritten += n
	if c.outWritten > outWasteMin && c.outWritten > len(c.out) {
		c.out, c.outWritten = append([]byte(nil), c.out...), 0
	}
}
