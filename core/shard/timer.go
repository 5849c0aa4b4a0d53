package shard

import (
	"maps"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/session"
	"github.com/pushcore/pushcore/sdk/wire"
)

// Tick lets timers run out. A session has one, at the earliest of what it waits
// for; it is not put off when that has passed meanwhile, only looked at.
func (s *Shard) Tick() {
	s.due = s.wheel.Advance(s.now.Mono, s.due[:0])
	for _, slot := range s.due {
		if ses := s.slots[slot]; ses != nil {
			ses.Timer = 0
			s.ring(ses)
		}
	}
	s.forgetUnseen()
	s.oweDue()
	if s.chores > 0 && s.chores <= s.now.Mono {
		s.chores = 0
		s.retryJobs()
		s.retryNotices()
	}
	s.forgetLetIn()
	maps.DeleteFunc(s.doomed, func(_ connKey, d doom) bool { return d.until <= s.now.Mono })
	for i := range s.instances {
		s.forgetAliases(i)
	}
	s.sendAway()
}

// arm sets the session's timer to the earliest instant at which there may be
// something to do.
func (s *Shard) arm(ses *session.Session) {
	at, some := s.retryDue(ses)
	earlier := func(t time.Duration) {
		if !some || t < at {
			at, some = t, true
		}
	}
	if ses.StoreAt > 0 {
		earlier(ses.StoreAt)
	}
	if len(ses.CatchUps) > 0 && ses.CatchUps[0].Due > 0 {
		earlier(ses.CatchUps[0].Due)
	}
	if !ses.ExpireAt.IsZero() {
		earlier(s.mono(ses.ExpireAt))
	}
	if ses.State == session.Detached {
		earlier(ses.Until)
	} else if !ses.Expires.IsZero() && !s.cfg.KeepExpired {
		earlier(s.mono(ses.Expires))
	}
	switch {
	case !some || (ses.Timer != 0 && ses.TimerAt <= at):
	case ses.Timer != 0 && s.wheel.Move(ses.Timer, at):
		ses.TimerAt = at
	default:
		ses.Timer, ses.TimerAt = s.wheel.Set(at, ses.Slot), at
	}
}

// retryDue is when the session's window is to be looked at.
func (s *Shard) retryDue(ses *session.Session) (time.Duration, bool) {
	i := &s.instances[ses.Plugin]
	at, some := ses.Window.NextDue()
	if i.blocks != 0 {
		return 0, false // The end of the block arms the timers of those who were rung meanwhile.
	}
	return at + i.stood, some
}

// mono is a wall clock instant on the clock of timers, as far as it is known now.
func (s *Shard) mono(at time.Time) time.Duration { return s.now.Mono + max(0, at.Sub(s.now.Wall)) }

// ring does what a session's timer may have been for.
func (s *Shard) ring(ses *session.Session) {
	if ses.State == session.Detached && ses.Until <= s.now.Mono {
		s.endSession(ses)
		return
	}
	if ses.State == session.Attached && !ses.Expires.IsZero() && !ses.Expires.After(s.now.Wall) && !s.cfg.KeepExpired && !ses.Refreshing {
		s.closeConn(ses, wire.CodeTokenExpired, "the credentials have expired")
	}
	if !ses.ExpireAt.IsZero() && !ses.ExpireAt.After(s.now.Wall) {
		s.expire(ses)
	}
	s.resendDue(ses)
	if ses.StoreAt > 0 && ses.StoreAt <= s.now.Mono {
		s.storeLate(ses)
	}
	s.catchUp(ses)
	s.arm(ses)
}

// resendDue sends again what was not acked in time, or gives the connection up.
func (s *Shard) resendDue(ses *session.Session) {
	if s.blocked(ses) {
		s.park(ses)
		return
	}
	items := ses.Window.Due(s.retryClock(ses), s.items[:0])
	s.items = items[:0]
	giveUp := false
	for i := range items {
		giveUp = s.resend(ses, &items[i]) || giveUp
	}
	clear(items)
	if giveUp {
		s.closeConn(ses, wire.CodeNoAck, "the device does not ack what it is sent")
		return
	}
	if len(ses.Resend) > 0 {
		s.markDirty(ses)
	}
}

// watchStoring makes the session's timer look for what is to be stored, and for
// what expires.
func (s *Shard) watchStoring(ses *session.Session, part *session.Part) {
	m := part.Message
	if at := s.mono(m.AcceptedAt.Add(m.StoreAfter)); ses.StoreAt == 0 || at < ses.StoreAt {
		ses.StoreAt = max(at, 1)
	}
	s.watchExpiry(ses, m)
	s.arm(ses)
}

func (s *Shard) watchExpiry(ses *session.Session, m *envelope.Message) {
	if ses.ExpireAt.IsZero() || m.ExpiresAt.Before(ses.ExpireAt) {
		ses.ExpireAt = m.ExpiresAt
	}
}

// storeLate stores the pairs that have waited for an ack long enough, and all that
// came before them: what is stored of a receiver is always the beginning.
func (s *Shard) storeLate(ses *session.Session) {
	ses.StoreAt = 0
	late := uint64(0)
	s.chosen = ses.Pairs(isNotStored, s.chosen[:0])
	for _, p := range s.chosen {
		if m := p.Part.Message; !m.AcceptedAt.Add(m.StoreAfter).After(s.now.Wall) {
			late = max(late, p.Part.Order)
		}
	}
	for _, p := range s.chosen {
		if p.Part.Order <= late {
			s.putPair(p)
		} else if next := s.mono(p.Part.Message.AcceptedAt.Add(p.Part.Message.StoreAfter)); ses.StoreAt == 0 || next < ses.StoreAt {
			ses.StoreAt = max(next, 1)
		}
	}
}

func isNotStored(p *session.Pair) bool { return p.Store == session.NotStored }

// storeBefore stores what a session has in memory of before an order.
func (s *Shard) storeBefore(ses *session.Session, order uint64) {
	s.chosen = ses.Pairs(isNotStored, s.chosen[:0])
	for _, p := range s.chosen {
		if p.Part.Order < order {
			s.putPair(p)
		}
	}
}

// storeUpTo stores at once what records up to one still wait for.
func (s *Shard) storeUpTo(record envelope.RecordID) {
	for _, ses := range s.slots {
		if ses == nil {
			continue
		}
		last := uint64(0)
		s.chosen = ses.Pairs(isNotStored, s.chosen[:0])
		for _, p := range s.chosen {
			if r := p.Part.Message.Record; r != 0 && r <= record {
				last = max(last, p.Part.Order)
			}
		}
		s.storeBefore(ses, last+1)
	}
}

// expire ends the messages in memory whose time is over.
func (s *Shard) expire(ses *session.Session) {
	over := func(m *envelope.Message) bool { return !m.ExpiresAt.After(s.now.Wall) }
	s.chosen = ses.Pairs(func(p *session.Pair) bool { return over(p.Part.Message) }, s.chosen[:0])
	for _, p := range s.chosen {
		s.takeOut(p)
		s.end(p, envelope.Expired, envelope.NoReason)
	}
	ses.Out.RemoveFunc(func(e session.Entry) bool {
		if e.Pair != nil || !over(e.Part.Message) {
			return false
		}
		s.endEntry(ses, e, envelope.Expired, envelope.NoReason)
		return true
	})
	ses.ExpireAt = time.Time{}
	for item := range ses.Window.All() {
		s.watchExpiry(ses, item.Message.Part.Message)
	}
	for i := range ses.Queued() {
		s.watchExpiry(ses, ses.QueuedAt(i).Part.Message)
	}
}
