package shard

import (
	"github.com/pushcore/pushcore/core/ack"
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/session"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// Serve moves at most about budget items, and at most about Config.ServeBytes of
// payload, from outboxes into the batches, session by session, first come first
// served; the items of one connection stand side by side. It says whether more
// could be served now.
func (s *Shard) Serve(budget int) bool {
	s.tellKeeps()
	n := len(s.dirty) // Those that become dirty meanwhile wait for the next call.
	i := 0
	for bytes := s.cfg.ServeBytes; i < n && budget > 0 && bytes > 0; i++ {
		ses := s.dirty[i]
		ses.Dirty = false
		switch {
		case !ses.Live():
		case s.blocked(ses):
			s.park(ses)
		default:
			items, given := s.serve(ses)
			budget, bytes = budget-items, bytes-given
		}
	}
	left := copy(s.dirty, s.dirty[i:])
	clear(s.dirty[left:])
	s.dirty = s.dirty[:left]
	return left > 0
}

// serve gives one session its turn and returns the number of items and the bytes
// of their payloads.
func (s *Shard) serve(ses *session.Session) (items, bytes int) {
	batch := &s.effects.Plugins[ses.Plugin].Batch
	first := len(batch.Items)
	handed := len(ses.Handed)
	bytes = s.serveAgain(ses, batch)
	bytes += s.serveHistory(ses, batch, s.cfg.TurnBytes-bytes)
	for len(ses.CatchUps) == 0 && ses.Out.Len() > 0 && bytes < s.cfg.TurnBytes {
		e := ses.Out.At(0)
		if e.Pair != nil && ses.WindowFull() {
			break
		}
		ses.Out.Pop()
		if !e.Part.Message.ExpiresAt.After(s.now.Wall) {
			s.endEntry(ses, e, envelope.Expired, envelope.NoReason)
			continue
		}
		bytes += s.give(ses, batch, e)
	}
	s.noteHanded(ses, len(ses.Handed)-handed)
	if s.servable(ses) {
		ses.Dirty = true
		s.dirty = append(s.dirty, ses)
	}
	if ses.Behind {
		s.page(ses)
	}
	if ses.Closing != 0 && !ses.Dirty {
		s.closeAfter(ses)
	}
	s.arm(ses)
	return len(batch.Items) - first, bytes
}

// noteHanded sees to it that fast messages which the transport was given end when it
// has written them.
func (s *Shard) noteHanded(ses *session.Session, n int) {
	switch {
	case s.echoes(ses.Plugin):
		if n > 0 {
			s.handOverFast(ses, n)
		}
	case !ses.Served && len(ses.Handed) > 0:
		ses.Served = true
		s.served = append(s.served, ses)
	}
}

// servable says whether a session could be given something now.
func (s *Shard) servable(ses *session.Session) bool {
	if len(ses.CatchUps) > 0 {
		return len(ses.CatchUps[0].Entries) > 0
	}
	return ses.Out.Len() > 0 && (ses.Out.At(0).Pair == nil || !ses.WindowFull())
}

// serveAgain gives what is to be sent again, under its old numbers.
func (s *Shard) serveAgain(ses *session.Session, batch *sdk.Batch) (bytes int) {
	for _, p := range ses.Resend {
		p.Resend = false
		if p.Ended {
			s.freePair(p)
			continue
		}
		ses.Window.Resent(p.Seq, s.retryClock(ses))
		batch.Items = append(batch.Items, sdk.Item{Conn: ses.Conn, Seq: p.Seq, Message: s.form(ses, p.Part, p.From, batch)})
		bytes += len(p.Part.Message.Payload)
	}
	clear(ses.Resend)
	ses.Resend = ses.Resend[:0]
	return bytes
}

// give puts one entry into the batch; a reliable one gets its number here.
func (s *Shard) give(ses *session.Session, batch *sdk.Batch, e session.Entry) (bytes int) {
	item := sdk.Item{Conn: ses.Conn}
	m := e.Part.Message
	if p := e.Pair; p != nil {
		past := ack.Past{Counted: p.Attempts}
		if ses.Window.Spent(past, s.retryClock(ses)) {
			s.end(p, envelope.Dead, envelope.NoAck)
			return 0
		}
		item.Seq = ses.Window.Push(p, m.Size(), past, s.retryClock(ses))
		p.Seq, p.Sent = item.Seq, true
		s.stats.Attempts++
	} else {
		ses.Handed = append(ses.Handed, e)
	}
	if m.Position(int(e.From)) > 0 {
		s.keepPosition(ses)
	}
	item.Message = s.form(ses, e.Part, e.From, batch)
	batch.Items = append(batch.Items, item)
	return len(m.Payload)
}

// closeAfter closes a connection behind what this batch brings it.
func (s *Shard) closeAfter(ses *session.Session) {
	code := wire.Code(ses.Closing)
	p := &s.effects.Plugins[ses.Plugin]
	p.Closing = append(p.Closing, sdk.Command{
		Kind: sdk.CommandClose, Conn: ses.Conn, Code: ses.Closing, Text: code.String(), Reconnect: reconnectRule(ses.Closing)})
	s.stats.close(ses.Plugin, ses.Closing)
	ses.Closing = 0
	s.sent(ses)
	s.connectionLost(ses)
}

// Flushed says that the transports have written what Serve gave: fast messages of
// connections that did not jam are sent.
func (s *Shard) Flushed() {
	for i, ses := range s.served {
		ses.Served = false
		if !ses.Congested && !s.echoes(ses.Plugin) { // It may have another connection by now.
			s.sent(ses)
		}
		s.served[i] = nil
	}
	s.served = s.served[:0]
}

// sent ends the fast messages that the socket has taken.
func (s *Shard) sent(ses *session.Session) {
	s.sentFirst(ses, len(ses.Handed))
	ses.Hand++
}

// sentFirst ends the first n of them.
func (s *Shard) sentFirst(ses *session.Session, n int) {
	for _, e := range ses.Handed[:n] {
		s.conclude(e.Part, ses.User.ID, ses.Key(), envelope.Sent, envelope.NoReason, 1, false)
	}
	left := copy(ses.Handed, ses.Handed[n:])
	clear(ses.Handed[left:])
	ses.Handed, ses.Written = ses.Handed[:left], ses.Written-min(ses.Written, uint32(n)) //nolint:gosec // As many as were handed over
	if left == 0 && cap(ses.Handed) > handedKeep {
		ses.Handed = nil
	}
}

// handedKeep is the most places for fast messages that a session keeps.
const handedKeep = 16

// dropHanded ends the fast messages of a connection that died before they were
// written: whether the device has them is not known, and they come at most once.
func (s *Shard) dropHanded(ses *session.Session) {
	for _, e := range ses.Handed {
		s.conclude(e.Part, ses.User.ID, ses.Key(), envelope.Dropped, envelope.Slow, 1, false)
	}
	ses.Handed, ses.Written = nil, 0
	ses.Hand++
}
