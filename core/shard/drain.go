package shard

import (
	"time"

	"github.com/pushcore/pushcore/core/session"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// A shard is emptied in two steps: Drain lets nobody in any more, Move sends those
// away who are here. A session whose connection ends meanwhile ends at once, for
// its device goes on elsewhere: what it held goes to the store then, not all of it
// in the last moment.

// Drain tells the shard to refuse logins from now on, with Code.
type Drain struct{ Code uint16 }

// Move tells a shard that drains to send its devices away, one after another, each
// with a MOVE. One that is to get or to ack something is left to it for Busy, from
// now. A device chooses its moment Within the time given; one that is still here
// Grace later is closed. The zero Move closes all that are left, now.
type Move struct {
	Rate                float64 // devices a second; 0: all at once
	Busy, Within, Grace time.Duration
}

func (*Drain) ShardInput() {} // see PostedEvents
func (*Move) ShardInput()  {} // see PostedEvents

const (
	// moveWithin is the time in which a device that is told to go chooses its
	// moment: enough to spread those of one tick.
	moveWithin = 500 * time.Millisecond
	// moveBusy is how long devices may go on with what they have. What they do not
	// ack until they leave comes to them again.
	moveBusy = 2 * time.Second
)

// PlanMoves shares a rate (devices a second; 0: all at once) among shards by the
// sessions that they have, so that all are done at once and the node's rate stays
// the same until then. Moving gets four fifths of timeout: if they do not suffice
// the rate is raised. It returns the rate that the node will have.
func PlanMoves(sessions []int, rate float64, timeout time.Duration) ([]Move, float64) {
	total := 0
	for _, n := range sessions {
		total += n
	}
	if least := float64(total) / (timeout * 4 / 5).Seconds(); rate > 0 && rate < least {
		rate = least
	}
	moves := make([]Move, len(sessions))
	for i, n := range sessions {
		moves[i] = Move{Busy: min(moveBusy, timeout/40), Within: min(moveWithin, timeout/40), Grace: timeout / 10}
		if total > 0 {
			moves[i].Rate = rate * float64(n) / float64(total)
		}
	}
	return moves, rate
}

// moves is where a shard stands in sending its devices away.
type moves struct {
	Move
	on    bool
	until time.Duration      // Busy is over
	due   time.Duration      // of the next MOVE
	queue []*session.Session // to be told
	gone  []leaver           // told, by time
	next  time.Duration      // when there is something to do; 0: never
}

// leaver is a session that has until then to leave its connection.
type leaver struct {
	ses   *session.Session
	conn  connKey
	until time.Duration
}

// moveStep is how far apart two looks at the queue are at least.
const moveStep = 10 * time.Millisecond

// drain lets nobody in any more. Nobody can come back to a session that waits for
// its device either.
func (s *Shard) drain(code uint16) {
	s.draining = code
	for _, ses := range s.slots {
		if ses != nil && ses.State == session.Detached {
			ses.Until = s.now.Mono
			s.arm(ses)
		}
	}
}

// resumeWindow is how long a session waits for its device.
func (s *Shard) resumeWindow() time.Duration {
	if s.draining != 0 {
		return 0
	}
	return s.cfg.ResumeWindow
}

// move begins to send devices away.
func (s *Shard) move(m *Move) {
	if *m == (Move{}) {
		s.closeAll()
		return
	}
	s.moves = moves{Move: *m, on: true, until: s.now.Mono + m.Busy, due: s.now.Mono}
	for _, ses := range s.slots {
		if ses != nil && ses.State == session.Attached {
			s.moves.queue = append(s.moves.queue, ses)
		}
	}
	s.sendAwaySoon()
}

// sendAwayLater has a session wait for its turn to go.
func (s *Shard) sendAwayLater(ses *session.Session) {
	if s.moves.on {
		s.moves.queue = append(s.moves.queue, ses)
		s.sendAwaySoon()
	}
}

func (s *Shard) sendAwaySoon() { s.moves.next = max(s.now.Mono, 1) }

// sendAway tells those whose turn it is to go, and closes those whose time is over.
func (s *Shard) sendAway() {
	m := &s.moves
	if m.next == 0 || m.next > s.now.Mono {
		return
	}
	s.tellMoves()
	for len(m.gone) > 0 && m.gone[0].until <= s.now.Mono {
		l := m.gone[0]
		m.gone[0], m.gone = leaver{}, m.gone[1:]
		if s.conns[l.conn] == l.ses {
			s.closeBehind(l.ses, wire.CodeMoved)
		}
	}
	m.next = 0
	if len(m.queue) > 0 {
		m.next = max(m.due, s.now.Mono+moveStep)
	}
	if len(m.gone) > 0 && (m.next == 0 || m.gone[0].until < m.next) {
		m.next = m.gone[0].until
	}
}

// tellMoves tells as many as are due, and leaves out those who are busy.
func (s *Shard) tellMoves() {
	m := &s.moves
	i, kept := 0, 0
	for ; i < len(m.queue) && m.due <= s.now.Mono; i++ {
		switch ses := m.queue[i]; {
		case ses.State != session.Attached: // It has gone by itself.
		case ses.InMemory() > 0 && s.now.Mono < m.until:
			m.queue[kept] = ses
			kept++
		default:
			s.tellMove(ses)
		}
	}
	if i == len(m.queue) {
		m.due = max(m.due, s.now.Mono) // Nobody else may go now: what was due is not saved up.
	}
	copy(m.queue[i-kept:i], m.queue[:kept]) // Those go on being first; the others stay where they are.
	clear(m.queue[:i-kept])
	m.queue = m.queue[i-kept:]
}

// tellMove asks a device to connect anew, elsewhere as far as we know.
func (s *Shard) tellMove(ses *session.Session) {
	m := &s.moves
	if m.Rate > 0 {
		m.due += time.Duration(float64(time.Second) / m.Rate)
	}
	m.gone = append(m.gone, leaver{ses, connKey{ses.Plugin, ses.Conn}, s.now.Mono + m.Within + m.Grace})
	s.command(ses.Plugin, sdk.Command{Kind: sdk.CommandMove, Conn: ses.Conn, Within: m.Within})
}

// closeAll closes who is left.
func (s *Shard) closeAll() {
	s.moves = moves{}
	for _, ses := range s.slots {
		if ses != nil {
			s.closeBehind(ses, wire.Code(s.draining))
		}
	}
}

// closeBehind closes a session's connection, behind what is in its outbox if the
// connection takes it.
func (s *Shard) closeBehind(ses *session.Session, code wire.Code) {
	if ses.Live() && !s.blocked(ses) && ses.Out.Len()+len(ses.Resend) > 0 {
		ses.Closing = uint16(code)
		s.markDirty(ses)
		return
	}
	s.closeConn(ses, code, "the node is stopping")
}

// Left is what a stop waits for.
type Left struct {
	Attached int // sessions with a connection, or with one on its way
	Arriving int // of these, on their way
	Sessions int // all
	Storing  int // operations of the store without an answer
	Notices  int // receipts and letters without one
}

// Add adds what another shard has left.
func (l *Left) Add(o Left) {
	l.Attached += o.Attached
	l.Arriving += o.Arriving
	l.Sessions += o.Sessions
	l.Storing += o.Storing
	l.Notices += o.Notices
}

func (s *Shard) remainder() Left {
	n, arriving := len(s.slots)-len(s.free), 0
	for _, ses := range s.slots {
		if ses != nil && ses.State == session.Attaching {
			arriving++
		}
	}
	return Left{Attached: n - s.detached, Arriving: arriving, Sessions: n, Storing: len(s.jobs), Notices: s.waiting()}
}
