package disk

import (
	"maps"
	"slices"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
)

// remove ends receivers of a message at an order.
func (d *data) remove(op *store.Op, a *store.Answer) error {
	e, err := d.entry(op.User, op.Order)
	if err != nil || e == nil {
		return err
	}
	if op.Fate == envelope.Acked && !e.acked {
		e.acked = true
		d.write(e)
	}
	return d.end(e, op.Receivers, op.Fate, op.Reason, a)
}

// end ends receivers of a message, all of them if only is nil, and names those that
// were there. Without receivers the message goes.
func (d *data) end(e *entry, only []store.Receiver, fate envelope.Fate, reason envelope.Reason, a *store.Answer) error {
	among := func(r store.Receiver) bool {
		return only == nil || slices.ContainsFunc(only, func(o store.Receiver) bool { return o.Device == r.Device })
	}
	if !slices.ContainsFunc(e.receivers, among) {
		return nil
	}
	if err := d.read(e); err != nil {
		return err
	}
	d.touch(e.user)
	kept := e.receivers[:0:0]
	for _, r := range e.receivers {
		if !among(r) {
			kept = append(kept, r)
			continue
		}
		d.pairs--
		e.user.pairs--
		d.held = store.Hold(d.held, d.owner(e.user.name), -1)
		d.notGiven(e, r.Device)
		a.Removed = append(a.Removed, d.notable(store.Pair{
			Message: e.message, Order: e.order, User: e.user.name, Receiver: r, Fate: fate, Reason: reason, At: d.now,
		}))
	}
	if e.receivers = kept; len(kept) > 0 {
		d.write(e)
		return nil
	}
	return d.drop(e)
}

// drop takes a message without receivers out of everything.
func (d *data) drop(e *entry) error {
	u := e.user
	u.messages--
	u.bytes -= e.size
	if e.order == u.lowest {
		u.lowest++
	}
	d.delete(orderKey(d.key[:0], keyEntry, u.name, e.order))
	d.delete(expiryKey(d.key[:0], e.deadline, u.name, e.order))
	d.delete(idKey(d.key[:0], e.hash, u.name, e.order))
	if e.collapse != "" {
		d.delete(collapseKey(d.key[:0], u.name, e.collapse, e.order))
	}
	if e.shared != 0 {
		d.unshare(e.shared)
		return nil
	}
	d.delete(orderKey(d.key[:0], keyBody, u.name, e.order))
	return nil
}

// removeMessage ends a message by its id, for one user or for all. Owners other than
// the asker are told of their users' pairs by answers of their own.
func (d *data) removeMessage(op *store.Op, a *store.Answer, to *store.Answers) error {
	others := map[int]*store.Answer{}
	err := d.eachOf(op, func(e *entry) (bool, error) {
		told := a
		if op.User == "" {
			if loop := d.owner(e.user.name); loop != op.Loop {
				if others[loop] == nil {
					others[loop] = &store.Answer{Kind: op.Kind}
				}
				told = others[loop]
			}
		}
		return true, d.end(e, e.allBut(op.Except), op.Fate, op.Reason, told)
	})
	if err != nil {
		return err
	}
	for _, loop := range slices.Sorted(maps.Keys(others)) {
		if len(others[loop].Removed) > 0 {
			to.Add(loop, *others[loop])
		}
	}
	return nil
}

// allBut names the receivers without one device; nil if that is none.
func (e *entry) allBut(device string) []store.Receiver {
	if device == "" {
		return nil
	}
	rest := make([]store.Receiver, 0, len(e.receivers))
	for _, r := range e.receivers {
		if r.Device != device {
			rest = append(rest, r)
		}
	}
	return rest
}

// find names the pairs of a message.
func (d *data) find(op *store.Op, a *store.Answer) error {
	return d.eachOf(op, func(e *entry) (bool, error) {
		for _, r := range e.receivers {
			if a.More = op.Max > 0 && len(a.Found) == op.Max; a.More {
				return false, nil
			}
			a.Found = append(a.Found, e.pair(r))
		}
		return true, nil
	})
}

// eachOf reads the entries of the message (Scope, ID), of a user or of all, with the
// message.
func (d *data) eachOf(op *store.Op, f func(e *entry) (more bool, err error)) error {
	hash := hashID(op.Scope, op.ID)
	from := numberKey(nil, keyID, hash)
	if op.User != "" {
		from = idKey(nil, hash, op.User, 0)
		from = from[:len(from)-8]
	}
	return d.scan(from, end(from), func(key []byte, _ *content) (bool, error) {
		p := parse(key, 1)
		p.number()
		user, order := p.user(), p.number()
		if p.bad {
			return false, damaged(key, "it is no key")
		}
		e, err := d.entry(user, order)
		if err != nil || e == nil {
			return true, err
		}
		if err := d.read(e); err != nil {
			return false, err
		}
		if e.message.ID != op.ID || e.message.Scope != op.Scope {
			return true, nil
		}
		return f(e)
	})
}
