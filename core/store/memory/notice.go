package memory

import (
	"slices"

	"github.com/pushcore/pushcore/core/store"
)

// notices are what brokers are to hear, until they have. Only a durable store keeps
// them: who asks another one has them in memory himself.
type notices struct {
	last uint64
	kept []store.Pair // by Owed
}

// notable keeps a notice of a pair if its broker is to hear of it.
func (d *data) notable(p store.Pair) store.Pair {
	if d.durable && store.Notable(p.Message, p.Fate) {
		d.notices.last++
		p.Owed = d.notices.last
		d.notices.kept = append(d.notices.kept, p)
	}
	return p
}

// owe keeps a notice of a pair that ended in memory, once.
func (d *data) owe(op *store.Op) []store.Pair {
	r := op.Receivers[0]
	for _, p := range d.notices.kept {
		if p.User == op.User && p.Order == op.Order && p.Receiver.Device == r.Device && p.Fate == op.Fate {
			return []store.Pair{p}
		}
	}
	return []store.Pair{d.notable(store.Pair{
		Message: op.Message, Order: op.Order, User: op.User, Receiver: r, Fate: op.Fate, Reason: op.Reason, At: d.now})}
}

func (n *notices) forget(owed uint64) {
	n.kept = slices.DeleteFunc(n.kept, func(p store.Pair) bool { return p.Owed == owed })
}

func (n *notices) each(yield func(store.Pair) bool) {
	for _, p := range n.kept {
		if !yield(p) {
			return
		}
	}
}

// find names the pairs of a message.
func (d *data) find(op *store.Op) (found []store.Pair, more bool) {
	for _, m := range d.messages[messageID{op.Scope, op.ID}] {
		if op.User != "" && m.user.name != op.User {
			continue
		}
		for i := range m.receivers {
			if op.Max > 0 && len(found) == op.Max {
				return found, true
			}
			found = append(found, m.pair(m.receivers[i].Receiver))
		}
	}
	return found, false
}

// pair names a receiver of a stored message.
func (m *stored) pair(r store.Receiver) store.Pair {
	return store.Pair{Message: m.message, Order: m.order, User: m.user.name, Receiver: r, At: m.message.AcceptedAt}
}

// remember keeps an id, and forgets those whose time is over.
func (d *data) remember(op *store.Op) {
	d.ids = slices.DeleteFunc(d.ids, func(r store.Remembered) bool { return !r.Until.After(d.now) })
	d.ids = append(d.ids, store.Remembered{Scope: op.Scope, ID: op.ID, Fingerprint: op.Fingerprint, How: op.How, Until: op.Until})
}
