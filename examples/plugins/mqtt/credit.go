package mqtt

import (
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// creditEvery is how often a host that gives no credit is asked for some.
const creditEvery = 100 * time.Millisecond

// mayRead says whether the host takes what a connection sends. Credit that is used
// up in a turn is there again in the next, in which readiness is reported anew. A
// host that gives none from the turn's beginning may go on like that for long:
// then the connection is not watched for reading until a timer has found credit.
func (l *loop) mayRead(c *conn) bool {
	if l.transport.host.Credit(l.id) > 0 {
		l.fed = true
		return true
	}
	if !l.fed {
		c.starved = true
		l.starved = append(l.starved, c.id)
		if l.asking == 0 {
			l.asking = l.poller.Timer(creditEvery, creditAlarm{l})
		}
	}
	return false
}

// creditAlarm looks for credit.
type creditAlarm struct{ l *loop }

func (a creditAlarm) Alarm(sdk.Loop, sdk.TimerID) {
	l := a.l
	if l.asking = 0; l.transport.host.Credit(l.id) <= 0 {
		l.asking = l.poller.Timer(creditEvery, a)
		return
	}
	for _, id := range l.starved {
		if c := l.conns[id]; c != nil && c.starved {
			c.starved = false
			c.heard = l.now() // Its clock stood still meanwhile.
			c.goOn()
		}
	}
	l.starved = l.starved[:0]
	l.report()
}
