package shard

import (
	"slices"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/group"
	"github.com/pushcore/pushcore/core/session"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

const (
	// historyMessages and historyBytes bound what is read of a history at once, and
	// so what a session holds of it, however long it is.
	historyMessages = 64
	historyBytes    = 256 << 10

	// historyTries is how often a history is read that must have more than it gives,
	// because the store has not taken it yet, historyWait apart; then the device is
	// told that there is a gap.
	historyTries = 5
	historyWait  = 300 * time.Millisecond
)

// wish notes which position of a group a device has. From here on nothing leaves the
// session's outbox until it has been given what is newer.
func (s *Shard) wish(ses *session.Session, g *group.Group, position uint64) {
	owed := s.endCatchUp(ses, g.Name)
	if owed > 0 || (position > 0 && g.Keeps) {
		ses.CatchUps = append(ses.CatchUps, &session.CatchUp{Group: g.Name, After: position, Owed: owed})
	}
}

// endCatchUp forgets what a session was to get of a group's history, and returns how
// many answers were waiting for it.
func (s *Shard) endCatchUp(ses *session.Session, name string) (owed int) {
	i := slices.IndexFunc(ses.CatchUps, func(c *session.CatchUp) bool { return c.Group == name })
	if i < 0 {
		return 0
	}
	owed = ses.CatchUps[i].Owed
	ses.CatchUps = slices.Delete(ses.CatchUps, i, i+1)
	if len(ses.CatchUps) == 0 {
		ses.CatchUps = nil
	}
	s.catchUp(ses)
	s.markDirty(ses)
	return owed
}

// leaveHistory is for a session that is not in a group any more: joins that were not
// answered so far are refused.
func (s *Shard) leaveHistory(ses *session.Session, name string) {
	for range s.endCatchUp(ses, name) {
		s.joinResult(ses, name, wire.CodeUnavailable)
	}
}

// joined answers a join that stands. Who has a position is answered when it is known
// whether there is a gap.
func (s *Shard) joined(ses *session.Session, g *group.Group) {
	for _, c := range ses.CatchUps {
		if c.Group == g.Name {
			c.Owed++
			s.catchUp(ses)
			return
		}
	}
	s.tellPosition(ses, g.Name, g.Reached.Position, false)
}

func (s *Shard) tellPosition(ses *session.Session, name string, position uint64, gap bool) {
	if ses.State == session.Attached {
		s.keepNow(ses)
		s.command(ses.Plugin, sdk.Command{Kind: sdk.CommandJoinResult, Conn: ses.Conn, Group: name, Position: position, Gap: gap})
	}
}

// catchUp asks the store for the next of what a session missed. What the store has
// for the device itself is read first, as far as the outbox has room: what is pending
// is not to come twice.
func (s *Shard) catchUp(ses *session.Session) {
	for len(ses.CatchUps) > 0 && ses.State == session.Attached {
		c := ses.CatchUps[0]
		g := s.groups[c.Group]
		if c.Asked || len(c.Entries) > 0 || ses.Paging || c.Due > s.now.Mono || g == nil || !g.Confirmed {
			return
		}
		c.Due = 0
		if c.Upto == 0 {
			c.Upto, c.At = g.Reached.Position, g.Reached.At
		}
		if c.After > 0 && !c.Ended && c.After != c.Upto {
			s.askHistory(ses, g, c)
			return
		}
		s.tellCaughtUp(ses, c, false)
		ses.CatchUps = ses.CatchUps[1:]
		s.markDirty(ses)
	}
	if len(ses.CatchUps) == 0 {
		ses.CatchUps = nil
	}
}

// tellCaughtUp answers the join, or tells of a gap that was found later.
func (s *Shard) tellCaughtUp(ses *session.Session, c *session.CatchUp, gap bool) {
	if gap {
		c.Owed = max(1, c.Owed)
	}
	for ; c.Owed > 0; c.Owed-- {
		s.tellPosition(ses, c.Group, c.Upto, gap)
	}
}

// askHistory reads on, from the message that the device has: whether that is still
// there tells whether there is a gap behind it.
func (s *Shard) askHistory(ses *session.Session, g *group.Group, c *session.CatchUp) {
	c.Asked = true
	s.submit(&job{
		op: store.Op{
			Kind: store.Replay, Group: c.Group, Order: c.After - 1, Since: s.keptSince(g),
			Max: historyMessages, MaxBytes: historyBytes,
		},
		page: ses, catch: c,
	})
}

// keptSince is when the oldest message was accepted that still belongs to a history.
func (s *Shard) keptSince(g *group.Group) time.Time {
	if g.Age == 0 {
		return time.Time{}
	}
	return s.now.Wall.Add(-g.Age)
}

// replayed takes what the store has of a history.
func (s *Shard) replayed(j *job, a *store.Answer) {
	ses, c := j.page, j.catch
	if len(ses.CatchUps) == 0 || ses.CatchUps[0] != c {
		return // The device has left, or is gone.
	}
	c.Asked = false
	entries := a.Entries
	gap := len(entries) == 0 || !s.bridges(ses, c, entries[0].Order)
	for len(entries) > 0 && entries[0].Order <= c.After {
		entries = entries[1:]
	}
	last := c.After
	for i := range entries {
		if last < c.Upto {
			last = entries[i].Order
		}
	}
	if !a.More && last < c.Upto && s.awaits(c) {
		s.askLater(ses, c) // All of it at once, so that a gap is told of before.
		return
	}
	gap = gap || (!a.More && last < c.Upto)
	s.tellCaughtUp(ses, c, gap)
	s.takeHistory(ses, c, entries)
	c.Ended = !a.More || c.After >= c.Upto
	s.catchUp(ses)
	s.markDirty(ses)
}

// bridges says whether nothing is missing between what the device has and a position:
// what is gone from the history may be pending for it.
func (s *Shard) bridges(ses *session.Session, c *session.CatchUp, to uint64) bool {
	if to <= c.After+1 {
		return true
	}
	pending := uint64(0)
	count := func(p *session.Part) {
		i := slices.IndexFunc(p.Message.To, func(a wire.Address) bool { return a.Kind == wire.Group && a.ID == c.Group })
		if i >= 0 && p.Message.Position(i) > c.After && p.Message.Position(i) < to {
			pending++
		}
	}
	for item := range ses.Window.All() {
		count(item.Message.Part)
	}
	for i := range ses.Out.Len() {
		count(ses.Out.At(i).Part)
	}
	return pending == to-c.After-1
}

// replayFailed waits for a store that fails.
func (s *Shard) replayFailed(j *job) {
	s.stats.StoreFailures++
	ses, c := j.page, j.catch
	if len(ses.CatchUps) == 0 || ses.CatchUps[0] != c {
		return
	}
	c.Asked = false
	if s.awaits(c) {
		s.askLater(ses, c)
		return
	}
	s.tellCaughtUp(ses, c, true)
	c.Ended = true
	s.catchUp(ses)
}

// awaits says whether a history that ends too soon is worth another read.
func (s *Shard) awaits(c *session.CatchUp) bool {
	return c.Tries < historyTries && c.After < c.Upto && !s.agedOut(c)
}

// agedOut says that the newest that is to be replayed is too old to be kept, or of
// an earlier run: then there is nothing to wait for.
func (s *Shard) agedOut(c *session.CatchUp) bool {
	g := s.groups[c.Group]
	return g == nil || c.At.Before(s.keptSince(g))
}

func (s *Shard) askLater(ses *session.Session, c *session.CatchUp) {
	c.Tries++
	c.Due = s.now.Mono + historyWait
	s.arm(ses)
}

// takeHistory takes over what the device may have, up to where its outbox begins:
// exclusions and filters hold as at acceptance, and what it has not acked comes to
// it anyway.
func (s *Shard) takeHistory(ses *session.Session, c *session.CatchUp, entries []store.Entry) {
	pending := s.pendingIDs(ses, len(entries))
	for i := range entries {
		e := &entries[i]
		if e.Order > c.Upto {
			break
		}
		c.After = e.Order
		m := e.Message
		if pending[messageKey{m.Scope, m.ID}] || !m.ExpiresAt.After(s.now.Wall) || !s.passes(m, ses.User, ses.Device, ses.Platform, ses) {
			continue
		}
		c.Entries = append(c.Entries, &session.Part{Message: m, Replayed: e.Order})
	}
}

// messageKey names a message.
type messageKey struct{ scope, id string }

// pendingIDs are the messages that a session holds in memory.
func (s *Shard) pendingIDs(ses *session.Session, wanted int) map[messageKey]bool {
	if wanted == 0 || ses.InMemory() == 0 {
		return nil
	}
	set := map[messageKey]bool{}
	add := func(m *envelope.Message) { set[messageKey{m.Scope, m.ID}] = true }
	for item := range ses.Window.All() {
		add(item.Message.Part.Message)
	}
	for i := range ses.Out.Len() {
		add(ses.Out.At(i).Part.Message)
	}
	return set
}

// serveHistory gives of what was read, up to about so many bytes.
func (s *Shard) serveHistory(ses *session.Session, batch *sdk.Batch, most int) (bytes int) {
	for len(ses.CatchUps) > 0 && len(ses.CatchUps[0].Entries) > 0 && bytes < most {
		c := ses.CatchUps[0]
		part := c.Entries[0]
		c.Entries[0] = nil
		c.Entries = c.Entries[1:]
		batch.Items = append(batch.Items, sdk.Item{Conn: ses.Conn, Message: s.form(ses, part, groupOf(part.Message, c.Group), batch)})
		bytes += len(part.Message.Payload)
		if len(c.Entries) == 0 {
			s.catchUp(ses)
		}
	}
	return bytes
}

// groupOf is the place of a group among a message's receivers.
func groupOf(m *envelope.Message, name string) uint16 {
	return uint16(max(0, slices.IndexFunc(m.To, func(a wire.Address) bool { return a.Kind == wire.Group && a.ID == name })))
}
