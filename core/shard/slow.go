package shard

import (
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/session"
	"github.com/pushcore/pushcore/sdk/wire"
)

// full says whether a session's outbox has no room for a message. An empty one
// takes any, so that none is too long for ever.
func (s *Shard) full(ses *session.Session, m *envelope.Message) bool {
	n := ses.Queued()
	return n >= s.cfg.Outbox.Messages || (n > 0 && ses.QueuedBytes()+len(m.Payload) > s.cfg.Outbox.Bytes)
}

// makeRoom applies the policy for fast messages to a full outbox; false if the new
// one has no place: the connection was closed for it, or all that waits is
// reliable.
func (s *Shard) makeRoom(ses *session.Session, m *envelope.Message) bool {
	switch s.cfg.SlowFast {
	case CloseSlow:
		s.closeConn(ses, wire.CodeSlow, "the device does not keep up")
		return false
	case KeepNewest:
		s.keepNewest(ses, m)
	}
	for s.full(ses, m) {
		e, found := ses.Out.RemoveFirst(isFast)
		if !found {
			return false
		}
		s.endEntry(ses, e, envelope.Dropped, envelope.Slow)
	}
	return true
}

func isFast(e session.Entry) bool { return e.Pair == nil }

// keepNewest leaves of the fast messages that wait only the newest of each
// collapse key. Those of one key have made way for each other when they came; the
// ones without a key count as one key here, whose newest is the message at hand if
// that has none either.
func (s *Shard) keepNewest(ses *session.Session, m *envelope.Message) {
	hasNo := func(e session.Entry) bool { return e.Pair == nil && e.Part.Message.Collapse == "" }
	newest := -1
	for i := ses.Out.Len() - 1; i >= 0 && newest < 0 && m.Collapse != ""; i-- {
		if hasNo(ses.Out.At(i)) {
			newest = i
		}
	}
	i := -1
	ses.Out.RemoveFunc(func(e session.Entry) bool {
		i++
		if i == newest || !hasNo(e) {
			return false
		}
		s.endEntry(ses, e, envelope.Dropped, envelope.Slow)
		return true
	})
}
