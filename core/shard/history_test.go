package shard_test

import (
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/sdk/wire"
)

// histories stand for the dispatcher's: groups whose name begins with h have one.
// Positions begin at 1, and in each further run of the process at the next hundred.
type histories struct {
	count   int
	age     time.Duration
	next    map[string]uint64
	reached map[string]envelope.Reached
}

func newHistories(a args) *histories {
	return &histories{
		count: a.number("history", 100), age: a.duration("age"),
		next: map[string]uint64{}, reached: map[string]envelope.Reached{},
	}
}

// crash begins another run, on what the store has kept.
func (h *histories) crash(kept *stage) {
	next := map[string]uint64{}
	clear(h.reached)
	for group, position := range kept.store.CarriedGroups() {
		h.reached[group] = envelope.Reached{Position: position}
		next[group] = h.next[group]/100*100 + 100
	}
	h.next = next
}

// keep gives a message its positions and asks the store to keep it.
func (s *stage) keep(m *envelope.Message) {
	h := s.histories
	for i, to := range m.To {
		if to.Kind != wire.Group || to.ID[0] != 'h' || m.SessionsOnly {
			continue
		}
		before := h.reached[to.ID].Position
		h.next[to.ID] = max(h.next[to.ID], before) + 1
		if m.Positions == nil {
			m.Positions = make([]uint64, len(m.To))
		}
		m.Positions[i] = h.next[to.ID]
		h.reached[to.ID] = envelope.Reached{Position: m.Positions[i], At: m.AcceptedAt}
		op := store.Op{
			Kind: store.Append, Loop: store.Dispatcher, Group: to.ID, Message: m, Order: m.Positions[i], After: before,
			Limit: store.Limit{Messages: h.count},
		}
		if h.age > 0 {
			op.Since = s.wall().Add(-h.age)
		}
		s.ops = append(s.ops, op)
	}
	if !s.held {
		s.storeStep(len(s.ops))
	}
}
