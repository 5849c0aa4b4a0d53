package shard

import "github.com/pushcore/pushcore/core/session"

// A session without a device id leaves what it has not acked to whoever of its user
// comes first, unless another receiver of his has the message pending or has acked
// it. Session.Kin is what its pair knows of those others; a pair that is only in the
// store has none of its own, so what becomes of that one is told here.

// kinAt is what the pairs in memory of a user's sessions without a device id share of
// the message of an order; nil: nobody will ask.
func (s *Shard) kinAt(u *session.User, order uint64) *session.Kin {
	for _, ses := range u.Sessions {
		if ses.Device != "" {
			continue
		}
		for item := range ses.Window.All() {
			if p := item.Message; p.Part.Order == order {
				return p.Kin
			}
		}
		for i := range ses.Out.Len() {
			if p := ses.Out.At(i).Pair; p != nil && p.Part.Order == order {
				return p.Kin
			}
		}
	}
	return nil
}

// bereave tells the kin of a pair that ended in the store, unacked.
func (s *Shard) bereave(u *session.User, order uint64) {
	if kin := s.kinAt(u, order); kin != nil {
		kin.Pending--
	}
}
