package mqtt

import (
	"time"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// sweepEvery is how often a loop looks for connections whose time is over: one
// timer for all of them.
const sweepEvery = time.Second

// stallMax is how late a sweep may come. A later one means that the loop has not
// run meanwhile, and what devices have sent may not be read yet.
const stallMax = time.Second

func (l *loop) sweepSoon() {
	if l.sweeping == 0 && !l.closed {
		l.sweeping, l.swept = l.poller.Timer(sweepEvery, l), l.now()
	}
}

var _ sdk.Alarm = (*loop)(nil)

// Alarm implements sdk.Alarm.
func (l *loop) Alarm(sdk.Loop, sdk.TimerID) {
	l.sweeping = 0
	now := l.now()
	late := now.Sub(l.swept) - sweepEvery
	for _, c := range l.conns {
		if late > stallMax {
			c.heard = c.heard.Add(late)
		}
		c.sweep(now)
	}
	if len(l.conns) > 0 {
		l.sweepSoon()
	}
	l.report()
}

func (c *conn) sweep(now time.Time) {
	switch c.phase {
	case connecting, waiting:
		if !c.deadline.IsZero() && !now.Before(c.deadline) {
			c.end(uint16(wire.CodeConnectTimeout), "it took too long to be let in", "")
		}
	case attached:
		if c.keepAlive > 0 && c.reads() && now.Sub(c.heard) > c.keepAlive+c.keepAlive/2 {
			c.end(uint16(wire.CodeHeartbeatTimeout), "nothing was heard for 1.5 keep-alives", "")
		}
	case ending:
		if now.After(c.deadline) {
			c.drop(0, "")
		}
	}
}
