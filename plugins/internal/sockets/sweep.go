package sockets

import (
	"time"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// sweepEvery is how often a loop looks for connections whose time is over. One
// timer for all of them costs a walk over the slab, and an idle connection no
// timer of its own.
const sweepEvery = time.Second

// sweepSoon keeps the sweep going while there are connections.
func (l *loop) sweepSoon() {
	if l.sweeping == 0 && !l.closed {
		l.sweeping = l.poller.Timer(sweepEvery, l)
	}
}

var _ sdk.Alarm = (*loop)(nil)

// Alarm sweeps over the connections.
func (l *loop) Alarm(sdk.Loop, sdk.TimerID) {
	l.sweeping = 0
	now := l.now()
	for i := len(l.all) - 1; i >= 0; i-- { // Backwards: a dropped one is replaced by the last.
		l.all[i].sweep(now)
	}
	l.report()
	if len(l.all) > 0 {
		l.sweepSoon()
	}
}

func (c *conn) sweep(now uint32) {
	switch c.phase {
	case Connecting, Waiting:
		if c.deadline != 0 && now >= c.deadline {
			c.end(wire.CodeConnectTimeout, "it took too long to be let in", wire.Reconnect{})
		}
	case Attached:
		if c.heartbeat != 0 && !c.paused && now-c.heard > c.heartbeat {
			c.end(wire.CodeHeartbeatTimeout, "nothing was heard for 1.5 heartbeats", wire.Reconnect{})
		}
	case Ending:
		if now >= c.deadline {
			c.drop(0, "")
		}
	}
}
