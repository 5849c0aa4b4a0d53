package storetest

import (
	"maps"
	"slices"
	"strings"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
)

// notable tells whether a notice is kept of a pair.
func (m *model) notable(p store.Pair) bool { return m.durable && store.Notable(p.Message, p.Fate) }

// note keeps a notice of a pair, if one is to be kept.
func (m *model) note(p store.Pair) store.Pair {
	if m.notable(p) {
		m.notices = append(m.notices, p)
	}
	return p
}

// named learns the numbers that the engine gave to notices.
func (m *model) named(pairs []store.Pair) {
	for _, p := range pairs {
		for i := range m.notices {
			if n := &m.notices[i]; n.Owed == 0 && p.Owed != 0 && samePair(n, &p) {
				n.Owed = p.Owed
				break
			}
		}
	}
}

func samePair(a, b *store.Pair) bool {
	return a.User == b.User && a.Order == b.Order && a.Receiver.Device == b.Receiver.Device && a.Fate == b.Fate
}

func (m *model) owe(op *store.Op) []store.Pair {
	p := store.Pair{Message: op.Message, Order: op.Order, User: op.User, Receiver: op.Receivers[0], Fate: op.Fate, Reason: op.Reason}
	if !m.notable(p) {
		return []store.Pair{p}
	}
	for i := range m.notices {
		if samePair(&m.notices[i], &p) {
			return []store.Pair{m.notices[i]}
		}
	}
	return []store.Pair{m.note(p)}
}

func (m *model) forget(user, device string) {
	m.devices = slices.DeleteFunc(m.devices, func(d modelDevice) bool { return d.user == user && d.ID == device })
}

// member does what changes memberships. A group that is dissolved has no history.
func (m *model) member(op *store.Op) {
	m.members = slices.DeleteFunc(m.members, func(o modelMember) bool {
		return o.group == op.Group && (o.user == op.User || op.Kind == store.Dissolve)
	})
	switch op.Kind {
	case store.PutMember:
		m.members = append(m.members, modelMember{op.User, op.Group})
	case store.Dissolve:
		m.groups = slices.DeleteFunc(m.groups, func(g modelGroup) bool { return g.name == op.Group })
	}
}

func (m *model) findMessage(op *store.Op) (found []store.Pair, more bool) {
	for _, p := range m.pairs {
		if p.message.ID == op.ID && p.message.Scope == op.Scope && (op.User == "" || op.User == p.user) {
			found = append(found, store.Pair{Message: p.message, Order: p.order, User: p.user, Receiver: p.receiver})
		}
	}
	if op.Max > 0 && len(found) > op.Max {
		return found[:op.Max], true
	}
	return found, false
}

func (m *model) append(op *store.Op) {
	i := slices.IndexFunc(m.groups, func(g modelGroup) bool { return g.name == op.Group })
	if i < 0 {
		i = len(m.groups)
		m.groups = append(m.groups, modelGroup{name: op.Group})
	}
	g := &m.groups[i]
	if op.Order <= g.position {
		return
	}
	g.position = op.Order
	g.entries = append(slices.Clone(g.entries), store.Entry{Order: op.Order, Message: op.Message})
	for len(g.entries) > 0 && (len(g.entries) > op.Limit.Messages || g.entries[0].Message.AcceptedAt.Before(op.Since)) {
		g.entries = g.entries[1:]
	}
}

func (m *model) replay(op *store.Op, a *store.Answer) {
	for _, g := range m.groups {
		for _, e := range g.entries {
			switch {
			case g.name != op.Group || e.Message.AcceptedAt.Before(op.Since):
				continue
			case a.First == 0:
				a.First = e.Order
			}
			if e.Order > op.Order {
				a.Entries = append(a.Entries, e)
			}
		}
	}
	if op.Max > 0 && len(a.Entries) > op.Max {
		a.Entries, a.More = a.Entries[:op.Max], true
	}
}

func newModel(durable bool) *model {
	return &model{durable: durable, acked: map[modelMessage]bool{}}
}

func (m *model) clone() *model {
	c := *m
	c.pairs, c.acked, c.notices = slices.Clone(m.pairs), maps.Clone(m.acked), slices.Clone(m.notices)
	c.devices, c.members = slices.Clone(m.devices), slices.Clone(m.members)
	c.ids, c.groups = slices.Clone(m.ids), slices.Clone(m.groups)
	return &c
}

// take takes from another model what is a user's there; of dispatcherOrder what is
// nobody's.
func (m *model) take(user string, from *model) {
	if user == dispatcherOrder {
		m.ids, m.groups = from.ids, from.groups
		return
	}
	m.pairs = replace(m.pairs, from.pairs, func(p modelPair) bool { return p.user == user })
	m.notices = replace(m.notices, from.notices, func(p store.Pair) bool { return p.User == user })
	m.devices = replace(m.devices, from.devices, func(d modelDevice) bool { return d.user == user })
	m.members = replace(m.members, from.members, func(o modelMember) bool { return o.user == user })
	maps.DeleteFunc(m.acked, func(k modelMessage, _ bool) bool { return k.user == user })
	for k := range from.acked {
		if k.user == user {
			m.acked[k] = true
		}
	}
	m.highest = max(m.highest, from.highest)
}

func replace[T any](to, from []T, mine func(T) bool) []T {
	to = slices.DeleteFunc(slices.Clone(to), mine)
	for _, one := range from {
		if mine(one) {
			to = append(to, one)
		}
	}
	return to
}

// reopen is what opening does: sessions are over, and what was handed out is not
// known any more.
func (m *model) reopen() {
	sessions := map[string]bool{}
	for i := range m.pairs {
		m.pairs[i].given = false
		if strings.HasPrefix(m.pairs[i].receiver.Device, store.SessionPrefix) {
			sessions[m.pairs[i].user+m.pairs[i].receiver.Device] = true
		}
	}
	for _, user := range randomUsers {
		if sessions[user+sessionKey] {
			m.apply(&store.Op{Kind: store.EndSession, User: user, Device: sessionKey, Fate: envelope.Dropped, Reason: envelope.SessionEnded})
		}
	}
}
