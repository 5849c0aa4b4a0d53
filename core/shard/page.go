package shard

import (
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/session"
	"github.com/pushcore/pushcore/core/store"
)

// Bounds of what the store is read for. However many mailboxes are read at once, and
// however long they are, a session has few messages ahead of its acks, and all
// together they wait while the store is behind with what it was asked already.
const (
	behindMessages = 16384 // in memory, of all sessions that are behind
	behindBytes    = 16 << 20
	aheadMessages  = 256 // of one of them, if there are few
	aheadBytes     = 256 << 10
	leastMessages  = 16 // of one of them, however many there are
	leastBytes     = 16 << 10
	jobsBusy       = 1024 // operations of the shard under way
)

// ahead is how much of what the store has a session may have in memory.
func (s *Shard) ahead() (messages, bytes int) {
	messages = min(max(behindMessages/max(1, s.behind), leastMessages), aheadMessages, s.cfg.Outbox.Messages)
	bytes = min(max(behindBytes/max(1, s.behind), leastBytes), aheadBytes, s.cfg.Outbox.Bytes)
	return messages, bytes
}

// fallBehind sends what is new for a session to the store from now on.
func (s *Shard) fallBehind(ses *session.Session) {
	if !ses.Behind {
		ses.Behind = true
		s.behind++
	}
}

// keepUp ends that.
func (s *Shard) keepUp(ses *session.Session) {
	if ses.Behind {
		ses.Behind = false
		s.behind--
	}
}

// spill sends a pair that does not fit the outbox to the store, and all that
// follows until the session has caught up.
func (s *Shard) spill(ses *session.Session, p *session.Pair) {
	if !ses.Behind {
		s.fallBehind(ses)
		s.storeBefore(ses, p.Part.Order)
	}
	s.letGo(ses)
	s.put(put{part: p.Part, user: ses.User, receivers: []store.Receiver{s.receiverOf(p)}, held: true})
	s.freePair(p)
}

// page asks for what the store has for a session that is behind, if there is room
// for it and none of the user's Puts waits to be tried again.
func (s *Shard) page(ses *session.Session) {
	if !ses.Behind || ses.Paging || ses.State == session.Ended || ses.State == session.Detached || ses.User.Failed > 0 {
		return
	}
	if ses.Held != nil && ses.HeldPuts > 0 {
		return // The last page has to bring what these store.
	}
	most, bytes := s.ahead()
	room := most - ses.Out.Len() - ses.Window.Len()
	if room < most/2 || ses.Out.Bytes() > bytes/2 || ses.Window.Bytes() > bytes {
		return // It is asked again when half of that is acked.
	}
	if s.busy() >= jobsBusy {
		s.pageLater(ses)
		return
	}
	ses.Paging = true
	s.submit(&job{
		op: store.Op{
			Kind: store.Page, Device: ses.Key(), Platform: ses.Platform, Order: ses.Cursor,
			Max: room, MaxBytes: bytes / 2,
		},
		user: ses.User, page: ses,
	})
}

// pageLater puts a session in the line of those that wait for the store to be less
// busy.
func (s *Shard) pageLater(ses *session.Session) {
	if !ses.InLine {
		ses.InLine = true
		s.line = append(s.line, ses)
	}
}

// pageLine lets them read, first come first served.
func (s *Shard) pageLine() {
	for len(s.line) > 0 && s.busy() < jobsBusy {
		ses := s.line[0]
		s.line[0], ses.InLine = nil, false
		s.line = s.line[1:]
		s.page(ses)
	}
	if len(s.line) == 0 {
		s.line = nil
	}
}

// pageBehind lets the sessions of a user go on with what the store has.
func (s *Shard) pageBehind(u *session.User) {
	for _, ses := range u.Sessions {
		s.page(ses)
	}
}

// paged takes a page into the outbox. When there is no more, and no Put is under
// way that a page would have to bring, the session is live again. While Puts are
// under way, what is new is held from here on, so that they come to an end: the
// page behind them is the last one, and what was held follows it. Operations of one
// user are answered in order, so the Puts that count are the next ones answered.
func (s *Shard) paged(ses *session.Session, a *store.Answer) {
	ses.Paging = false
	if ses.State == session.Ended {
		return // The next session asks again.
	}
	for i := range a.Entries {
		s.replay(ses, &a.Entries[i])
	}
	u := ses.User
	switch {
	case a.More:
	case ses.Held != nil && ses.HeldPuts == 0, u.Puts == 0 && u.Failed == 0:
		s.live(ses)
	case ses.Held == nil:
		ses.Held, ses.HeldPuts = &session.Outbox{}, u.Puts
	}
	s.catchUp(ses)
	s.markDirty(ses)
	s.arm(ses)
}

// live ends a session's being behind: all that the store had for it is in its outbox.
func (s *Shard) live(ses *session.Session) {
	s.keepUp(ses)
	for held := ses.Held; held != nil && held.Len() > 0; {
		e := held.Pop()
		ses.Out.Push(e)
		ses.Cursor = max(ses.Cursor, e.Part.Order)
	}
	ses.Held, ses.HeldPuts = nil, 0
}

// letGo leaves to the store what was held: there is too much of it.
func (s *Shard) letGo(ses *session.Session) {
	for ses.Held != nil && ses.Held.Len() > 0 {
		p := ses.Held.Pop().Pair
		s.handOver(p, s.receiverOf(p))
	}
	ses.Held, ses.HeldPuts = nil, 0
}

// isHeld says whether a message is held: the store may have been given it as well.
func isHeld(ses *session.Session, order uint64) bool {
	for i := range ses.Queued() - ses.Out.Len() {
		if ses.Held.At(i).Part.Order == order {
			return true
		}
	}
	return false
}

// follow puts what a page has brought behind all that is older: into the outbox, or
// between what is held, where it was left by another receiver of the user.
func (s *Shard) follow(ses *session.Session, e session.Entry) {
	order := e.Part.Order
	if ses.Held == nil || ses.Held.Len() == 0 || order < ses.Held.At(0).Part.Order {
		ses.Out.Push(e)
		ses.Cursor = max(ses.Cursor, order)
		return
	}
	for n := ses.Held.Len(); n > 0; n-- {
		held := ses.Held.Pop()
		if e.Part != nil && held.Part.Order > order {
			ses.Held.Push(e)
			e = session.Entry{}
		}
		ses.Held.Push(held)
	}
	if e.Part != nil {
		ses.Held.Push(e)
	}
}

// replay puts a stored message into the outbox.
func (s *Shard) replay(ses *session.Session, e *store.Entry) {
	if isHeld(ses, e.Order) || s.removing[pairKey{ses.User.ID, e.Order, e.Receiver.Device}] > 0 {
		return
	}
	p := s.newPair()
	p.Part = s.parts[e.Message.Record]
	if p.Part == nil || e.Message.Record == 0 {
		p.Part = &session.Part{Message: e.Message, Order: e.Order}
		p.Safe = true
	}
	p.Safe = p.Safe || s.storedIsSafe(e.Message)
	p.Session, p.Store, p.Attempts, p.Sent = ses, session.Stored, e.Receiver.Attempts, e.Receiver.Sent
	p.From, p.Kin = fromOf(e.Message, ses), s.kinAt(ses.User, e.Order)
	s.follow(ses, session.Entry{Part: p.Part, Pair: p, From: p.From})
	s.watchExpiry(ses, e.Message)
}

// fromOf finds the address by which a stored message reaches a session; it is not
// kept for each receiver.
func fromOf(m *envelope.Message, ses *session.Session) uint16 {
	for i := range m.To {
		if m.To[i].ID == ses.User.ID {
			return uint16(i)
		}
	}
	return 0
}
