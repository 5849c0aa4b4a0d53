package ack

import "time"

// Hold is a reason for the retry clock to stand still.
type Hold uint8

// The holds of a session. The clock runs while there is none.
const (
	Congested Hold = 1 << iota // something of it waits in the write buffer
	Detached                   // it has no connection
	Unread                     // its connection is not read: credit, pause, drain
)

// clock measures the time in which a session could have been answered: the
// process's time less the time for which it was held.
type clock struct {
	holds  Hold
	heldAt time.Duration // process time, while there are holds
	behind time.Duration // process time less the clock, while there are none
}

// read returns what the clock shows.
func (c *clock) read(now time.Duration) time.Duration {
	if c.holds != 0 {
		now = c.heldAt
	}
	return now - c.behind
}

func (c *clock) hold(h Hold, now time.Duration) {
	if c.holds == 0 {
		c.heldAt = now
	}
	c.holds |= h
}

func (c *clock) release(h Hold, now time.Duration) {
	if c.holds == 0 {
		return
	}
	c.holds &^= h
	if c.holds == 0 {
		c.behind += max(now-c.heldAt, 0)
	}
}

// Suspend stops the retry clock for a reason, if it is not stopped for that
// reason already. Delays go on where they were when the last reason is gone.
func (w *Window[M]) Suspend(h Hold, now time.Duration) { w.clock.hold(h, now) }

// Resume takes a reason away, if it is there. The owner looks at NextDue again.
func (w *Window[M]) Resume(h Hold, now time.Duration) { w.clock.release(h, now) }
