package memory

import (
	"maps"
	"slices"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
)

// remove ends receivers of a message at an order.
func (d *data) remove(op *store.Op) []store.Pair {
	u := d.users[op.User]
	if u == nil {
		return nil
	}
	at, found := u.find(op.Order)
	if !found {
		return nil
	}
	m := u.messages[at]
	m.acked = m.acked || op.Fate == envelope.Acked
	return d.end(m, op.Receivers, op.Fate, op.Reason)
}

// removeMessage ends a message by its id, for one user or for all. Owners other than
// the asker are told of their users' pairs by answers of their own.
func (d *data) removeMessage(op *store.Op, to *store.Answers) (removed []store.Pair) {
	var others map[int][]store.Pair
	for _, m := range slices.Clone(d.messages[messageID{op.Scope, op.ID}]) {
		if op.User != "" && m.user.name != op.User {
			continue
		}
		loop := op.Loop
		if op.User == "" {
			loop = d.owner(m.user.name)
		}
		ended := d.end(m, m.allBut(op.Except), op.Fate, op.Reason)
		if loop == op.Loop {
			removed = append(removed, ended...)
			continue
		}
		if others == nil {
			others = map[int][]store.Pair{}
		}
		if len(ended) > 0 {
			others[loop] = append(others[loop], ended...)
		}
	}
	for _, loop := range slices.Sorted(maps.Keys(others)) {
		to.Add(loop, store.Answer{Kind: op.Kind, Removed: others[loop]})
	}
	return removed
}

// allBut names the receivers without one device; nil if that is none.
func (m *stored) allBut(device string) []store.Receiver {
	if device == "" {
		return nil
	}
	rest := make([]store.Receiver, 0, len(m.receivers))
	for _, r := range m.receivers {
		if r.Device != device {
			rest = append(rest, r.Receiver)
		}
	}
	return rest
}
