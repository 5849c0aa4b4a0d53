package disk

import (
	"math"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
)

// expireMax is how many messages end in one group because their time ran out.
const expireMax = 1000

// due tells whether there may be something whose time ran out.
func (d *data) due() bool { return d.nextEnd <= instant(d.now) }

// expire ends what has run out of time, some of it, and tells the owners. What is
// damaged stays, and is said.
func (d *data) expire(to *store.Answers) error {
	now := instant(d.now)
	from := numberKey(nil, keyExpiry, d.nextEnd) // Nothing lies before it.
	left := expireMax
	d.nextEnd = math.MaxUint64
	return d.scan(from, end(from[:1]), func(key []byte, _ *content) (bool, error) {
		p := parse(key, 1)
		deadline := p.number()
		name, order := p.user(), p.number()
		if left--; deadline > now || left < 0 {
			d.nextEnd = deadline
			return false, nil
		}
		a := store.Answer{User: name}
		if err := d.expireOne(name, order, &a); err != nil {
			d.log.Error("a message whose time ran out cannot be ended", "user", name, "order", order, "error", err)
			return true, nil
		}
		if len(a.Removed) > 0 {
			to.Add(d.owner(name), a)
		}
		return true, nil
	})
}

func (d *data) expireOne(name string, order uint64, a *store.Answer) error {
	e, err := d.entry(name, order)
	if err != nil {
		return err
	}
	if e == nil {
		return damaged(orderKey(nil, keyEntry, name, order), "the entry is not there")
	}
	if err := d.readOrStandIn(e); err != nil {
		return err
	}
	return d.end(e, nil, envelope.Expired, envelope.NoReason, a)
}
