package sockets

import (
	"time"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// tick is the resolution of time-outs.
const tick = 250 * time.Millisecond

// readBytes is the size of a loop's read buffer.
const readBytes = 64 << 10

// loop is the transport's part on one loop; all of it is owned by that loop.
type loop struct {
	transport *Transport // immutable
	id        sdk.Loop   // immutable
	poller    sdk.Poller
	slab      slab
	byFD      []*conn // those this loop serves
	all       []*conn // the same, to sweep over
	listeners []*listener
	limits    sdk.Listen
	strangers int // connections without Accept
	rate      bucket
	shortage  shortage

	read   []byte      // one readiness at a time
	reply  []byte      // reused
	events []sdk.Event // reused; emitted before the read buffer is used again
	frames frames      // reused

	turn turn // what this turn writes
	fed  fed  // whether it may read

	start    time.Time
	sweeping sdk.TimerID
	pulse    time.Duration // between sweeps
	swept    uint32        // tick of the last one
	closed   bool
}

func newLoop(t *Transport, id sdk.Loop) *loop {
	return &loop{
		transport: t, id: id, poller: t.host.Poller(id), read: make([]byte, readBytes), pulse: sweepEvery,
		limits: sdk.Listen{MaxFrame: t.config.FrameBytesMax},
	}
}

// now is the current tick, counted from the loop's first use.
func (l *loop) now() uint32 {
	now := l.transport.host.Now(l.id)
	if l.start.IsZero() {
		l.start = now
	}
	return uint32(now.Sub(l.start)/tick) + 1
}

func ticks(n uint32) time.Duration { return time.Duration(n) * tick }

func ticksOf(d time.Duration) uint32 { return uint32((d + tick - 1) / tick) }

// add puts a connection under the loop's care and begins to watch it.
func (l *loop) add(c *conn, i sdk.Interest) error {
	if err := l.poller.Watch(int(c.fd), i, c); err != nil {
		return err
	}
	for int(c.fd) >= len(l.byFD) {
		l.byFD = append(l.byFD, make([]*conn, max(len(l.byFD), slabBlock))...)
	}
	c.server, c.interest = l, i
	l.byFD[c.fd] = c
	c.index = int32(len(l.all))
	l.all = append(l.all, c)
	l.sweepSoon()
	return nil
}

// remove takes a connection out of the loop's care, to close it or to move it.
func (l *loop) remove(c *conn) {
	l.poller.Forget(int(c.fd))
	l.byFD[c.fd] = nil
	last := l.all[len(l.all)-1]
	l.all[c.index], last.index = last, c.index
	l.all = l.all[:len(l.all)-1]
	c.index = none
	if c.phase == Connecting || c.phase == Waiting {
		l.strangers--
	}
}

// find returns the connection of an id, or nil if it is gone or not this loop's.
func (l *loop) find(id sdk.ConnID) *conn {
	fd := descriptorOf(id)
	if fd >= len(l.byFD) {
		return nil
	}
	c := l.byFD[fd]
	if c == nil || c.id != id {
		return nil
	}
	return c
}

// watch sets what the poller reports of a connection: readable while it may be
// read, writable while the socket owes us room.
func (c *conn) watch() {
	var i sdk.Interest
	if c.reads() {
		i |= sdk.Readable
	}
	if len(c.out) > 0 {
		i |= sdk.Writable
	}
	if i != c.interest {
		if err := c.server.poller.Rewatch(int(c.fd), i); err != nil {
			c.drop(wire.CodeInternal, "")
			return
		}
		c.interest = i
	}
}

// outMax is how much may wait for a connection's socket until nothing more is read
// from it: a device that asks and never reads the answers stops being heard.
const outMax = 256 << 10

// reads says whether bytes may be taken from the socket now.
func (c *conn) reads() bool {
	switch c.phase {
	case Connecting:
		return len(c.out) < outMax
	case Ending:
		return true
	case Attached:
		return !c.paused && !c.starved && len(c.out) < outMax
	default:
		return false
	}
}

// emit reports one event.
func (l *loop) emit(e sdk.Event) {
	l.events = append(l.events, e)
}

// report hands over the events gathered so far.
func (l *loop) report() {
	if len(l.events) > 0 {
		events := l.events
		l.events = nil
		l.transport.host.Emit(l.id, events)
		clear(events)
		l.events = events[:0]
	}
}
