package disk

import (
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
)

// put stores a message for receivers.
func (d *data) put(op *store.Op, a *store.Answer) error {
	if len(op.Receivers) == 0 {
		return nil
	}
	e, err := d.entry(op.User, op.Order)
	if err != nil || e == nil && op.Again {
		return err
	}
	receivers, err := d.notThere(op, a)
	if err != nil || len(receivers) == 0 {
		return err
	}
	if e == nil {
		e = d.insert(op)
	} else {
		e.message = withoutRecord(op.Message)
	}
	changed := false
	for _, r := range receivers {
		r.Here = false
		if i := e.find(r.Device); i >= 0 {
			changed = raise(&e.receivers[i], r) || changed
			continue
		}
		if op.Again {
			continue
		}
		changed = true
		d.addReceiver(e, r, a)
	}
	if changed {
		d.write(e)
	}
	if e.collapse != "" {
		if err := d.collapse(e, receivers, a); err != nil {
			return err
		}
	}
	return d.bound(e.user, op.Limit, a)
}

// notThere is who the message is still to be stored for: all but those for whom an
// earlier run has left it at another order.
func (d *data) notThere(op *store.Op, a *store.Answer) ([]store.Receiver, error) {
	u := d.users[op.User]
	if u == nil || u.carried == 0 || op.Again {
		return op.Receivers, nil
	}
	there := map[string]bool{}
	same := store.Op{User: op.User, Scope: op.Message.Scope, ID: op.Message.ID}
	err := d.eachOf(&same, func(e *entry) (bool, error) {
		if e.order <= u.carried && e.order != op.Order && store.SameContent(e.message, op.Message) {
			for _, r := range e.receivers {
				there[r.Device] = true
			}
		}
		return true, nil
	})
	if err != nil || len(there) == 0 {
		return op.Receivers, err
	}
	var rest []store.Receiver
	for _, r := range op.Receivers {
		if there[r.Device] {
			a.There = append(a.There, store.Pair{Message: op.Message, Order: op.Order, User: op.User, Receiver: r})
		} else {
			rest = append(rest, r)
		}
	}
	return rest, nil
}

// addReceiver adds a receiver that is not there.
func (d *data) addReceiver(e *entry, r store.Receiver, a *store.Answer) {
	d.touch(e.user)
	e.receivers = append(e.receivers, r)
	e.user.pairs++
	d.pairs++
	d.held = store.Hold(d.held, d.owner(e.user.name), 1)
	if p := d.notable(e.pair(r)); p.Owed != 0 {
		a.Owed = append(a.Owed, p)
	}
}

// raise makes a receiver's attempts those of another, if they are more.
func raise(old *store.Receiver, r store.Receiver) (changed bool) {
	before := *old
	old.Attempts, old.Sent = max(old.Attempts, r.Attempts), old.Sent || r.Sent
	return *old != before
}

// insert puts a message without receivers into its user's mailbox. Its entry is
// written by the caller.
func (d *data) insert(op *store.Op) *entry {
	u := d.makeUser(op.User)
	e := newEntry(u, op.Order, withoutRecord(op.Message))
	u.messages++
	u.bytes += e.size
	u.lowest, u.highest = min(u.lowest, e.order), max(u.highest, e.order)
	d.highest = max(d.highest, e.order)
	d.nextEnd = min(d.nextEnd, e.deadline)
	if isShared(op.Message) {
		d.share(e, op.Message)
	} else {
		d.set(orderKey(d.key[:0], keyBody, u.name, e.order), appendMessage(begin(d.value), e.message))
	}
	d.mark(expiryKey(d.key[:0], e.deadline, u.name, e.order))
	d.mark(idKey(d.key[:0], e.hash, u.name, e.order))
	if e.collapse != "" {
		d.mark(collapseKey(d.key[:0], u.name, e.collapse, e.order))
	}
	d.recent.add(place{u.name, e.order}, e.message, e.size)
	return e
}

// collapse ends what a newer message of the same key replaces for receivers: older
// ones that are not sent; or e itself, if it is not sent and a newer one is there. A
// record that was redelivered under its id replaces nothing of its own: it would lose
// its place.
func (d *data) collapse(e *entry, receivers []store.Receiver, a *store.Answer) error {
	others, err := d.sameKey(e)
	if err != nil {
		return err
	}
	for _, r := range receivers {
		if e.find(r.Device) < 0 {
			continue
		}
		only, replaced := []store.Receiver{{Device: r.Device}}, false
		for _, o := range others {
			i := o.find(r.Device)
			switch {
			case i < 0 || r.Device == "" && !store.SameFilter(o.message, e.message):
			case o.order > e.order:
				replaced = true
			case d.collapsible(o, i):
				if err := d.end(o, only, envelope.Dropped, envelope.Collapsed, a); err != nil {
					return err
				}
			}
		}
		if i := e.find(r.Device); replaced && d.collapsible(e, i) {
			if err := d.end(e, only, envelope.Dropped, envelope.Collapsed, a); err != nil {
				return err
			}
		}
	}
	return nil
}

// sameKey reads the user's other messages with an entry's collapse key, in order.
func (d *data) sameKey(e *entry) (others []*entry, err error) {
	from := collapseKey(nil, e.user.name, e.collapse, 0)
	from = from[:len(from)-8]
	err = d.scan(from, end(from), func(key []byte, _ *content) (bool, error) {
		p := parse(key, len(from))
		o, err := d.entry(e.user.name, p.number())
		if err != nil || o == nil || o.order == e.order {
			return true, err
		}
		if err := d.read(o); err != nil {
			return false, err
		}
		if o.message.ID != e.message.ID || o.message.Scope != e.message.Scope {
			others = append(others, o)
		}
		return true, nil
	})
	return others, err
}

func (d *data) collapsible(e *entry, i int) bool {
	r := &e.receivers[i]
	_, given := d.given[givenPair{e.user, e.order, r.Device}]
	return !given && !r.Sent && r.Attempts == 0
}

// bound ends the oldest messages of a mailbox above its limit, all but the newest.
func (d *data) bound(u *user, limit store.Limit, a *store.Answer) error {
	full := func() bool {
		return u.messages > 1 &&
			(limit.Messages > 0 && u.messages > limit.Messages || limit.Bytes > 0 && u.bytes > limit.Bytes)
	}
	if !full() {
		return nil
	}
	return d.eachEntry(u, 0, func(e *entry) (bool, error) {
		err := d.end(e, nil, envelope.Dead, envelope.MailboxFull, a)
		return full(), err
	})
}
