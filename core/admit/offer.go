package admit

import (
	"github.com/oklog/ulid/v2"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/sdk"
)

// Verdict is what Offer did with a record.
type Verdict uint8

// The verdicts.
const (
	// WaitsForRoom: not taken, because a bound is reached. The source is paused; offer
	// the record again when Source.Paused says NotPaused.
	WaitsForRoom Verdict = iota
	// Stale: not taken and never to be: the assignment has ended.
	Stale
	// Taken: nothing further to do: a repeat, or a dead record.
	Taken
	// Accepted: to be dispatched; then Dispatched is called, before anything else.
	Accepted
)

// Offer takes a record of a source, in the order of the source. With Accepted the
// message or operation has its RecordID, and the message its id and AcceptedAt.
func (s *State) Offer(now Now, src *Source, p *Parsed) Verdict {
	if src.revoked {
		return Stale
	}
	if p.Err == nil && p.Message != nil && p.ID != "" {
		if verdict, done := s.offerRepeat(now, src, p); done {
			return verdict
		}
	}
	if !s.room(now, src, p.size()) {
		return WaitsForRoom
	}
	src.count++
	if p.Err != nil {
		s.bury(now, src, p, p.Err)
		return Taken
	}
	s.accept(now, src, p)
	return Accepted
}

// size is what a record counts for in bytes.
func (p *Parsed) size() int64 {
	switch {
	case p.Err != nil:
		return recordSize(p.Record)
	case p.Message != nil:
		return int64(p.Message.Size())
	}
	return controlOverhead + int64(len(p.Control.To))*addressOverhead
}

// Rough sizes of what an operation holds.
const (
	controlOverhead = 256
	addressOverhead = 64
)

func recordSize(rec *sdk.Record) int64 {
	n := controlOverhead + len(rec.Key) + len(rec.Body)
	for i := range rec.Headers {
		n += len(rec.Headers[i].Name) + len(rec.Headers[i].Value)
	}
	return int64(n)
}

func (s *State) accept(now Now, src *Source, p *Parsed) {
	in := src.instance
	r := s.openRecord(now, src, p)
	if m := p.Message; m != nil {
		if p.ID == "" {
			p.ID = s.makeID(now)
			in.withoutID++
			r.origin = made
		} else if p.Positional {
			r.origin = positional
		}
		m.ID, m.Record, m.AcceptedAt = p.ID, r.id, now.Wall
		r.name, r.fingerprint, r.class = m.ID, p.Fingerprint, m.Class
		in.open[r.name] = r
	} else {
		p.Control.Record = r.id
	}
	if s.cfg.SettleOnAcceptance {
		s.settle(src, p.Record.Position, Settled{ID: r.name, Class: r.class, How: envelope.HowMemory})
	} else {
		s.attach(src, r, p.Record.Position)
	}
	s.askForHalf(in, src)
}

// settle says that a record which has no handle is settled.
func (s *State) settle(src *Source, position uint64, what Settled) {
	what.Instance, what.Source, what.Epoch, what.Position = src.instance.index, src.name, src.epoch, position
	s.effects.Settled = append(s.effects.Settled, what)
}

func (s *State) makeID(now Now) string {
	id, err := ulid.New(ulid.Timestamp(now.Wall), s.cfg.Entropy)
	if err != nil {
		panic("admit: no entropy for an id: " + err.Error())
	}
	return id.String()
}
