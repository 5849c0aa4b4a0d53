package memory

import (
	"slices"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
)

// put stores a message for receivers.
func (d *data) put(op *store.Op) (removed, owed []store.Pair) {
	if len(op.Receivers) == 0 {
		return nil, nil
	}
	u := d.users[op.User]
	if op.Again && (u == nil || !u.has(op.Order)) {
		return nil, nil
	}
	if u == nil {
		u = d.makeUser(op.User)
	}
	at, found := u.find(op.Order)
	if !found {
		d.insert(u, at, op)
	}
	m := u.messages[at]
	for _, r := range op.Receivers {
		here := r.Here
		r.Here = false
		if i := m.find(r.Device); i >= 0 {
			old := &m.receivers[i]
			old.wait(op, here)
			old.Attempts, old.Sent = max(old.Attempts, r.Attempts), old.Sent || r.Sent
			continue
		}
		if op.Again {
			continue
		}
		m.receivers = append(m.receivers, receiver{Receiver: r})
		m.receivers[len(m.receivers)-1].wait(op, here)
		u.pairs++
		d.pairs++
		if p := d.notable(m.pair(r)); p.Owed != 0 {
			owed = append(owed, p)
		}
	}
	d.rearm(m)
	if m.message.Collapse != "" {
		for _, r := range op.Receivers {
			removed = d.collapse(m, r.Device, removed)
		}
	}
	return d.bound(u, op.Limit, removed), owed
}

// collapse ends what a newer message of the same key replaces for a receiver: older
// ones that are not sent; or m itself, if it is not sent and a newer one is there. A
// record that was redelivered under its id replaces nothing of its own: it would lose
// its place.
func (d *data) collapse(m *stored, device string, removed []store.Pair) []store.Pair {
	at := m.find(device)
	if at < 0 {
		return removed
	}
	only, replaced := []store.Receiver{{Device: device}}, false
	for _, o := range slices.Clone(m.user.collapse[m.message.Collapse]) {
		i := o.find(device)
		switch {
		case i < 0 || o == m || o.message.ID == m.message.ID && o.message.Scope == m.message.Scope ||
			device == "" && !sameFilter(o.message, m.message):
		case o.order > m.order:
			replaced = true
		case o.receivers[i].collapsible():
			removed = append(removed, d.end(o, only, envelope.Dropped, envelope.Collapsed)...)
		}
	}
	if replaced && m.receivers[at].collapsible() {
		removed = append(removed, d.end(m, only, envelope.Dropped, envelope.Collapsed)...)
	}
	return removed
}

// sameFilter tells whether two messages for whichever device comes first are for
// the same devices. Otherwise one does not replace the other.
func sameFilter(a, b *envelope.Message) bool {
	return slices.Equal(a.Platforms, b.Platforms) && slices.Equal(a.Except, b.Except)
}

// bound ends the oldest messages of a mailbox above its limit, all but the newest.
func (d *data) bound(u *user, limit store.Limit, removed []store.Pair) []store.Pair {
	for len(u.messages) > 1 &&
		(limit.Messages > 0 && len(u.messages) > limit.Messages || limit.Bytes > 0 && u.bytes > limit.Bytes) {
		removed = append(removed, d.end(u.messages[0], nil, envelope.Dead, envelope.MailboxFull)...)
	}
	return removed
}
