package dispatch

import (
	"slices"

	"github.com/pushcore/pushcore/core/admit"
	"github.com/pushcore/pushcore/core/envelope"
)

// quantum is how many records of a source are taken before it is the next one's
// turn.
const quantum = 64

// Run takes up to n records, the sources in turn, while no loop has too much
// waiting for it. It tells whether more could be taken at once.
func (s *State) Run(now admit.Now, n int) (more bool) {
	for turns := len(s.lanes); turns > 0 && n > 0 && !s.Blocked(); turns-- {
		l := s.lanes[0]
		s.lanes = append(s.lanes[:0], s.lanes[1:]...)
		taken, ready := s.runLane(now, l, min(n, quantum))
		n -= taken
		if len(l.batches) > 0 {
			s.lanes = append(s.lanes, l)
		}
		if ready {
			turns = len(s.lanes) + 1 // all have another turn
		}
	}
	s.carryOut()
	return !s.Blocked() && slices.ContainsFunc(s.lanes, (*lane).ready)
}

// Blocked tells whether so much waits for a loop that no record is taken.
func (s *State) Blocked() bool {
	for _, out := range s.out {
		if len(out) >= s.outMax {
			return true
		}
	}
	return false
}

func (l *lane) ready() bool {
	return len(l.batches) > 0 && l.source.Paused() == admit.NotPaused
}

// runLane takes up to n records of one source and tells whether it could go on.
func (s *State) runLane(now admit.Now, l *lane, n int) (taken int, ready bool) {
	for l.ready() && taken < n && !s.Blocked() {
		b := l.batches[0]
		switch s.offer(now, l.source, &b.Records[b.next]) {
		case admit.Stale:
			s.abandon(l, ErrRevoked)
			return taken, false
		case admit.WaitsForRoom:
			return taken, false
		}
		b.Records[b.next] = admit.Parsed{}
		taken++
		if b.next++; b.next == len(b.Records) {
			l.batches = slices.Delete(l.batches, 0, 1)
			s.finish(b, nil)
		}
	}
	return taken, l.ready()
}

// offer offers a record to admission and dispatches it if it is accepted.
func (s *State) offer(now admit.Now, src *admit.Source, p *admit.Parsed) admit.Verdict {
	verdict := s.admit.Offer(now, src, p)
	if verdict != admit.Accepted {
		return verdict
	}
	var id envelope.RecordID
	var to admit.LoopSet
	if m := p.Message; m != nil {
		s.keep(now, m)
		id, to = m.Record, s.split.message(m, s.out)
	} else {
		s.relate(now, p.Control)
		id, to = p.Control.Record, s.split.control(p.Control, s.out)
	}
	if to.Empty() && p.Message != nil {
		s.admit.Unheard(now, p.Message.Origin.Plugin, p.Message)
	}
	s.admit.Dispatched(now, id, to)
	s.carryOut()
	return verdict
}
