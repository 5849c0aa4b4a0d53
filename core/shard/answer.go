package shard

import (
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/session"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// acked ends what a device has acknowledged.
func (s *Shard) acked(ses *session.Session, seq uint64, ranges []sdk.SeqRange) {
	items, err := ses.Window.Ack(seq, ranges, s.items[:0])
	s.items = items[:0]
	if err != nil {
		s.closeConn(ses, wire.CodeProtocolError, err.Error())
		return
	}
	for i := range items {
		p := items[i].Message
		p.Attempts = items[i].Past.Attempts()
		m := p.Part.Message
		s.end(p, envelope.Acked, envelope.NoReason)
		if m.Ack == envelope.AckAny {
			s.withdrawOthers(ses, m)
		}
	}
	if len(items) == 0 {
		s.stats.LateAcks++
	}
	if ses.Out.Len() > 0 {
		s.markDirty(ses)
	}
	s.page(ses)
	clear(items)
}

// withdrawOthers ends a message for the user's other receivers, for one of them
// has acked it.
func (s *Shard) withdrawOthers(ses *session.Session, m *envelope.Message) {
	u := ses.User
	for _, other := range u.Sessions {
		if other != ses {
			s.withdrawFrom(other, m)
		}
	}
	if u.Stored+u.Puts+u.Failed > 0 {
		s.submit(&job{user: u, op: store.Op{
			Kind: store.RemoveMessage, Scope: m.Scope, ID: m.ID, Except: ses.Key(), Fate: envelope.Withdrawn}})
	}
}

// withdrawFrom ends a message that a session holds in memory.
func (s *Shard) withdrawFrom(ses *session.Session, m *envelope.Message) {
	s.chosen = ses.Pairs(func(p *session.Pair) bool { return session.SameMessage(p.Part.Message, m) }, s.chosen[:0])
	for _, p := range s.chosen {
		s.takeOut(p)
		s.end(p, envelope.Withdrawn, envelope.NoReason)
	}
	ses.Out.RemoveFunc(func(e session.Entry) bool {
		if e.Pair != nil || !session.SameMessage(e.Part.Message, m) {
			return false
		}
		s.endEntry(ses, e, envelope.Withdrawn, envelope.NoReason)
		return true
	})
}

// nacked puts a message off, or ends it when the device will never take it.
func (s *Shard) nacked(ses *session.Session, e *sdk.Event) {
	var err error
	if e.Final {
		item, found, refuseErr := ses.Window.Refuse(e.Seq)
		if err = refuseErr; found {
			item.Message.Attempts = item.Past.Attempts()
			s.end(item.Message, envelope.Dead, envelope.Refused)
		}
	} else {
		_, err = ses.Window.Nack(e.Seq, e.RetryAfter, s.retryClock(ses))
	}
	if err != nil {
		s.closeConn(ses, wire.CodeProtocolError, err.Error())
		return
	}
	s.arm(ses)
	s.markDirty(ses)
}
