package disk

import (
	"errors"
	"math"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
)

// place is where a message lies.
type place struct {
	user  string
	order uint64
}

// entry reads a user's entry, without its message; nil if there is none.
func (d *data) entry(name string, order uint64) (*entry, error) {
	u := d.users[name]
	if u == nil || u.messages == 0 || order < u.lowest || order > u.highest {
		return nil, nil
	}
	var e *entry
	found, err := d.get(orderKey(d.key[:0], keyEntry, name, order), func(c *content) { e = c.entry() })
	if err != nil || !found {
		return nil, err
	}
	e.user, e.order = u, order
	return e, nil
}

// write writes an entry.
func (d *data) write(e *entry) {
	d.set(orderKey(d.key[:0], keyEntry, e.user.name, e.order), e.append(begin(d.value)))
}

// read reads an entry's message, if it has not been read.
func (d *data) read(e *entry) error {
	if e.message == nil {
		e.message = d.recent.get(place{e.user.name, e.order})
	}
	if e.message != nil {
		return nil
	}
	key := orderKey(d.key[:0], keyBody, e.user.name, e.order)
	if e.shared != 0 {
		key = numberKey(d.key[:0], keyShared, e.shared)
	}
	found, err := d.get(key, func(c *content) { e.message = c.message() })
	if err == nil && !found {
		err = damaged(key, "the message is not there")
	}
	if err != nil {
		e.message = nil
	}
	return err
}

// readOrStandIn reads an entry's message or, if it is damaged, puts a message without
// anything in its place: what has to go whatever it is can be ended then.
func (d *data) readOrStandIn(e *entry) error {
	err := d.read(e)
	if errors.Is(err, ErrDamaged) {
		d.log.Error("a damaged message is given up", "user", e.user.name, "order", e.order, "error", err)
		e.message = &envelope.Message{ID: "damaged"}
		return nil
	}
	return err
}

// eachEntry reads a user's entries after an order, without their messages.
func (d *data) eachEntry(u *user, after uint64, f func(e *entry) (more bool, err error)) error {
	if u.messages == 0 || after >= u.highest {
		return nil
	}
	from := orderKey(nil, keyEntry, u.name, max(u.lowest, after+1))
	to := end(orderKey(nil, keyEntry, u.name, math.MaxUint64))
	return d.scan(from, to, func(key []byte, c *content) (bool, error) {
		e := c.entry()
		if err := c.close(key); err != nil {
			return false, err
		}
		p := parse(key, len(key)-8)
		e.user, e.order = u, p.number()
		return f(e)
	})
}

// page reads what is pending for a device after an order. What waits for whichever
// device comes first, and may go to this one, becomes this one's as it is handed out.
func (d *data) page(op *store.Op, a *store.Answer) error {
	u := d.users[op.User]
	if u == nil {
		return nil
	}
	bytes := 0
	return d.eachEntry(u, op.Order, func(e *entry) (bool, error) {
		i, err := d.pendingFor(e, op)
		if err != nil || i < 0 {
			return true, err
		}
		if op.Max > 0 && len(a.Entries) >= op.Max || op.MaxBytes > 0 && bytes >= op.MaxBytes && len(a.Entries) > 0 {
			a.More = true
			return false, nil
		}
		if err := d.read(e); err != nil {
			return false, err
		}
		r := &e.receivers[i]
		if r.Device != op.Device {
			r.Device = op.Device
			d.write(e)
		}
		if e.collapse != "" {
			d.give(e, r.Device)
		}
		bytes += e.size
		a.Entries = append(a.Entries, store.Entry{Order: e.order, Message: e.message, Receiver: *r})
		return true, nil
	})
}

// pendingFor returns which receiver of a message a device is or may become, or -1.
func (d *data) pendingFor(e *entry, op *store.Op) (int, error) {
	if i := e.find(op.Device); i >= 0 && op.Device != "" {
		return i, nil
	}
	i := e.find("")
	if i < 0 {
		return -1, nil
	}
	if err := d.read(e); err != nil {
		return -1, err
	}
	if !store.MayTake(e.message, e.user.name, op.Device, op.Platform) {
		return -1, nil
	}
	return i, nil
}

// give notes that a message was handed out.
func (d *data) give(e *entry, device string) {
	pair := givenPair{e.user, e.order, device}
	if _, given := d.given[pair]; !given {
		d.given[pair] = struct{}{}
		d.onUndo(func() { delete(d.given, pair) })
	}
}

func (d *data) notGiven(e *entry, device string) {
	pair := givenPair{e.user, e.order, device}
	if _, given := d.given[pair]; given {
		delete(d.given, pair)
		d.onUndo(func() { d.given[pair] = struct{}{} })
	}
}

// endSession leaves what is stored for a session without a device id to whichever
// device comes first, or ends it where another receiver of the user has it.
func (d *data) endSession(op *store.Op, a *store.Answer) error {
	u := d.users[op.User]
	if u == nil {
		return nil
	}
	return d.eachEntry(u, 0, func(e *entry) (bool, error) {
		return true, d.orphan(e, op.Device, op.Fate, op.Reason, a)
	})
}

// orphan does so for one message.
func (d *data) orphan(e *entry, device string, fate envelope.Fate, reason envelope.Reason, a *store.Answer) error {
	i := e.find(device)
	switch {
	case i < 0:
		return nil
	case e.acked || len(e.receivers) > 1:
		return d.end(e, []store.Receiver{{Device: device}}, fate, reason, a)
	}
	if _, given := d.given[givenPair{e.user, e.order, device}]; given {
		d.notGiven(e, device)
		d.give(e, "")
	}
	e.receivers[i].Device = ""
	d.write(e)
	return nil
}
