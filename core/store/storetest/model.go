package storetest

import (
	"cmp"
	"slices"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
)

// model is a store as obvious as can be: a list of pairs, searched from end to end.
type model struct {
	durable bool
	pairs   []modelPair
	acked   map[modelMessage]bool // by one of its receivers, while it has others
	highest uint64

	notices []store.Pair // Owed is the engine's, if it has told
	devices []modelDevice
	members []modelMember
	ids     []store.Remembered
	groups  []modelGroup
}

type modelDevice struct {
	user string
	store.Device
}

type modelMember struct{ user, group string }

type modelGroup struct {
	name     string
	position uint64
	entries  []store.Entry
}

type modelMessage struct {
	user  string
	order uint64
}

type modelPair struct {
	user     string
	order    uint64
	message  *envelope.Message
	receiver store.Receiver
	given    bool
	until    time.Time
}

// end ends the pairs that a condition holds for.
func (m *model) end(fate envelope.Fate, reason envelope.Reason, when func(*modelPair) bool) (ended []store.Pair) {
	m.pairs = slices.DeleteFunc(m.pairs, func(p modelPair) bool {
		if !when(&p) {
			return false
		}
		ended = append(ended, m.note(store.Pair{
			Message: p.message, Order: p.order, User: p.user, Receiver: p.receiver, Fate: fate, Reason: reason}))
		return true
	})
	return ended
}

func (m *model) find(user string, order uint64, device string) *modelPair {
	for i := range m.pairs {
		if p := &m.pairs[i]; p.user == user && p.order == order && p.receiver.Device == device {
			return p
		}
	}
	return nil
}

func (m *model) apply(op *store.Op) (a store.Answer) {
	switch op.Kind {
	case store.Put:
		a.Removed, a.Owed = m.put(op)
	case store.Remove:
		if op.Fate == envelope.Acked && m.has(op.User, op.Order) {
			m.acked[modelMessage{op.User, op.Order}] = true
		}
		a.Removed = m.end(op.Fate, op.Reason, func(p *modelPair) bool {
			return p.user == op.User && p.order == op.Order && (op.Receivers == nil ||
				slices.ContainsFunc(op.Receivers, func(r store.Receiver) bool { return r.Device == p.receiver.Device }))
		})
	case store.RemoveMessage:
		a.Removed = m.end(op.Fate, op.Reason, func(p *modelPair) bool {
			return p.user == op.User && p.message.ID == op.ID && p.message.Scope == op.Scope &&
				(op.Except == "" || p.receiver.Device != op.Except)
		})
	case store.PutDevice:
		m.forget(op.User, op.Device)
		m.devices = append(m.devices, modelDevice{op.User, store.Device{ID: op.Device, Platform: op.Platform, Seen: op.Seen}})
	case store.ForgetDevice:
		m.forget(op.User, op.Device)
		a.Removed = m.end(op.Fate, op.Reason, func(p *modelPair) bool { return p.user == op.User && p.receiver.Device == op.Device })
	case store.PutMember, store.RemoveMember, store.Dissolve:
		m.member(op)
	case store.EraseUser:
		m.devices = slices.DeleteFunc(m.devices, func(d modelDevice) bool { return d.user == op.User })
		m.members = slices.DeleteFunc(m.members, func(o modelMember) bool { return o.user == op.User })
		a.Removed = m.end(op.Fate, op.Reason, func(p *modelPair) bool { return p.user == op.User })
	case store.Page:
		a.Entries, a.More = m.page(op)
	case store.EndSession:
		a.Removed = m.endSession(op)
	case store.Owe:
		a.Owed = m.owe(op)
	case store.Told:
		m.notices = slices.DeleteFunc(m.notices, func(p store.Pair) bool { return p.Owed == op.Owed })
	case store.Find:
		a.Found, a.More = m.findMessage(op)
	case store.Remember:
		m.ids = append(m.ids, store.Remembered{Scope: op.Scope, ID: op.ID, Fingerprint: op.Fingerprint, How: op.How, Until: op.Until})
	case store.Append:
		m.append(op)
	case store.Replay:
		m.replay(op, &a)
	case store.Touch:
		for i := range m.pairs {
			if m.pairs[i].user == op.User && m.pairs[i].receiver.Device == op.Device {
				m.pairs[i].until = op.Until
			}
		}
	}
	for message := range m.acked {
		if !m.has(message.user, message.order) {
			delete(m.acked, message)
		}
	}
	return a
}

func (m *model) has(user string, order uint64) bool {
	return slices.ContainsFunc(m.pairs, func(p modelPair) bool { return p.user == user && p.order == order })
}

// endSession ends what another has or had, and leaves the rest to the placeholder.
func (m *model) endSession(op *store.Op) []store.Pair {
	ended := m.end(op.Fate, op.Reason, func(p *modelPair) bool {
		return p.user == op.User && p.receiver.Device == op.Device && (m.acked[modelMessage{p.user, p.order}] ||
			slices.ContainsFunc(m.pairs, func(o modelPair) bool {
				return o.user == p.user && o.order == p.order && o.receiver.Device != op.Device
			}))
	})
	for i := range m.pairs {
		if p := &m.pairs[i]; p.user == op.User && p.receiver.Device == op.Device {
			p.receiver.Device, p.until = "", op.Until
		}
	}
	return ended
}

func (m *model) put(op *store.Op) (removed, owed []store.Pair) {
	if op.Again && !m.has(op.User, op.Order) {
		return nil, nil
	}
	for _, r := range op.Receivers {
		until := op.Until
		if r.Here {
			until, r.Here = time.Time{}, false
		}
		if p := m.find(op.User, op.Order, r.Device); p != nil {
			p.until = until
			p.receiver.Attempts = max(p.receiver.Attempts, r.Attempts)
			p.receiver.Sent = p.receiver.Sent || r.Sent
			continue
		}
		if op.Again {
			continue
		}
		m.pairs = append(m.pairs, modelPair{user: op.User, order: op.Order, message: op.Message, receiver: r, until: until})
		m.highest = max(m.highest, op.Order)
		p := store.Pair{Message: op.Message, Order: op.Order, User: op.User, Receiver: r}
		if m.note(p); m.notable(p) {
			owed = append(owed, p)
		}
	}
	for _, r := range op.Receivers {
		removed = append(removed, m.collapse(op, r.Device)...)
	}
	return append(removed, m.bound(op)...), owed
}

// collapse ends the pairs of a key that are not sent and older than another one.
func (m *model) collapse(op *store.Op, device string) []store.Pair {
	if op.Message.Collapse == "" {
		return nil
	}
	same := func(p *modelPair) bool {
		return p.user == op.User && p.receiver.Device == device && p.message.Collapse == op.Message.Collapse &&
			(device != "" || sameFilter(p.message, op.Message))
	}
	if m.find(op.User, op.Order, device) == nil {
		return nil
	}
	newest := op.Order
	for i := range m.pairs {
		if same(&m.pairs[i]) {
			newest = max(newest, m.pairs[i].order)
		}
	}
	return m.end(envelope.Dropped, envelope.Collapsed, func(p *modelPair) bool {
		replaced := p.order < op.Order || p.order == op.Order && newest > op.Order
		return same(p) && replaced && !p.given && !p.receiver.Sent && p.receiver.Attempts == 0
	})
}

func sameFilter(a, b *envelope.Message) bool {
	return slices.Equal(a.Platforms, b.Platforms) && slices.Equal(a.Except, b.Except)
}

func (m *model) bound(op *store.Op) (removed []store.Pair) {
	for {
		sizes := map[uint64]int{}
		oldest, bytes := uint64(0), 0
		for _, p := range m.pairs {
			if p.user != op.User {
				continue
			}
			if _, known := sizes[p.order]; !known {
				sizes[p.order] = p.message.Size()
				bytes += p.message.Size()
			}
			if oldest == 0 || p.order < oldest {
				oldest = p.order
			}
		}
		full := op.Limit.Messages > 0 && len(sizes) > op.Limit.Messages || op.Limit.Bytes > 0 && bytes > op.Limit.Bytes
		if !full || len(sizes) < 2 {
			return removed
		}
		removed = append(removed, m.end(envelope.Dead, envelope.MailboxFull, func(p *modelPair) bool {
			return p.user == op.User && p.order == oldest
		})...)
	}
}

func (m *model) page(op *store.Op) (page []store.Entry, more bool) {
	var pending []*modelPair
	for i := range m.pairs {
		p := &m.pairs[i]
		own := p.receiver.Device == op.Device
		takes := p.receiver.Device == "" && m.find(op.User, p.order, op.Device) == nil
		passes := len(p.message.Platforms) == 0 || slices.Contains(p.message.Platforms, op.Platform)
		if p.user == op.User && p.order > op.Order && (own && (op.Device != "" || passes) || takes && passes) {
			pending = append(pending, p)
		}
	}
	slices.SortFunc(pending, func(a, b *modelPair) int { return cmp.Compare(a.order, b.order) })
	for _, p := range pending {
		p.until = time.Time{}
	}
	if op.Max > 0 && len(pending) > op.Max {
		pending, more = pending[:op.Max], true
	}
	for _, p := range pending {
		p.receiver.Device, p.given = op.Device, true
		page = append(page, store.Entry{Order: p.order, Message: p.message, Receiver: p.receiver})
	}
	return page, more
}

func (m *model) expire(now time.Time) []store.Pair {
	expired := m.end(envelope.Expired, envelope.NoReason, func(p *modelPair) bool { return !p.message.ExpiresAt.After(now) })
	return append(expired, m.end(envelope.Dropped, envelope.MemoryWait, func(p *modelPair) bool {
		return !m.durable && !p.until.IsZero() && !p.until.After(now)
	})...)
}
