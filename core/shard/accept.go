package shard

import (
	"slices"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/group"
	"github.com/pushcore/pushcore/core/session"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// acceptance is a message while its receivers are found.
type acceptance struct {
	*session.Part
	m     *envelope.Message
	from  uint16 // the address at hand
	owed  int
	plain bool // neither exclusions nor a filter: everybody passes
}

// awayPut gathers one user's receivers that the store is to keep.
type awayPut struct {
	user      *session.User
	receivers []store.Receiver
}

// accept expands a message's addresses, once, into receivers: each gets an entry
// in its session's outbox, a place in the store, or its fate. From here on the set
// of receivers is fixed.
func (s *Shard) accept(d *envelope.Deliver) {
	m := d.Message
	s.order++
	s.stamp++
	a := acceptance{Part: &session.Part{Message: m, Order: s.order}, m: m, plain: len(m.Except)+len(m.Platforms) == 0}
	if m.Record != 0 {
		a.Open = true
		s.parts[m.Record] = a.Part
	}
	a.Past = s.past.Accepted(m, s.now.Wall)
	a.Unsafe++ // Held until all receivers are found.
	s.accepting = true
	for _, i := range d.To {
		a.from = i
		s.expand(&a, &m.To[i])
	}
	s.putAway(&a)
	s.accepting = false
	s.stats.Books.Owed += uint64(a.owed)
	s.past.Owes(a.Past, a.owed)
	if a.Open {
		s.effects.Reports = append(s.effects.Reports, envelope.Report{
			Kind: envelope.ReportOwed, Loop: s.cfg.ID, Record: m.Record, Pairs: a.owed})
	}
	s.safe(a.Part, envelope.HowAcked)
}

func (s *Shard) expand(a *acceptance, to *wire.Address) {
	switch to.Kind {
	case wire.User:
		s.expandUser(a, s.user(to.ID))
	case wire.Device:
		s.expandDevice(a, s.user(to.ID), to.Device)
	case wire.Group:
		g := s.groups[to.ID]
		if g == nil {
			return
		}
		g.Reach(envelope.Reached{Position: a.m.Position(int(a.from)), At: a.m.AcceptedAt})
		for i := range g.Members() {
			s.expandUser(a, g.User(i))
		}
		for i := range g.Joined() {
			s.addSession(a, g.Session(i), s.kinOf(g.Session(i).User))
		}
	case wire.All:
		for _, ses := range s.slots {
			if ses != nil {
				s.addSession(a, ses, s.kinOf(ses.User))
			}
		}
	}
}

// expandUser finds a user's receivers: his known devices and his sessions without
// a device id that pass; a placeholder if he has neither.
func (s *Shard) expandUser(a *acceptance, u *session.User) {
	if u.Stamp == s.stamp {
		return
	}
	u.Stamp = s.stamp
	kin := s.kinOf(u)
	known, passed := len(u.Devices), 0
	for i := range u.Devices {
		d := &u.Devices[i]
		if !a.plain && !s.passes(a.m, u, d.ID, d.Platform, u.SessionOf(d.ID)) {
			continue
		}
		passed++
		s.addDevice(a, u, d.ID, kin)
	}
	for _, ses := range u.Sessions {
		if ses.Device == "" {
			known++
			if s.addSession(a, ses, kin) {
				passed++
			}
		}
	}
	switch {
	case known == 0:
		s.addPlaceholder(a, u)
	case passed == 0 && !a.m.SessionsOnly:
		a.owed++
		s.drop(a, u.ID, "", envelope.NoDevice)
	}
	s.forgetIdle(u)
}

// kinOf is what the receivers of one user share of the message at hand; nil where
// there can be only one.
func (s *Shard) kinOf(u *session.User) *session.Kin {
	if u.KinStamp == s.stamp {
		return u.Kin
	}
	u.Kin, u.KinStamp = nil, s.stamp
	receivers := len(u.Devices)
	for _, ses := range u.Sessions {
		if ses.Device == "" {
			receivers++
		}
	}
	if receivers > 1 {
		u.Kin = &session.Kin{}
	}
	return u.Kin
}

func (s *Shard) expandDevice(a *acceptance, u *session.User, device string) {
	platform := ""
	if d := u.Device(device); d != nil {
		platform = d.Platform
	}
	if a.plain || s.passes(a.m, u, device, platform, u.SessionOf(device)) {
		s.addDevice(a, u, device, s.kinOf(u))
	}
	s.forgetIdle(u)
}

// addDevice owes the message to a device, with a session or without.
func (s *Shard) addDevice(a *acceptance, u *session.User, device string, kin *session.Kin) {
	if ses := u.SessionOf(device); ses != nil {
		s.addTo(a, ses, kin)
		return
	}
	if s.addAway(a, u, device) && kin != nil {
		kin.Pending++
	}
}

// addSession owes the message to a session's receiver if it passes.
func (s *Shard) addSession(a *acceptance, ses *session.Session, kin *session.Kin) bool {
	if ses.Stamp == s.stamp {
		return true
	}
	if !a.plain && !s.passes(a.m, ses.User, ses.Device, ses.Platform, ses) {
		return false
	}
	s.addTo(a, ses, kin)
	return true
}

func (s *Shard) addTo(a *acceptance, ses *session.Session, kin *session.Kin) {
	if ses.Stamp == s.stamp {
		return
	}
	ses.Stamp = s.stamp
	a.owed++
	if a.m.Class == sdk.Fast {
		s.enterFast(ses, session.Entry{Part: a.Part, From: a.from})
		return
	}
	if kin != nil {
		kin.Pending++
	}
	if ses.Behind && ses.Held == nil {
		a.Unsafe++
		s.addReceiver(ses.User, store.Receiver{Device: ses.Key()})
		return
	}
	p := s.newPair()
	p.Part, p.Session, p.Kin, p.From = a.Part, ses, kin, a.from
	a.Unsafe++
	s.enter(ses, p)
}

// addAway owes the message to a device that has no session, and says whether it
// waits for it from now on.
func (s *Shard) addAway(a *acceptance, u *session.User, device string) bool {
	if a.m.SessionsOnly || s.isAway(u, device) {
		return false
	}
	a.owed++
	if a.m.Class == sdk.Fast {
		s.drop(a, u.ID, device, envelope.NoSession)
		return false
	}
	a.Unsafe++
	s.addReceiver(u, store.Receiver{Device: device})
	return true
}

// drop ends a receiver at acceptance.
func (s *Shard) drop(a *acceptance, user, device string, r envelope.Reason) {
	reliable := a.m.Class == sdk.Reliable
	if reliable {
		a.Unsafe++
	}
	s.conclude(a.Part, user, device, envelope.Dropped, r, 0, reliable)
}

func (s *Shard) addPlaceholder(a *acceptance, u *session.User) {
	if !a.plain && s.excluded(a.m, u, "", nil) {
		return
	}
	s.addAway(a, u, "")
}

// isAway says whether the receiver is among the Puts of this acceptance already.
func (s *Shard) isAway(u *session.User, device string) bool {
	return u.Put.Stamp == s.stamp && slices.ContainsFunc(s.away[u.Put.Index].receivers,
		func(r store.Receiver) bool { return r.Device == device })
}

func (s *Shard) addReceiver(u *session.User, r store.Receiver) {
	if u.Put.Stamp != s.stamp {
		u.Put = session.PutRef{Stamp: s.stamp, Index: len(s.away)}
		s.away = append(s.away, awayPut{user: u})
	}
	away := &s.away[u.Put.Index]
	away.receivers = append(away.receivers, r)
}

// putAway stores what the acceptance found for who is away.
func (s *Shard) putAway(a *acceptance) {
	for i := range s.away {
		s.mergePlaceholder(a, &s.away[i])
		s.put(put{part: a.Part, user: s.away[i].user, receivers: s.away[i].receivers, held: true})
	}
	clear(s.away)
	s.away = s.away[:0]
}

// mergePlaceholder drops a user's placeholder where one of his devices is named as
// well: that device is his first.
func (s *Shard) mergePlaceholder(a *acceptance, away *awayPut) {
	if len(away.receivers) < 2 {
		return
	}
	away.receivers = slices.DeleteFunc(away.receivers, func(r store.Receiver) bool {
		if r.Device != "" {
			return false
		}
		a.owed--
		a.Unsafe--
		return true
	})
}

// passes applies the message's filter and exclusions to a receiver.
func (s *Shard) passes(m *envelope.Message, u *session.User, device, platform string, ses *session.Session) bool {
	if len(m.Platforms) > 0 && !slices.Contains(m.Platforms, platform) {
		return false
	}
	return !s.excluded(m, u, device, ses)
}

func (s *Shard) excluded(m *envelope.Message, u *session.User, device string, ses *session.Session) bool {
	for i := range m.Except {
		e := &m.Except[i]
		switch e.Kind {
		case wire.User:
			if e.ID == u.ID {
				return true
			}
		case wire.Device:
			if e.ID == u.ID && e.Device == device {
				return true
			}
		case wire.Group:
			if g := s.groups[e.ID]; g != nil && inGroup(g, u, ses) {
				return true
			}
		case wire.All:
			if ses != nil {
				return true
			}
		}
	}
	return false
}

func inGroup(g *group.Group, u *session.User, ses *session.Session) bool {
	return g.HasUser(u) || (ses != nil && g.HasSession(ses))
}

// newPair takes a pair from the free ones.
func (s *Shard) newPair() *session.Pair {
	if len(s.pairs) == 0 {
		block := make([]session.Pair, 64)
		for i := range block {
			s.pairs = append(s.pairs, &block[i])
		}
	}
	p := s.pairs[len(s.pairs)-1]
	s.pairs = s.pairs[:len(s.pairs)-1]
	*p = session.Pair{}
	return p
}

func (s *Shard) freePair(p *session.Pair) { s.pairs = append(s.pairs, p) }

// enter puts a reliable pair into its session's outbox, or, when that is full,
// begins to send what follows to the store.
func (s *Shard) enter(ses *session.Session, p *session.Pair) {
	m := p.Part.Message
	if m.Collapse != "" {
		s.collapse(ses, m)
	}
	if s.full(ses, m) {
		s.spill(ses, p)
		return
	}
	if ses.Held != nil {
		ses.Held.Push(session.Entry{Part: p.Part, Pair: p, From: p.From})
		s.watchStoring(ses, p.Part)
		return
	}
	ses.Out.Push(session.Entry{Part: p.Part, Pair: p, From: p.From})
	ses.Cursor = max(ses.Cursor, p.Part.Order)
	s.watchStoring(ses, p.Part)
	s.markDirty(ses)
}

// enterFast puts a fast message into a session's outbox by the slow policy.
func (s *Shard) enterFast(ses *session.Session, e session.Entry) {
	m := e.Part.Message
	if m.Collapse != "" {
		s.collapse(ses, m)
	}
	if s.full(ses, m) && !s.makeRoom(ses, m) {
		s.endEntry(ses, e, envelope.Dropped, envelope.Slow)
		return
	}
	ses.Out.Push(e)
	if ses.ExpireAt.IsZero() || m.ExpiresAt.Before(ses.ExpireAt) {
		ses.ExpireAt = m.ExpiresAt
		s.arm(ses)
	}
	s.markDirty(ses)
}

// collapse ends what a newer message with the same key replaces: what is of its
// class, in the outbox, and was never sent.
func (s *Shard) collapse(ses *session.Session, m *envelope.Message) {
	ses.RemoveQueued(func(e session.Entry) bool {
		old := e.Part.Message
		if old.Collapse != m.Collapse || old.Class != m.Class || old.Scope != m.Scope || old.ID == m.ID || (e.Pair != nil && e.Pair.Sent) {
			return false
		}
		s.endEntry(ses, e, envelope.Dropped, envelope.Collapsed)
		return true
	})
}

// endEntry ends an entry that has left the outbox.
func (s *Shard) endEntry(ses *session.Session, e session.Entry, f envelope.Fate, r envelope.Reason) {
	if e.Pair != nil {
		s.end(e.Pair, f, r)
		return
	}
	s.conclude(e.Part, ses.User.ID, ses.Key(), f, r, 0, false)
}
