package shard

import (
	"strings"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/fates"
	"github.com/pushcore/pushcore/core/session"
	"github.com/pushcore/pushcore/core/store"
)

// end gives a pair in memory its fate. The caller has taken it out of the window
// or outbox.
func (s *Shard) end(p *session.Pair, f envelope.Fate, r envelope.Reason) { s.endKept(p, f, r, 0) }

// endKept ends a pair of whose end the store keeps a notice; 0: it does not.
func (s *Shard) endKept(p *session.Pair, f envelope.Fate, r envelope.Reason, owed uint64) {
	if p.Ended {
		return
	}
	p.Ended = true
	if p.Kin != nil {
		p.Kin.Pending--
		p.Kin.Acked = p.Kin.Acked || f == envelope.Acked
	}
	if p.Store != session.NotStored {
		if j := s.jobOf(p); j != nil {
			j.pair, j.held, j.void = nil, false, true
		}
	}
	user := p.Session.User.ID
	d := s.conclude(p.Part, user, p.Session.Key(), f, r, p.Attempts, !p.Safe)
	s.keepEnd(d, user, owed)
	if p.Store != session.NotStored {
		s.removeStored(p, f, r, d)
	}
	if !p.Resend {
		s.freePair(p) // Else the list that names it frees it.
	}
}

// jobOf is the Put of a pair that is under way, or waits to be tried again.
func (s *Shard) jobOf(p *session.Pair) *job {
	if p.Store != session.Storing {
		return nil
	}
	return s.jobs[p.Job]
}

// takeOut removes a pair from the window or outbox that holds it.
func (s *Shard) takeOut(p *session.Pair) {
	ses := p.Session
	if p.Seq != 0 {
		ses.Window.Remove(p.Seq)
		return
	}
	ses.RemoveQueued(func(e session.Entry) bool { return e.Pair == p })
}

// conclude counts a fate and tells who wanted to know. held says that the part's
// settlement waits for this pair: it goes on when its receipts are accepted.
//
// key is the receiver's in the store. What is returned is owed to brokers, or nil.
func (s *Shard) conclude(part *session.Part, user, key string, f envelope.Fate, r envelope.Reason, attempts int, held bool) *debt {
	m, device := part.Message, deviceOf(key)
	s.fateOf(m, f, r)
	part.Acked = part.Acked || f == envelope.Acked
	part.Past = s.past.Ended(part.Past, m, &fates.End{User: user, Device: device, Fate: f, Reason: r, Attempts: attempts}, s.now.Wall)
	if s.cfg.Fates {
		s.effects.Fates = append(s.effects.Fates, Fate{
			ID: m.ID, Origin: m.Origin, User: user, Device: device, Fate: f, Reason: r, Attempts: attempts, AcceptedAt: m.AcceptedAt, At: s.now.Wall})
	}
	if s.cfg.Fated != nil {
		s.cfg.Fated(Fated{Message: m, User: user, Device: device, Fate: f, Reason: r})
	}
	if m.Receipt == envelope.ReceiptNone && !hasLetter(m, f) {
		if held {
			s.safe(part, howEnded(f))
		}
		return nil
	}
	d := &debt{pair: pairKey{user, part.Order, key}}
	if held {
		d.part = part
	}
	s.tellEnd(d, ending{m, f, r, attempts}, s.now.Wall)
	s.oweLater(d)
	return d
}

// Fated says how a (message, receiver) ended.
type Fated struct {
	Message      *envelope.Message
	User, Device string // no device: a session without an id, or whoever comes first
	Fate         envelope.Fate
	Reason       envelope.Reason
}

// fateOf counts a fate.
func (s *Shard) fateOf(m *envelope.Message, f envelope.Fate, r envelope.Reason) {
	s.stats.Books.Fates[f]++
	s.stats.Fates[f][r][m.Class]++
	if f == envelope.Acked || f == envelope.Sent {
		s.stats.Delivery[m.Class].Observe(s.now.Wall.Sub(m.AcceptedAt))
	}
}

// howEnded is how a pair that ended makes its record safe.
func howEnded(f envelope.Fate) envelope.How {
	if f == envelope.Acked || f == envelope.Sent {
		return envelope.HowAcked
	}
	return envelope.HowEnded
}

// safe takes one hold off a part; without any its record may be settled.
func (s *Shard) safe(part *session.Part, how envelope.How) {
	part.Unsafe--
	part.How = max(part.How, how)
	if part.Unsafe == 0 && part.Open {
		part.Open = false
		delete(s.parts, part.Message.Record)
		s.effects.Reports = append(s.effects.Reports, envelope.Report{
			Kind: envelope.ReportSafe, Loop: s.cfg.ID, Record: part.Message.Record, How: part.How, Acked: part.Acked})
	}
}

// deviceOf is the device id of a receiver's key in the store.
func deviceOf(key string) string {
	if strings.HasPrefix(key, store.SessionPrefix) {
		return ""
	}
	return key
}
