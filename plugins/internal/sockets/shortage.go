package sockets

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/pushcore/pushcore/sdk"
)

const (
	// outOfDescriptors is how long a listener rests when the process has no
	// descriptor left.
	outOfDescriptors = 200 * time.Millisecond

	// descriptorsKept are left for the store's files, brokers and the HTTP
	// interface: a connection that would take one of the last is closed at once.
	// Of a very low limit it is a quarter.
	descriptorsKept = 64

	// shortageEvery is how often a shortage is told of while it lasts.
	shortageEvery = time.Minute
)

// descriptorCeiling is the first descriptor that is not for connections. The limit
// is looked up each time, for it can be changed while the process runs.
func descriptorCeiling() int {
	const most = 1 << descriptorBits // An id holds no more.
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return most
	}
	n := int(min(limit.Cur, most))
	return n - min(descriptorsKept, n/4)
}

// isShortage says whether accept has failed for want of descriptors or memory, not
// because of the peer.
func isShortage(err error) bool {
	return err == unix.EMFILE || err == unix.ENFILE || err == unix.ENOBUFS || err == unix.ENOMEM
}

// shortage tells the operator that descriptors are short: with one line when it
// begins, then with a count as long as there is something to count.
type shortage struct {
	refused int // connections closed since the last line
	rests   int // rests of listeners since the last line
	telling sdk.TimerID
}

// count counts connections that were refused, or with none a listener's rest.
func (s *shortage) count(l *loop, err error, connections int) {
	s.refused += connections
	if connections == 0 {
		s.rests++
	}
	if s.telling != 0 {
		return
	}
	s.tell(l, "no descriptor for more connections: they are refused until others end; raise the limit of open files or lower limits.max_connections", err)
}

func (s *shortage) tell(l *loop, text string, err error) {
	l.transport.host.Log().Error(text, "error", err, "refused", s.refused, "rests", s.rests, "loop", int(l.id))
	s.refused, s.rests = 0, 0
	s.telling = l.poller.Timer(shortageEvery, shortageAlarm{l})
}

// shortageAlarm tells what was counted.
type shortageAlarm struct{ l *loop }

func (a shortageAlarm) Alarm(sdk.Loop, sdk.TimerID) {
	s := &a.l.shortage
	s.telling = 0
	if s.refused+s.rests > 0 {
		s.tell(a.l, "still no descriptor for more connections", unix.EMFILE)
	}
}
