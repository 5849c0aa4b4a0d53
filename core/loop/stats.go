package loop

import (
	"sync/atomic"
	"time"
)

// counters are written by the loop and read by anybody.
type counters struct {
	turns, inputs, events, items atomic.Uint64
	busy                         atomic.Int64 // nanoseconds
	lag                          atomic.Int64 // nanoseconds

	lagSince time.Time // owned by the loop: when lag was begun anew
}

// Stats is how a loop has been doing since it started.
type Stats struct {
	Turns  uint64        // turns of its list
	Inputs uint64        // inputs of its mailbox
	Events uint64        // events that transports emitted
	Items  uint64        // items delivered to transports
	Busy   time.Duration // time not spent waiting; the busy ratio is its growth by time
	Lag    time.Duration // the longest time from Post until the loop took it, in the last second that had any
	Queued int           // inputs that wait in the mailbox
}

// Stats may be called from any goroutine.
func (l *Loop) Stats() Stats {
	c := &l.stats
	return Stats{
		Turns: c.turns.Load(), Inputs: c.inputs.Load(), Events: c.events.Load(), Items: c.items.Load(),
		Busy: time.Duration(c.busy.Load()), Lag: time.Duration(c.lag.Load()),
		Queued: int(l.mailbox.length.Load()),
	}
}
