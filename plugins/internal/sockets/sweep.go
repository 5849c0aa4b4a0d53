package sockets

import (
	"time"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// sweepEvery is how often a loop looks for connections whose time is over. One
// timer for all of them costs a walk over the slab, and an idle connection no
// timer of its own. Where heartbeats are short it looks more often: eight times in
// the shortest, but not more than once a tick.
const sweepEvery = time.Second

// sweepSoon keeps the sweep going while there are connections.
func (l *loop) sweepSoon() {
	if l.sweeping == 0 && !l.closed {
		l.sweeping = l.poller.Timer(l.pulse, l)
		l.swept = l.now()
	}
}

// quicken makes the sweep quick enough for a heartbeat.
func (l *loop) quicken(heartbeat time.Duration) {
	l.pulse = max(tick, min(l.pulse, heartbeat/8))
}

var _ sdk.Alarm = (*loop)(nil)

// Alarm sweeps over the connections.
func (l *loop) Alarm(sdk.Loop, sdk.TimerID) {
	l.sweeping = 0
	now, stall := l.now(), l.stall()
	for i := len(l.all) - 1; i >= 0; i-- { // Backwards: a dropped one is replaced by the last.
		l.all[i].forgive(stall)
		l.all[i].sweep(now)
	}
	l.report()
	if len(l.all) > 0 {
		l.sweepSoon()
	} else {
		l.pulse = sweepEvery
	}
}

// stallMin is how late a sweep comes when the loop has not run meanwhile: the
// process was stopped, the machine slept, or it was starved of CPU.
const stallMin = time.Second

// stall is for how long the loop has not run since the last sweep, or 0.
func (l *loop) stall() uint32 {
	if late := l.now() - l.swept - ticksOf(l.pulse); int32(late) > int32(ticksOf(stallMin)) {
		return late
	}
	return 0
}

// forgive does not count time in which the loop did not run: what the peers sent
// meanwhile may not be read yet.
func (c *conn) forgive(stall uint32) {
	if stall > 0 {
		c.heard = min(c.heard+stall, c.server.now())
		if c.deadline != 0 {
			c.deadline += stall
		}
	}
}

func (c *conn) sweep(now uint32) {
	switch c.phase {
	case Connecting, Waiting:
		if c.deadline != 0 && now >= c.deadline {
			c.end(wire.CodeConnectTimeout, "it took too long to be let in", wire.Reconnect{})
		}
	case Attached:
		if c.heartbeat != 0 && !c.paused && !c.starved && now-c.heard > c.silenceMax() {
			c.end(wire.CodeHeartbeatTimeout, "nothing was heard for 1.5 heartbeats", wire.Reconnect{})
			c.hurry()
		}
	case Ending:
		if now >= c.deadline {
			c.drop(0, "")
		}
	}
}

// silenceMax is 1.5 heartbeats.
func (c *conn) silenceMax() uint32 { return c.heartbeat + (c.heartbeat+1)/2 }

// hurry lets a connection on which nothing was heard go within two heartbeats:
// nobody may be there to take the CLOSE, and the time to linger may be longer.
func (c *conn) hurry() {
	if c.phase == Ending {
		early := min(2*c.heartbeat, ticksOf(c.server.pulse)+1) // The sweep comes so much later.
		c.deadline = min(c.deadline, c.heard+2*c.heartbeat-early)
	}
}
