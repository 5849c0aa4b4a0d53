package disk

import (
	"encoding/binary"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
)

// notable keeps a notice of a pair if its broker is to hear of it.
func (d *data) notable(p store.Pair) store.Pair {
	if !store.Notable(p.Message, p.Fate) {
		return p
	}
	d.notice++
	p.Owed = d.notice
	d.set(numberKey(d.key[:0], keyNotice, p.Owed), appendNotice(begin(d.value), &p))
	d.set(pairKey(d.key[:0], p.User, p.Order, byte(p.Fate), p.Receiver.Device), binary.AppendUvarint(begin(d.value), p.Owed))
	return p
}

func appendNotice(v []byte, p *store.Pair) []byte {
	v = appendText(v, p.User)
	v = binary.AppendUvarint(v, p.Order)
	v = appendReceiver(v, &p.Receiver)
	v = append(v, byte(p.Fate), byte(p.Reason))
	return appendMessage(appendTime(v, p.At), p.Message)
}

func (c *content) notice() (p store.Pair) {
	p.User, p.Order = c.text(), c.uvarint()
	p.Receiver = c.receiver()
	p.Fate = envelope.Fate(c.limited(byte(envelope.NumFates)))
	p.Reason = envelope.Reason(c.limited(byte(envelope.NumReasons)))
	p.At = c.time()
	p.Message = c.message()
	return p
}

// owe keeps a notice of a pair that ended in memory, once.
func (d *data) owe(op *store.Op, a *store.Answer) error {
	p := store.Pair{
		Message: withoutRecord(op.Message), Order: op.Order, User: op.User, Receiver: op.Receivers[0],
		Fate: op.Fate, Reason: op.Reason, At: d.now,
	}
	p.Receiver.Here = false
	var number uint64
	key := pairKey(d.key[:0], p.User, p.Order, byte(p.Fate), p.Receiver.Device)
	found, err := d.get(key, func(c *content) { number = c.uvarint() })
	switch {
	case err != nil:
		return err
	case found:
		p.Owed = number
	default:
		if p = d.notable(p); p.Owed != 0 {
			d.highest = max(d.highest, p.Order)
		}
	}
	a.Owed = []store.Pair{p}
	return nil
}

// told forgets a notice.
func (d *data) told(number uint64) error {
	var p store.Pair
	found, err := d.get(numberKey(d.key[:0], keyNotice, number), func(c *content) { p = c.notice() })
	if err != nil || !found {
		return err
	}
	d.delete(numberKey(d.key[:0], keyNotice, number))
	var newest uint64
	key := pairKey(nil, p.User, p.Order, byte(p.Fate), p.Receiver.Device)
	if _, err := d.get(key, func(c *content) { newest = c.uvarint() }); err != nil || newest != number {
		return err
	}
	d.delete(key)
	return nil
}

// remember keeps an id.
func (d *data) remember(op *store.Op) {
	v := binary.LittleEndian.AppendUint64(begin(d.value), op.Fingerprint)
	d.set(keptKey(d.key[:0], instant(op.Until), op.Scope, op.ID), appendTime(append(v, byte(op.How)), op.Until))
}

func (c *content) remembered(key []byte) (r store.Remembered) {
	p := parse(key, 1)
	p.number()
	r.Scope, r.ID = p.name(), p.name()
	r.Fingerprint, r.How = c.fixed(), envelope.How(c.limited(byte(envelope.HowMemory)+1))
	r.Until = c.time()
	c.bad = c.bad || p.bad
	return r
}

// forgetEvery is how often ids are forgotten whose time is over.
const forgetEvery = uint64(time.Minute)

// forgetful tells whether ids are to be forgotten.
func (d *data) forgetful() bool {
	now := instant(d.now)
	return now > d.keptSince && now-d.keptSince > forgetEvery
}

// forgetIDs forgets those whose time is over.
func (d *data) forgetIDs() {
	now := instant(d.now)
	_ = d.batch.DeleteRange(numberKey(nil, keyKept, 0), numberKey(nil, keyKept, now+1), nil) // Cannot fail.
	d.keptSince = now
}
