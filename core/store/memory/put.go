package memory

import (
	"slices"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
)

// put stores a message for receivers.
func (d *data) put(op *store.Op, a *store.Answer) {
	u := d.users[op.User]
	if op.Again && (u == nil || !u.has(op.Order)) {
		return
	}
	receivers := d.notThere(u, op, a)
	if len(receivers) == 0 {
		return
	}
	if u == nil {
		u = d.makeUser(op.User)
	}
	at, found := u.find(op.Order)
	if !found {
		d.insert(u, at, op)
	}
	m := u.messages[at]
	for _, r := range receivers {
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
		d.held = store.Hold(d.held, d.owner(u.name), 1)
		if p := d.notable(m.pair(r)); p.Owed != 0 {
			a.Owed = append(a.Owed, p)
		}
	}
	d.rearm(m)
	if m.message.Collapse != "" {
		for _, r := range receivers {
			a.Removed = d.collapse(m, r.Device, a.Removed)
		}
	}
	a.Removed = d.bound(u, op.Limit, a.Removed)
}

// notThere is who the message is still to be stored for: all but those for whom an
// earlier run has left it.
func (d *data) notThere(u *user, op *store.Op, a *store.Answer) []store.Receiver {
	var left []*stored
	for _, m := range d.messages[messageID{op.Message.Scope, op.Message.ID}] {
		if m.user == u && m.carried && m.order != op.Order && store.SameContent(m.message, op.Message) {
			left = append(left, m)
		}
	}
	if left == nil || op.Again {
		return op.Receivers
	}
	var rest []store.Receiver
	for _, r := range op.Receivers {
		if slices.ContainsFunc(left, func(m *stored) bool { return m.find(r.Device) >= 0 }) {
			a.There = append(a.There, store.Pair{Message: op.Message, Order: op.Order, User: op.User, Receiver: r})
		} else {
			rest = append(rest, r)
		}
	}
	return rest
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
			device == "" && !store.SameFilter(o.message, m.message):
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

// bound ends the oldest messages of a mailbox above its limit, all but the newest.
func (d *data) bound(u *user, limit store.Limit, removed []store.Pair) []store.Pair {
	for len(u.messages) > 1 &&
		(limit.Messages > 0 && len(u.messages) > limit.Messages || limit.Bytes > 0 && u.bytes > limit.Bytes) {
		removed = append(removed, d.end(u.messages[0], nil, envelope.Dead, envelope.MailboxFull)...)
	}
	return removed
}
