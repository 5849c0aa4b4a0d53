package disk

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
)

// loaded is what opening has found.
type loaded struct {
	messages, notices, orphans, ended int
	sessions                          []place // messages that sessions without a device id had
}

// read reads what is kept in memory.
func (l *loaded) read(d *data) error {
	_, err := d.get([]byte{keyHighest}, func(c *content) { d.highest = c.uvarint() })
	d.written = d.highest
	if err == nil {
		err = d.kind(keyEntry, func(key []byte, c *content) error { return l.entry(d, key, c) })
	}
	if err == nil {
		err = d.kind(keyShared, func(key []byte, _ *content) error { return l.shared(d, key) })
	}
	if err == nil {
		err = l.carried(d)
	}
	if err == nil {
		err = d.loadHistories()
	}
	if err == nil {
		err = d.firstEnd()
	}
	return err
}

// kind reads all keys of a kind.
func (d *data) kind(kind byte, f func(key []byte, c *content) error) error {
	return d.scan([]byte{kind}, []byte{kind + 1}, func(key []byte, c *content) (bool, error) {
		err := f(key, c)
		return err == nil, err
	})
}

func (l *loaded) entry(d *data, key []byte, c *content) error {
	e := c.entry()
	if err := c.close(key); err != nil {
		return err
	}
	p := parse(key, 1)
	name := p.user()
	e.order = p.number()
	u := d.users[name]
	if u == nil {
		u = &user{name: name, lowest: math.MaxUint64}
		d.users[name] = u
	}
	u.messages++
	u.bytes += e.size
	u.pairs += len(e.receivers)
	d.held = store.Hold(d.held, d.owner(name), len(e.receivers))
	u.lowest, u.highest = min(u.lowest, e.order), max(u.highest, e.order)
	u.carried = u.highest
	d.highest = max(d.highest, e.order)
	d.pairs += len(e.receivers)
	if e.shared != 0 {
		d.refs[e.shared]++
	}
	if slices.ContainsFunc(e.receivers, isSession) {
		l.sessions = append(l.sessions, place{name, e.order})
	}
	l.messages++
	return nil
}

func isSession(r store.Receiver) bool { return strings.HasPrefix(r.Device, store.SessionPrefix) }

// shared collects a message that nobody shares any more.
func (l *loaded) shared(d *data, key []byte) error {
	p := parse(key, 1)
	d.payload = p.number()
	if d.refs[d.payload] == 0 {
		l.orphans++
		d.delete(key)
	}
	return nil
}

// carried checks what the node is carried, so that damage is found now.
func (l *loaded) carried(d *data) error {
	err := d.kind(keyNotice, func(key []byte, c *content) error {
		c.notice()
		p := parse(key, 1)
		d.notice = p.number()
		l.notices++
		return c.close(key)
	})
	if err == nil {
		err = d.kind(keyKept, func(key []byte, c *content) error {
			c.remembered(key)
			return c.close(key)
		})
	}
	if err == nil {
		err = d.kind(keyUser, func(key []byte, c *content) error {
			p := parse(key, 1)
			if p.user(); p.octet() == userDevice {
				c.device("")
			}
			return c.close(key)
		})
	}
	return err
}

func (d *data) loadHistories() error {
	err := d.kind(keyPosition, func(key []byte, c *content) error {
		p := parse(key, 1)
		d.histories[p.name()] = &history{position: c.uvarint()}
		return c.close(key)
	})
	if err != nil {
		return err
	}
	return d.kind(keyHistory, func(key []byte, _ *content) error {
		p := parse(key, 1)
		group := p.name()
		h := d.histories[group]
		if h == nil {
			return damaged(key, "its group has no position")
		}
		if h.count++; h.count == 1 {
			h.oldest = p.number()
		}
		return nil
	})
}

// firstEnd finds when the first message ends.
func (d *data) firstEnd() error {
	d.nextEnd = math.MaxUint64
	return d.scan([]byte{keyExpiry}, []byte{keyExpiry + 1}, func(key []byte, _ *content) (bool, error) {
		p := parse(key, 1)
		d.nextEnd = p.number()
		return false, nil
	})
}

// endSessions ends all sessions, as they did with their process. Nobody is told: a
// new process counts what it is carried.
func (l *loaded) endSessions(d *data, now time.Time) error {
	for some := range slices.Chunk(l.sessions, expireMax) {
		d.begin(now)
		for _, at := range some {
			if err := l.endSession(d, at); err != nil {
				d.rollback()
				return err
			}
		}
		if err := d.commit(); err != nil {
			return err
		}
	}
	l.sessions = nil
	return nil
}

func (l *loaded) endSession(d *data, at place) error {
	e, err := d.entry(at.user, at.order)
	if err != nil || e == nil {
		return err
	}
	var a store.Answer
	for _, r := range slices.Clone(e.receivers) {
		if isSession(r) {
			if err := d.orphan(e, r.Device, envelope.Dropped, envelope.SessionEnded, &a); err != nil {
				return err
			}
		}
	}
	l.ended += len(a.Removed)
	return nil
}

func (l *loaded) log(cfg *Config, d *data, took time.Duration) {
	cfg.Log.Info("the store is open", "dir", cfg.Dir, "users", len(d.users), "messages", l.messages, "pairs", d.pairs,
		"notices", l.notices, "histories", len(d.histories), "ended_sessions", l.ended, "orphans", l.orphans,
		"highest_order", d.highest, "took", took.Round(time.Millisecond))
}
