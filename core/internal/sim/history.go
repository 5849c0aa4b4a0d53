package sim

import (
	"cmp"
	"slices"
	"time"

	"github.com/pushcore/pushcore/core/dispatch"
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// chat is the group that has a history.
const chat = "j0"

// histories is what the history of chat should be, as told by what the dispatcher
// asks the store for.
type histories struct {
	rule       dispatch.HistoryRule
	truth      []placed            // in order; without what a crash has taken
	ids        map[uint64]string   // by position, of all runs
	last       uint64              // the highest position that the store was asked to keep
	run        int                 // that asked
	dissolved  int                 // times
	dissolving bool                // the store was asked to, and has not
	ended      map[[2]string]int64 // when a message ended for a user without having come: id, user
}

// placed is a message's place in the history.
type placed struct {
	position uint64
	id       string
	run      int
}

// populateHistory chooses the history's rule.
func (w *World) populateHistory() {
	w.history = histories{ids: map[uint64]string{}, ended: map[[2]string]int64{}}
	w.history.rule.Count = pick(w, []int{2, 5, 1000})
	if w.chance(300) {
		w.history.rule.Age = 4 * time.Second
	}
}

func (w *World) historyRule(group string) dispatch.HistoryRule {
	if group == chat {
		return w.history.rule
	}
	return dispatch.HistoryRule{}
}

// asked looks at what the dispatcher asks the store for.
func (h *histories) asked(w *World, op *store.Op) {
	switch op.Kind {
	case store.Append:
		if op.Order > h.last {
			if h.run == w.runs && h.last > 0 && op.Order != h.last+1 {
				w.broken("position %d is given after %d", op.Order, h.last)
			}
			h.last, h.run = op.Order, w.runs
		}
		h.place(w, op.Message, op.Order)
	case store.Dissolve:
		h.truth = slices.DeleteFunc(h.truth, func(p placed) bool { return p.position <= h.last })
		h.dissolved++
		h.dissolving = true
	}
}

// answered looks at what the store answers the dispatcher.
func (h *histories) answered(a *store.Answer) {
	if a.Kind == store.Dissolve && a.Err == nil {
		h.dissolving = false
	}
}

// dispatched looks at what the dispatcher has for the loops: a message has its position
// before the store is asked to keep it.
func (h *histories) dispatched(w *World, in envelope.Input) {
	d, ok := in.(*envelope.Deliver)
	if !ok {
		return
	}
	for i, to := range d.Message.To {
		if position := d.Message.Position(i); to.Kind == wire.Group && to.ID == chat && position > 0 {
			h.place(w, d.Message, position)
		}
	}
}

func (h *histories) place(w *World, m *envelope.Message, position uint64) {
	id, again := h.ids[position]
	if again {
		if id != m.ID {
			w.broken("position %d is given to %s and to %s", position, id, m.ID)
		}
		return
	}
	h.ids[position] = m.ID
	at, _ := slices.BinarySearchFunc(h.truth, position, func(p placed, position uint64) int { return cmp.Compare(p.position, position) })
	h.truth = slices.Insert(h.truth, at, placed{position, m.ID, w.runs})
}

// kept is the position that the store has.
func (n *node) kept() uint64 {
	for group, position := range n.store.CarriedGroups() {
		if group == chat {
			return position
		}
	}
	return 0
}

// crashed forgets what was not stored when the process ended.
func (h *histories) crashed(n *node) {
	kept := n.kept()
	h.truth = slices.DeleteFunc(h.truth, func(p placed) bool { return p.position > kept })
	h.dissolving = false
}

// checkKept is done when a record is settled: its group's history has it.
func (w *World) checkKept(r *record) {
	kept := w.node.kept()
	for _, p := range w.history.truth {
		if p.id == r.id && p.run == w.runs && p.position > kept {
			w.broken("%s is settled, and position %d of the history is not stored", r.id, p.position)
		}
	}
}

// chatLink is what a device knows of chat on one connection, as its library does.
type chatLink struct {
	waits     bool   // for JOINED
	from      uint64 // the position that the JOIN named
	at        time.Duration
	dissolved int

	joined bool
	upto   uint64 // JOINED's position
	owed   []placed
	last   uint64 // of what came of the history
}

// joinChat sends a JOIN with the position that the device has, or another one.
func (d *device) joinChat() {
	w, c := d.world, d.conn
	if c.chat.waits {
		return
	}
	if w.chance(100) && !w.calm {
		d.position = 0
	}
	from := d.position
	if w.chance(50) && from > 0 && !w.calm {
		from = max(1, from+uint64(w.random.IntN(5))-2)
	}
	d.joined[chat], w.member[[2]string{chat, d.user}] = true, true
	c.chat = chatLink{waits: true, from: from, at: w.elapsed, dissolved: w.history.dissolved}
	c.send(sdk.Event{Kind: sdk.EventJoin, Group: chat, Position: from})
}

// joinedChat takes the answer: what is between the position named and the group's is
// to come, or a gap is told.
func (d *device) joinedChat(f *frame) {
	w, link := d.world, &d.conn.chat
	if !f.ok {
		*link = chatLink{}
		return
	}
	if f.gap || !link.waits {
		link.owed = nil
	}
	if !link.waits {
		return
	}
	link.waits, link.joined, link.upto = false, true, f.position
	if f.position == 0 {
		w.broken("%s joins a group with a history and is told no position", d)
	}
	if d.position == 0 || d.position > f.position {
		d.position = f.position
	}
	h := &w.history
	if f.gap || link.from == 0 || link.dissolved != h.dissolved || h.dissolving || w.leaving(d.user) {
		return
	}
	known := link.from == f.position
	for _, p := range h.truth {
		known = known || p.position == link.from || p.position == link.from+1
		if p.position > link.from && p.position <= f.position {
			link.owed = append(link.owed, p)
		}
	}
	if !known && !d.awaits(link.from) {
		w.broken("%s has position %d, which is not of the history, joins at %d and is told of no gap", d, link.from, f.position)
	}
}

// missesChat is a device's view when its connection has stayed over a crash: what the
// history has beyond what it was given is to come before what is new, unasked.
func (c *conn) missesChat() {
	d, w := c.device, c.world
	if d == nil || !c.chat.joined {
		return
	}
	kept := w.node.kept()
	link := chatLink{joined: true, upto: kept, from: d.position, at: w.elapsed, dissolved: w.history.dissolved}
	for _, p := range w.history.truth {
		_, over := w.history.ended[[2]string{p.id, d.user}]
		if p.position > d.position && p.position <= kept && !over {
			link.owed = append(link.owed, p)
		}
	}
	c.chat = link
	for _, frames := range [][]frame{c.down, c.held} {
		for i := range frames {
			frames[i].early = true // It was on its way: nothing is to come before it.
		}
	}
}

// leaving says whether an operation may be under way that takes a user out of chat.
func (w *World) leaving(user string) bool {
	for _, s := range w.sources {
		for _, r := range s.log[s.committed:] {
			if r.takesOut(user) {
				return true
			}
		}
	}
	return false
}

func (r *record) takesOut(user string) bool {
	switch r.op {
	case envelope.OpLeave, envelope.OpKick:
		return slices.ContainsFunc(r.users, func(u string) bool { return u == user })
	case envelope.OpDissolve:
		return true
	}
	return false
}

// hearsChat looks at a message of chat that has come: whether all that was to come
// before it has.
func (d *device) hearsChat(seq uint64, m *sdk.Message, early bool) {
	w, link := d.world, &d.conn.chat
	if m.FromGroup != chat || m.Position == 0 {
		return
	}
	if id, given := w.history.ids[m.Position]; !given || id != m.ID {
		w.broken("%s gets %s at position %d, which is %q", d, m.ID, m.Position, id)
	}
	if !link.joined {
		return
	}
	if d.isReplay(seq, m) {
		if m.Position <= link.last {
			w.broken("%s gets position %d of the history after %d", d, m.Position, link.last)
		}
		link.last = m.Position
	}
	if m.Position > link.upto && !early && !w.leaving(d.user) && link.dissolved == w.history.dissolved {
		for _, p := range link.owed {
			if !d.seen[p.id] && p.id != m.ID && !d.excused(p) {
				w.broken("%s gets position %d of the group, and %s at %d, which it has missed, has not come: joined at %d from %d",
					d, m.Position, p.id, p.position, link.upto, link.from)
			}
		}
		link.owed = nil
	}
	d.position = max(d.position, m.Position)
}

// isReplay says whether a message certainly comes from the history.
func (d *device) isReplay(seq uint64, m *sdk.Message) bool {
	return seq == 0 && d.world.records[m.ID].message.Class == sdk.Reliable
}

// excused says why a message of the history need not come: it is not for the device,
// has ended, or is pending for it and comes as it was pushed.
func (d *device) excused(p placed) bool {
	w := d.world
	r := w.records[p.id]
	switch m := r.message; {
	case !w.concerns(r, d), r.withdraw, slices.ContainsFunc(m.Except, func(a wire.Address) bool { return a.Kind == wire.Group }):
		return true
	case !m.ExpiresAt.After(w.wall()):
		return true
	}
	if at, ended := w.history.ended[[2]string{p.id, d.user}]; ended && time.Duration(at) >= d.conn.chat.at {
		return true
	}
	return d.owes(p.id)
}

// owes says whether a message is pending for the device's user, or on its way: it may
// have been pushed anew, under another position.
func (d *device) owes(id string) bool {
	if slices.ContainsFunc(slices.Concat(d.conn.down, d.conn.held), func(f frame) bool { return f.push != nil && f.push.ID == id }) {
		return true
	}
	for key, one := range d.world.pending() {
		if one == id && key.user == d.user {
			return true
		}
	}
	return false
}

// awaits says whether all that is gone from the history behind a position is pending.
func (d *device) awaits(position uint64) bool {
	h := &d.world.history
	next := slices.IndexFunc(h.truth, func(p placed) bool { return p.position > position })
	if next < 0 {
		return false
	}
	for at := position + 1; at < h.truth[next].position; at++ {
		id := h.ids[at]
		if id == "" || !d.owes(id) && !d.seen[id] && len(d.world.records[id].fates) == 0 {
			return false // It is not pending, nor has it ended since the join was answered.
		}
	}
	return true
}
