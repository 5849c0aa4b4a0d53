package shard

import (
	"maps"
	"slices"
	"time"

	"github.com/pushcore/pushcore/core/ack"
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/session"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// attached begins to serve a session on its connection: first what was sent and
// not acked, then the outbox.
func (s *Shard) attached(ses *session.Session) {
	if ses.State != session.Attaching {
		return
	}
	ses.State = session.Attached
	ses.Lost = 0
	s.tellAttached(ses)
	if s.draining != 0 {
		s.sendAwayLater(ses) // It was let in before.
	}
	items := ses.Window.Reconnect(s.retryClock(ses), s.items[:0])
	s.items = items[:0]
	for i := range items {
		s.resend(ses, &items[i])
	}
	clear(items)
	s.joinWanted(ses)
	s.markDirty(ses)
	s.page(ses)
	s.catchUp(ses)
	s.arm(ses)
}

// resend deals with one item that the window wants sent again or given up.
func (s *Shard) resend(ses *session.Session, item *ack.Item[*session.Pair]) (giveUp bool) {
	p := item.Message
	p.Attempts = item.Past.Attempts()
	switch item.Verdict {
	case ack.Resend:
		if !p.Resend {
			p.Resend = true
			ses.Resend = append(ses.Resend, p)
		}
		s.stats.Attempts++
	case ack.GiveUp:
		return true
	case ack.Dead:
		s.end(p, envelope.Dead, envelope.NoAck)
	}
	return false
}

// congest stops what is given to a connection that has jammed.
func (s *Shard) congest(ses *session.Session) {
	ses.Congested = true
	ses.Window.Suspend(ack.Congested, s.retryClock(ses))
}

// writable goes on with a connection that had jammed: what it was given last has
// reached the socket.
func (s *Shard) writable(ses *session.Session) {
	ses.Congested = false
	ses.Window.Resume(ack.Congested, s.retryClock(ses))
	if s.echoes(ses.Plugin) {
		s.sentWritten(ses)
	} else {
		s.sent(ses)
	}
	s.markDirty(ses)
	s.page(ses)
	s.arm(ses)
}

// doom is what a connection is closed with that is not here yet. One that has not
// got here after a time does not any more: it may have ended with a process of its
// instance, under a name that nobody told.
type doom struct {
	code  wire.Code
	until time.Duration
}

// closeConn closes a session's connection; the session waits for the next one.
// What the transport still reports of the connection is ignored.
func (s *Shard) closeConn(ses *session.Session, code wire.Code, text string) {
	if ses.State != session.Attached && ses.State != session.Attaching {
		return
	}
	ses.Lost = uint16(code)
	key := connKey{ses.Plugin, ses.Conn}
	if ses.State == session.Attaching {
		until := s.now.Mono + letInKept
		s.doomed[key] = doom{code, until} // It is not on this loop yet.
		if s.chores == 0 || until < s.chores {
			s.chores = until
		}
	} else {
		s.tellClose(key, code, text)
	}
	s.connectionLost(ses)
}

func (s *Shard) tellClose(key connKey, code wire.Code, text string) {
	s.stats.close(key.plugin, uint16(code))
	s.command(key.plugin, sdk.Command{
		Kind: sdk.CommandClose, Conn: key.conn, Code: uint16(code), Text: text, Reconnect: reconnectRule(uint16(code))})
}

// closeDoomed closes a connection that has got here after its session had no more
// use for it.
func (s *Shard) closeDoomed(key connKey) (found bool) {
	d, found := s.doomed[key]
	if found {
		delete(s.doomed, key)
		s.tellClose(key, d.code, d.code.String())
	}
	return found
}

// connectionLost keeps the session for its resume window.
func (s *Shard) connectionLost(ses *session.Session) {
	if ses.State != session.Attached && ses.State != session.Attaching {
		return
	}
	delete(s.conns, connKey{ses.Plugin, ses.Conn})
	ses.State = session.Detached
	s.detached++
	ses.Window.Suspend(ack.Detached, s.retryClock(ses))
	s.dropHanded(ses)
	s.clearResend(ses)
	ses.CatchUps = nil // The device asks again, from where it got to.
	ses.Until = s.now.Mono + s.resumeWindow()
	s.arm(ses)
}

// clearResend forgets what was to be sent again: a reconnect sends it all again.
func (s *Shard) clearResend(ses *session.Session) {
	for _, p := range ses.Resend {
		p.Resend = false
		if p.Ended {
			s.freePair(p)
		}
	}
	clear(ses.Resend)
	ses.Resend = ses.Resend[:0]
}

// pluginDown detaches every session of a transport instance's process that has ended.
// Of its successor there may be connections already.
func (s *Shard) pluginDown(d *PluginDown) {
	s.block(d.Plugin, blockedByHost|blockedByTransport, false)
	i := &s.instances[d.Plugin]
	if i.ended == 0 || int16(d.Incarnation-i.ended) > 0 { //nolint:gosec // They go round.
		i.ended = d.Incarnation
	}
	i.echo = echo{stale: len(s.effects.Plugins[d.Plugin].Batch.Items) > 0}
	over := func(key connKey) bool {
		return key.plugin == d.Plugin && (d.Incarnation == 0 || incarnation(key.conn) == 0 || i.isOver(key.conn))
	}
	for key, ses := range s.conns {
		if over(key) {
			s.connectionLost(ses)
		}
	}
	for key := range s.arrivals {
		if over(key) {
			s.closedEarly(key)
		}
	}
	maps.DeleteFunc(s.doomed, func(key connKey, _ doom) bool { return over(key) })
	maps.DeleteFunc(i.early, func(c sdk.ConnID, _ early) bool { return over(connKey{d.Plugin, c}) })
	s.letIn = slices.DeleteFunc(s.letIn, func(l letIn) bool { return over(l.key) })
}

// endSession ends a session: what its device has not acked waits for the next one
// in the store, or for whoever of the user's comes first if it has no device id.
func (s *Shard) endSession(ses *session.Session) {
	if ses.State == session.Ended {
		return
	}
	if ses.State == session.Detached {
		s.detached--
	} else {
		delete(s.conns, connKey{ses.Plugin, ses.Conn})
	}
	ses.State = session.Ended
	s.keepUp(ses)
	s.tellEnded(ses)
	s.stats.SessionSeconds.Observe(s.now.Wall.Sub(ses.Since))
	s.wheel.Cancel(ses.Timer)
	s.slots[ses.Slot] = nil
	s.free = append(s.free, ses.Slot)
	s.dropHanded(ses)
	s.clearResend(ses)
	s.leaveAll(ses)
	s.lastSeen(ses)
	u := ses.User
	u.RemoveSession(ses)
	s.bequeath(ses)
	if ses.Device != "" && u.SessionOf(ses.Device) == nil {
		s.touch(u, ses.Device, s.now.Wall.Add(s.cfg.MemoryWait))
	}
	if len(u.Sessions) == 0 {
		s.touch(u, "", s.now.Wall.Add(s.cfg.MemoryWait)) // What waits for whoever comes first.
	}
	s.forgetIdle(u)
}

// bequeath hands what a session held to the store.
func (s *Shard) bequeath(ses *session.Session) {
	items := ses.Window.Drain(s.items[:0])
	s.items = items[:0]
	for i := range items {
		p := items[i].Message
		p.Attempts, p.Sent = items[i].Past.Attempts(), true
		s.leave(p)
	}
	clear(items)
	for ses.Out.Len() > 0 {
		e := ses.Out.Pop()
		if e.Pair == nil {
			s.endEntry(ses, e, envelope.Dropped, envelope.SessionEnded)
		} else {
			s.leave(e.Pair)
		}
	}
	for ses.Held != nil && ses.Held.Len() > 0 {
		s.leave(ses.Held.Pop().Pair)
	}
	if ses.Device == "" && ses.User.Stored+ses.User.Puts+ses.User.Failed > 0 {
		s.storeSiblings(ses.User)
		s.submit(&job{user: ses.User, op: store.Op{
			Kind: store.EndSession, Device: ses.Key(), Until: s.waitsUntil(), Fate: envelope.Dropped, Reason: envelope.SessionEnded}})
	}
}

// storeSiblings lets the store know of all that a user's sessions hold: what one of
// them leaves is nobody else's to take if another has it.
func (s *Shard) storeSiblings(u *session.User) {
	for _, ses := range u.Sessions {
		s.chosen = ses.Pairs(isNotStored, s.chosen[:0])
		for _, p := range s.chosen {
			s.putPair(p)
		}
	}
}

// leave takes a pair out of memory; from here on it is the store's.
func (s *Shard) leave(p *session.Pair) {
	ses := p.Session
	r := s.receiverOf(p)
	if ses.Device == "" {
		if p.Kin != nil && (p.Kin.Acked || p.Kin.Pending > 1) {
			s.end(p, envelope.Dropped, envelope.SessionEnded)
			return
		}
		if p.Store == session.NotStored {
			r.Device = "" // EndSession does so with what is stored.
		}
	}
	s.handOver(p, r)
}

// handOver leaves a pair to the store, for a receiver.
func (s *Shard) handOver(p *session.Pair, r store.Receiver) {
	if p.Store == session.Storing {
		s.jobOf(p).pair = nil // The part goes on waiting for it.
	}
	again := p.Store != session.NotStored
	s.put(put{part: p.Part, user: p.Session.User, receivers: []store.Receiver{r}, again: again, held: !again && !p.Safe})
	s.freePair(p)
}
