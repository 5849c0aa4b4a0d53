package admit

import "github.com/pushcore/pushcore/core/envelope"

// offerRepeat deals with a record whose id is open or was settled within the
// window. done is false if it is neither.
func (s *State) offerRepeat(now Now, src *Source, p *Parsed) (verdict Verdict, done bool) {
	in := src.instance
	if r := in.open[p.ID]; r != nil {
		if r.fingerprint != p.Fingerprint {
			return s.offerConflict(now, src, p), true
		}
		return s.join(now, src, r, p), true
	}
	old, ok := in.settled.find(now.Mono, p.ID)
	switch {
	case !ok:
		return 0, false
	case old.fingerprint != p.Fingerprint:
		return s.offerConflict(now, src, p), true
	}
	src.count++
	in.repeats++
	s.note(now, src, p, Repeated, nil)
	s.settle(src, p.Record.Position, Settled{ID: p.ID, Class: p.Message.Class, How: old.how, Acked: old.acked, Repeat: true})
	return Taken, true
}

// join adds the record to the open one of the same id: all are settled together.
// Where nobody brings the open one any more, this takes no room.
func (s *State) join(now Now, src *Source, r *record, p *Parsed) Verdict {
	if !s.cfg.SettleOnAcceptance && r.handles != nil && !s.room(now, src, 0) {
		return WaitsForRoom
	}
	src.count++
	src.instance.joined++
	s.note(now, src, p, Joined, nil)
	if s.cfg.SettleOnAcceptance {
		s.settle(src, p.Record.Position, Settled{ID: p.ID, Class: r.class, How: envelope.HowMemory, Repeat: true})
		return Taken
	}
	s.attach(src, r, p.Record.Position)
	s.askForSpan(src)
	return Taken
}

// offerConflict deals with an id that names another event already. It must never
// be taken for a repeat, for then a message would be lost.
func (s *State) offerConflict(now Now, src *Source, p *Parsed) Verdict {
	if !s.room(now, src, recordSize(p.Record)) {
		return WaitsForRoom
	}
	src.count++
	s.bury(now, src, p, &Error{Reason: envelope.IDConflict, Field: optID.field(false),
		Detail: p.ID + " names another message already: its receivers, class or body differ"})
	return Taken
}
