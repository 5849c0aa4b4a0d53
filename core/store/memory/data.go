package memory

import (
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
)

// data is all that is stored. It is used under Store.applying.
type data struct {
	owner   func(user string) int
	durable bool // deadlines of memory_wait do not apply

	users     map[string]*user // who have a device, a membership or a message
	groups    map[string]map[*user]struct{}
	messages  map[messageID][]*stored
	deadlines deadlines
	pairs     int
	held      []int  // pairs by the loop that owns their user
	highest   uint64 // Order
	now       time.Time

	notices   notices
	ids       []store.Remembered // oldest first
	histories map[string]*history
}

// messageID names a message.
type messageID struct{ scope, id string }

func newData(owner func(user string) int) *data {
	return &data{
		owner:     owner,
		users:     map[string]*user{},
		groups:    map[string]map[*user]struct{}{},
		messages:  map[messageID][]*stored{},
		histories: map[string]*history{},
	}
}

// own gives the users to the loops of a new process.
func (d *data) own(owner func(user string) int) {
	d.owner, d.held = owner, nil
	for _, u := range d.users {
		d.held = store.Hold(d.held, owner(u.name), u.pairs)
	}
}

// apply does one operation and answers it.
func (d *data) apply(op *store.Op, to *store.Answers) {
	a := store.Answer{Kind: op.Kind, Token: op.Token, User: op.User}
	switch op.Kind {
	case store.Put:
		d.put(op, &a)
	case store.Remove:
		a.Removed = d.remove(op)
	case store.RemoveMessage:
		a.Removed = d.removeMessage(op, to)
	case store.Page:
		a.Entries, a.More = d.page(op)
	case store.PutDevice:
		d.makeUser(op.User).putDevice(store.Device{ID: op.Device, Platform: op.Platform, Seen: op.Seen})
	case store.ForgetDevice:
		a.Removed = d.forgetDevice(op)
	case store.PutMember:
		d.putMember(op)
	case store.RemoveMember:
		d.removeMember(op.User, op.Group)
	case store.Dissolve:
		for u := range d.groups[op.Group] {
			d.removeMember(u.name, op.Group)
		}
		delete(d.histories, op.Group)
	case store.EraseUser:
		a.Removed = d.eraseUser(op)
	case store.Touch:
		d.touch(op)
	case store.EndSession:
		a.Removed = d.endSession(op)
	case store.Owe:
		a.Owed = d.owe(op)
	case store.Told:
		d.notices.forget(op.Owed)
	case store.Find:
		a.Found, a.More = d.find(op)
	case store.Remember:
		d.remember(op)
	case store.Append:
		a.Err = d.append(op)
	case store.Replay:
		d.replay(op, &a)
	}
	to.Add(op.Loop, a)
}

// expire ends what has run out of time, and tells the owners.
func (d *data) expire(now time.Time, to *store.Answers) {
	d.now = now
	for m := d.deadlines.first(); m != nil && !m.deadline.After(now); m = d.deadlines.first() {
		name := m.user.name
		if !m.message.ExpiresAt.After(now) {
			to.Add(d.owner(name), store.Answer{User: name, Removed: d.end(m, nil, envelope.Expired, envelope.NoReason)})
			continue
		}
		removed := d.end(m, m.waitedUntil(now), envelope.Dropped, envelope.MemoryWait)
		if len(removed) > 0 {
			to.Add(d.owner(name), store.Answer{User: name, Removed: removed})
		}
		if len(m.receivers) > 0 {
			d.rearm(m)
		}
	}
}

// touch sets the deadline of what a device has.
func (d *data) touch(op *store.Op) {
	u := d.users[op.User]
	if u == nil || d.durable {
		return
	}
	for _, m := range u.messages {
		if i := m.find(op.Device); i >= 0 {
			m.receivers[i].until = op.Until
			d.rearm(m)
		}
	}
}

// rearm looks anew when the first of a message's receivers ends.
func (d *data) rearm(m *stored) { d.deadlines.set(m, d.deadline(m)) }

func (d *data) deadline(m *stored) time.Time {
	first := m.message.ExpiresAt
	if d.durable {
		return first
	}
	for i := range m.receivers {
		if until := m.receivers[i].until; !until.IsZero() && until.Before(first) {
			first = until
		}
	}
	return first
}

// makeUser finds a user or makes him.
func (d *data) makeUser(name string) *user {
	u := d.users[name]
	if u == nil {
		u = &user{name: name}
		d.users[name] = u
	}
	return u
}

// forgetEmpty drops a user of whom nothing is left.
func (d *data) forgetEmpty(u *user) {
	if len(u.devices)+len(u.groups)+len(u.messages) == 0 {
		delete(d.users, u.name)
	}
}
