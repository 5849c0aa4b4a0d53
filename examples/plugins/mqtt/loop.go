package mqtt

import (
	"time"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// readBytes is the size of a loop's read buffer.
const readBytes = 64 << 10

// loop is the transport's part on one loop. But for transport, id and poller it is
// touched by that loop only.
type loop struct {
	transport *Transport // immutable
	id        sdk.Loop   // immutable
	poller    sdk.Poller // immutable

	conns     map[sdk.ConnID]*conn // those this loop serves
	listeners []*listener
	limits    sdk.Listen
	rate      bucket
	strangers int // connections without Accept
	closed    bool

	readBuffer []byte      // used by one readiness at a time
	events     []sdk.Event // gathered for Emit
	dirty      []*conn     // to be written at Flush
	spare      [][]byte    // write buffers that nobody uses
	encoded    encoded     // of the batch that is being delivered

	sweeping sdk.TimerID
	swept    time.Time
	starved  []sdk.ConnID // not read until the host has credit
	asking   sdk.TimerID
	fed      bool // there was credit in this turn
}

func newLoop(t *Transport, id sdk.Loop) *loop {
	return &loop{
		transport: t, id: id, poller: t.host.Poller(id), conns: map[sdk.ConnID]*conn{}, readBuffer: make([]byte, readBytes),
	}
}

func (l *loop) now() time.Time { return l.transport.host.Now(l.id) }

// add takes a connection into the loop's care.
func (l *loop) add(c *conn, i sdk.Interest) error {
	if err := l.poller.Watch(c.fd, i, c); err != nil {
		return err
	}
	c.loop, c.interest = l, i
	l.conns[c.id] = c
	if c.phase < attached {
		l.strangers++
	}
	l.sweepSoon()
	return nil
}

// remove takes a connection out of the loop's care, to close it or to hand it on.
func (l *loop) remove(c *conn) {
	l.poller.Forget(c.fd)
	delete(l.conns, c.id)
	if c.phase < attached {
		l.strangers--
	}
}

// emit gathers an event; report hands over what was gathered.
func (l *loop) emit(e sdk.Event) { l.events = append(l.events, e) }

func (l *loop) report() {
	if len(l.events) > 0 {
		events := l.events
		l.events = nil
		l.transport.host.Emit(l.id, events)
		clear(events)
		l.events = events[:0]
	}
}

// command applies a command.
func (l *loop) command(m *sdk.Command) {
	switch m.Kind {
	case sdk.CommandListen:
		if err := l.listen(*m.Listen); err != nil {
			l.transport.fault.CompareAndSwap(nil, &err)
			l.transport.host.Log().Error("cannot accept connections", "error", err)
		}
	case sdk.CommandStopListening:
		l.stopListening()
	default:
		if c := l.conns[m.Conn]; c != nil && c.phase < ending {
			c.command(m)
		}
	}
}

// closeAll ends the loop's part of the transport.
func (l *loop) closeAll() {
	l.closed = true
	l.stopListening()
	l.poller.Cancel(l.sweeping)
	l.poller.Cancel(l.asking)
	for _, c := range l.conns {
		c.drop(uint16(wire.CodeGoingAway), "")
	}
	l.report()
}
