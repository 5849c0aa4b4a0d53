package memory

import (
	"slices"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
)

// stored is a message in a user's mailbox, with who of his receivers it is for.
type stored struct {
	user      *user
	order     uint64
	message   *envelope.Message
	receivers []receiver // not empty

	carried  bool      // put by an earlier run
	acked    bool      // by one of its receivers here
	deadline time.Time // the soonest of its receivers' and the message's
	place    int       // in data.deadlines
	idPlace  int       // in data.ids
}

// receiver is one receiver, and whether Page handed the message out for it: then a
// collapse key replaces it no more.
type receiver struct {
	store.Receiver
	given bool
	until time.Time // of memory_wait; zero: none
}

// wait sets a receiver's deadline as a Put names it.
func (r *receiver) wait(op *store.Op, here bool) {
	if r.until = op.Until; here {
		r.until = time.Time{}
	}
}

func (r *receiver) collapsible() bool { return !r.given && !r.Sent && r.Attempts == 0 }

// find returns where a receiver stands, or -1.
func (m *stored) find(device string) int {
	return slices.IndexFunc(m.receivers, func(r receiver) bool { return r.Device == device })
}

// waitedUntil names the receivers whose time has come; not nil.
func (m *stored) waitedUntil(now time.Time) []store.Receiver {
	over := []store.Receiver{}
	for i := range m.receivers {
		if r := &m.receivers[i]; !r.until.IsZero() && !r.until.After(now) {
			over = append(over, r.Receiver)
		}
	}
	return over
}

// insert puts a message without receivers into its user's mailbox.
func (d *data) insert(u *user, at int, op *store.Op) *stored {
	m := &stored{user: u, order: op.Order, message: op.Message}
	u.messages = slices.Insert(u.messages, at, m)
	u.bytes += m.message.Size()
	if key := m.message.Collapse; key != "" {
		if u.collapse == nil {
			u.collapse = map[string][]*stored{}
		}
		u.collapse[key] = append(u.collapse[key], m)
	}
	id := messageID{m.message.Scope, m.message.ID}
	m.idPlace = len(d.messages[id])
	d.messages[id] = append(d.messages[id], m)
	d.deadlines.add(m, d.deadline(m))
	d.highest = max(d.highest, m.order)
	return m
}

// end ends receivers of a message, all of them if nil, and names those that were
// there. Without receivers the message goes.
func (d *data) end(m *stored, only []store.Receiver, fate envelope.Fate, reason envelope.Reason) (removed []store.Pair) {
	kept := m.receivers[:0]
	for _, r := range m.receivers {
		if only != nil && !slices.ContainsFunc(only, func(o store.Receiver) bool { return o.Device == r.Device }) {
			kept = append(kept, r)
			continue
		}
		removed = append(removed, d.notable(store.Pair{
			Message: m.message, Order: m.order, User: m.user.name, Receiver: r.Receiver, Fate: fate, Reason: reason, At: d.now,
		}))
	}
	m.receivers = kept
	d.pairs -= len(removed)
	m.user.pairs -= len(removed)
	d.held = store.Hold(d.held, d.owner(m.user.name), -len(removed))
	if len(kept) == 0 {
		d.drop(m)
	}
	return removed
}

// drop takes a message without receivers out of everything.
func (d *data) drop(m *stored) {
	u := m.user
	if at, found := u.find(m.order); found {
		if at == 0 { // the usual case, and cheap
			u.messages[0] = nil
			u.messages = u.messages[1:]
		} else {
			u.messages = slices.Delete(u.messages, at, at+1)
		}
	}
	u.bytes -= m.message.Size()
	if key := m.message.Collapse; key != "" {
		u.collapse[key] = slices.DeleteFunc(u.collapse[key], func(o *stored) bool { return o == m })
		if len(u.collapse[key]) == 0 {
			delete(u.collapse, key)
		}
	}
	d.dropID(m)
	d.deadlines.remove(m)
	d.forgetEmpty(u)
}

func (d *data) dropID(m *stored) {
	id := messageID{m.message.Scope, m.message.ID}
	all := d.messages[id]
	last := all[len(all)-1]
	all[m.idPlace], last.idPlace = last, m.idPlace
	all[len(all)-1] = nil
	if all = all[:len(all)-1]; len(all) == 0 {
		delete(d.messages, id)
		return
	}
	d.messages[id] = all
}
