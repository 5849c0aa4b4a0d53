package shard

import (
	"time"

	"github.com/pushcore/pushcore/core/session"
	"github.com/pushcore/pushcore/sdk"
)

// instance is what a shard knows of one transport instance besides its connections.
type instance struct {
	// While there is a block nothing is given to its sessions here: those who were to
	// get something wait in parked. The instance has a clock of its own for retries,
	// which stands still meanwhile, so that a block costs nothing where nothing waits.
	blocks    block
	blockedAt time.Duration // while there is one
	stood     time.Duration // how long the clock has stood still in sum
	parked    []*session.Session

	echo    echo
	ended   uint16               // connections of this incarnation and earlier ones are gone; 0: not known
	aliases map[sdk.ConnID]alias // connections that have another name by now
	early   map[sdk.ConnID]early // attached under a name that the shard does not know yet
}

// incarnationShift parts a connection's id: below are the transport's own ids,
// above is the incarnation of its process. 0: it is in this process.
const incarnationShift = 48

func incarnation(c sdk.ConnID) uint16 { return uint16(c >> incarnationShift) }

// isOver says whether a connection is of a process that has ended.
func (i *instance) isOver(c sdk.ConnID) bool {
	n := incarnation(c)
	return n != 0 && i.ended != 0 && int16(n-i.ended) <= 0 //nolint:gosec // They go round.
}

// clock is the time for the retries of an instance's sessions.
func (i *instance) clock(now time.Duration) time.Duration {
	if i.blocks != 0 {
		now = i.blockedAt
	}
	return now - i.stood
}

// outside counts what is held because of processes of plugins.
func (s *Shard) outside() (n int) {
	for i := range s.instances {
		in := &s.instances[i]
		n += len(in.parked) + len(in.echo.queue) - in.echo.head
		for _, e := range in.early {
			if !e.closed {
				n++
			}
		}
	}
	return n + len(s.unkept)
}

// retryClock is the time for a session's window.
func (s *Shard) retryClock(ses *session.Session) time.Duration {
	return s.instances[ses.Plugin].clock(s.now.Mono)
}

// blocked says whether nothing can be given to a session because of its instance.
func (s *Shard) blocked(ses *session.Session) bool { return s.instances[ses.Plugin].blocks != 0 }
