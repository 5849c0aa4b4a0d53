package sockets

import (
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// creditEvery is how often a host that gives no credit is asked for some.
const creditEvery = 100 * time.Millisecond

// fed is what a loop knows of the host's credit.
//
// Readiness is level triggered, so a connection that is not read because the
// turn's credit is used up is reported again in the next turn, which has credit of
// its own. A host that gives none from the turn's beginning may go on like that
// for long, and would be asked as fast as the loop can turn: then connections are
// no longer watched for reading until a timer has found credit.
type fed struct {
	had     bool // there was credit in this turn
	starved []sdk.ConnID
	asking  sdk.TimerID
}

// mayRead says whether the host takes what a connection sends. If not, the
// connection is read in a later turn.
func (l *loop) mayRead(c *conn) bool {
	if l.transport.host.Credit(l.id) > 0 {
		l.fed.had = true
		return true
	}
	if !l.fed.had {
		l.starve(c)
	}
	return false
}

func (l *loop) starve(c *conn) {
	c.starved = true
	c.watch()
	l.fed.starved = append(l.fed.starved, c.id)
	if l.fed.asking == 0 {
		l.fed.asking = l.poller.Timer(creditEvery, creditAlarm{l})
	}
}

// creditAlarm looks for credit.
type creditAlarm struct{ l *loop }

func (a creditAlarm) Alarm(sdk.Loop, sdk.TimerID) {
	l := a.l
	l.fed.asking = 0
	if l.transport.host.Credit(l.id) <= 0 {
		l.fed.asking = l.poller.Timer(creditEvery, a)
		return
	}
	for _, id := range l.fed.starved {
		if c := l.find(id); c != nil && c.starved {
			c.starved = false
			c.heard = l.now() // Its clock stood still meanwhile.
			c.watch()
		}
	}
	l.fed.starved = l.fed.starved[:0]
	l.report()
}
