package dispatch

import (
	"time"

	"github.com/pushcore/pushcore/core/admit"
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/sdk/wire"
)

// HistoryRule says how much of a group is kept for those who return; the zero value:
// nothing.
type HistoryRule struct {
	Count int // the newest messages
	Age   time.Duration
}

// histories gives each message to a group with a history its position, and has the
// store keep it. The record stays open until the store has it. Positions of a group
// only grow, by one within a run of the process. A run does not go on from where
// the store stands but begins at its own time in microseconds, if that is higher: a
// position that an earlier run gave, and whose message was not stored any more, is
// never given to another message, so who has it is known to have missed something.
type histories struct {
	rule   func(group string) HistoryRule
	groups map[string]*history
	jobs   map[uint64]*historyJob // under way, by token
	ops    []store.Op             // to submit
	failed []*history
	token  uint64
}

// history is one group's.
type history struct {
	name    string
	rule    HistoryRule
	begun   bool // a position was given in this run
	reached envelope.Reached

	queue  []*historyJob // not stored, in order; bounded by what may be open
	sent   int           // of them, with the store
	stored bool          // the store has a position, so that it refuses what would leave a hole
	broken bool          // one has failed
	delay  time.Duration
	due    time.Duration // when all of the queue is submitted again
}

// historyJob is an operation until it has succeeded.
type historyJob struct {
	history *history
	op      store.Op
	record  envelope.RecordID
	sent    bool
}

// Delays before what failed is tried again.
const (
	historyDelayFirst = 100 * time.Millisecond
	historyDelayMost  = 5 * time.Second
)

func newHistories(rule func(string) HistoryRule) histories {
	return histories{rule: rule, groups: map[string]*history{}, jobs: map[uint64]*historyJob{}}
}

// recall takes back a position that the store has kept.
func (hs *histories) recall(group string, position uint64) {
	if h := hs.of(group); h != nil {
		h.reached.Position, h.stored = position, true
	}
}

// of is the history of a group, or nil if it has none by its rule.
func (hs *histories) of(group string) *history {
	if hs.rule == nil {
		return nil
	}
	h := hs.groups[group]
	if h == nil {
		rule := hs.rule(group)
		if rule.Count <= 0 {
			return nil
		}
		h = &history{name: group, rule: rule}
		hs.groups[group] = h
	}
	return h
}

// reached is how far a group's history goes, for who is about to be in. A group
// without a message gets a position nevertheless: who joins it now must be able to
// say later that he was there before the first.
func (hs *histories) reached(now admit.Now, group string) envelope.Reached {
	h := hs.of(group)
	if h == nil {
		return envelope.Reached{}
	}
	if h.reached.Position == 0 {
		h.begin(now)
	}
	return h.reached
}

func (h *history) begin(now admit.Now) {
	h.begun = true
	h.reached.Position = max(h.reached.Position+1, uint64(max(0, now.Wall.UnixMicro())))
}

// take gives a message its positions and has it kept. It returns how many
// operations its record has to wait for. What is only for who has a session now is
// in no history.
func (hs *histories) take(now admit.Now, m *envelope.Message) (holds int) {
	if hs.rule == nil || m.SessionsOnly {
		return 0
	}
	for i := range m.To {
		if m.To[i].Kind != wire.Group {
			continue
		}
		h := hs.of(m.To[i].ID)
		if h == nil {
			continue
		}
		before := h.reached.Position
		if h.begun {
			h.reached.Position++
		} else {
			h.begin(now)
		}
		h.reached.At = m.AcceptedAt
		if m.Positions == nil {
			m.Positions = make([]uint64, len(m.To))
		}
		m.Positions[i] = h.reached.Position
		hs.add(h, m.Record, store.Op{
			Kind: store.Append, Message: m, Order: h.reached.Position, After: before,
			Limit: store.Limit{Messages: h.rule.Count},
		})
		holds++
	}
	return holds
}

// dissolve forgets what was kept of a group. Positions go on, so that none is given
// twice.
func (hs *histories) dissolve(c *envelope.Control) (holds int) {
	h := hs.of(c.Group)
	if h == nil {
		return 0
	}
	hs.add(h, c.Record, store.Op{Kind: store.Dissolve})
	return 1
}

func (hs *histories) add(h *history, record envelope.RecordID, op store.Op) {
	op.Loop, op.Group = store.Dispatcher, h.name
	h.queue = append(h.queue, &historyJob{history: h, op: op, record: record})
}

// submit puts what a history waits for among the operations to submit. While the
// store knows no position of the group it could not tell that one is missing, so
// then one goes alone, and so does what ends the history.
func (hs *histories) submit(now admit.Now, h *history) {
	for _, j := range h.queue {
		alone := !h.stored || j.op.Kind == store.Dissolve
		if h.broken || (alone && h.sent > 0) {
			return
		}
		if j.sent {
			continue
		}
		h.stored = h.stored && j.op.Kind == store.Append
		hs.token++
		j.sent, j.op.Token = true, hs.token
		if h.rule.Age > 0 {
			j.op.Since = now.Wall.Add(-h.rule.Age)
		}
		h.sent++
		hs.jobs[hs.token] = j
		hs.ops = append(hs.ops, j.op)
	}
}

// answered takes an answer of the store and returns the record that waits for one
// operation less.
func (hs *histories) answered(now admit.Now, a *store.Answer) (record envelope.RecordID, done bool) {
	j := hs.jobs[a.Token]
	if j == nil {
		return 0, false
	}
	delete(hs.jobs, a.Token)
	h := j.history
	h.sent--
	j.sent = false
	if a.Err == nil {
		h.take(j)
		record, done = j.record, true
	} else if !h.broken {
		h.broken = true
		h.delay = min(max(2*h.delay, historyDelayFirst), historyDelayMost)
		h.due = now.Mono + h.delay
		hs.failed = append(hs.failed, h)
	}
	hs.submit(now, h)
	return record, done
}

// take takes a job that is done off the queue.
func (h *history) take(j *historyJob) {
	h.stored, h.delay = j.op.Kind == store.Append, 0
	for i := range h.queue {
		if h.queue[i] == j {
			h.queue = append(h.queue[:i], h.queue[i+1:]...)
			break
		}
	}
	if len(h.queue) == 0 {
		h.queue = nil
	}
}

// retry submits again what has failed, when nothing of its group is under way.
func (hs *histories) retry(now admit.Now) {
	kept := hs.failed[:0]
	for _, h := range hs.failed {
		if h.due > now.Mono || h.sent > 0 {
			kept = append(kept, h)
			continue
		}
		h.broken = false
		hs.submit(now, h)
	}
	clear(hs.failed[len(kept):])
	hs.failed = kept
}

// next returns when retry has something to do.
func (hs *histories) next() (at time.Duration, ok bool) {
	for _, h := range hs.failed {
		if h.sent == 0 && (!ok || h.due < at) {
			at, ok = h.due, true
		}
	}
	return at, ok
}

// RecallPosition takes back the position of a group's history that the store has
// kept, before anything is handled.
func (s *State) RecallPosition(group string, position uint64) { s.histories.recall(group, position) }

// HistoryPosition is the last position of a group's history; 0: it has none.
func (s *State) HistoryPosition(group string) uint64 {
	if h := s.histories.groups[group]; h != nil {
		return h.reached.Position
	}
	return 0
}

// keep has the store keep a message in the histories of its groups.
func (s *State) keep(now admit.Now, m *envelope.Message) {
	s.hold(m.Record, s.histories.take(now, m))
	for i := range m.Positions {
		if m.Positions[i] > 0 {
			s.histories.submit(now, s.histories.groups[m.To[i].ID])
		}
	}
}

// relate tells an operation how far its group's history goes, or ends that.
func (s *State) relate(now admit.Now, c *envelope.Control) {
	switch c.Op {
	case envelope.OpJoin:
		c.Reached = s.histories.reached(now, c.Group)
	case envelope.OpDissolve:
		if n := s.histories.dissolve(c); n > 0 {
			s.hold(c.Record, n)
			s.histories.submit(now, s.histories.groups[c.Group])
		}
	}
}

func (s *State) hold(record envelope.RecordID, n int) {
	for range n {
		s.admit.Hold(record)
	}
}
