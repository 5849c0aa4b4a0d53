package admit

import (
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/sdk"
)

// record is an open record: accepted and not yet safe. It ends when every loop it
// was dispatched to has reported it safe and its id is kept (keep.go), or its letter
// was taken.
type record struct {
	id       envelope.RecordID
	instance *instance
	at       time.Duration // of acceptance
	source   string        // that brought it first
	position uint64

	name        string // the message's id; empty for operations and letters
	origin      origin // of the name
	fingerprint uint64
	class       sdk.Class
	letter      *letter // nil unless it is dead

	pairs int64 // a part that has not reported counts 1
	bytes int64
	owes  LoopSet // loops that have not said how many pairs they have
	waits LoopSet // loops that have not said that it is safe
	holds int     // what else has to happen first; see Hold
	how   envelope.How
	acked bool    // by one receiver at least
	keep  keeping // of its id, once it is safe

	handles      *handle // who is to be told; nil: nobody any more
	older, newer *record // of the instance
}

// openRecord begins one; the caller fills in what it is.
func (s *State) openRecord(now Now, src *Source, p *Parsed) *record {
	in, bytes := src.instance, p.size()
	var r *record
	if n := len(s.free); n > 0 {
		r, s.free = s.free[n-1], s.free[:n-1]
	} else {
		r = new(record)
	}
	s.last++
	*r = record{id: s.last, instance: in, at: now.Mono, source: src.name, position: p.Record.Position,
		bytes: bytes, older: in.newest}
	s.records[r.id] = r
	if in.newest != nil {
		in.newest.newer = r
	} else {
		in.oldest = r
	}
	in.newest = r
	if in.unasked == nil {
		in.unasked = r
	}
	in.load.add(1, 0, bytes)
	in.unaskedLoad.add(1, 0, bytes)
	return r
}

// Dispatched says to which loops an accepted record goes. None: it is safe.
func (s *State) Dispatched(now Now, id envelope.RecordID, to LoopSet) {
	r := s.records[id]
	if r == nil {
		return
	}
	r.waits = to
	if r.name != "" {
		r.owes = to
		s.addPairs(r, int64(to.Len()))
	}
	s.closeIfSafe(now, r)
}

// Hold keeps an accepted record open until as many calls of Release. It is for what
// has to be stored besides the message of each receiver; call it before Dispatched.
func (s *State) Hold(id envelope.RecordID) {
	if r := s.records[id]; r != nil {
		r.holds++
	}
}

// Release takes back one Hold.
func (s *State) Release(now Now, id envelope.RecordID) {
	if r := s.records[id]; r != nil && r.holds > 0 {
		r.holds--
		s.closeIfSafe(now, r)
	}
}

func (s *State) closeIfSafe(now Now, r *record) {
	if r.waits.Empty() && r.holds == 0 {
		s.recordSafe(now, r)
	}
}

// Owed takes a shard's ReportOwed. One that comes late or twice is ignored.
func (s *State) Owed(id envelope.RecordID, loop, pairs int) {
	r := s.records[id]
	if r == nil || !r.owes.Has(loop) {
		return
	}
	r.owes.Remove(loop)
	s.addPairs(r, int64(pairs)-1)
	s.askForHalf(r.instance, nil)
}

// Acked says that one of a record's receivers has acked it, before Safe of its loop.
func (s *State) Acked(id envelope.RecordID) {
	if r := s.records[id]; r != nil {
		r.acked = true
	}
}

// Safe takes a shard's ReportSafe. One that comes late or twice is ignored.
func (s *State) Safe(now Now, id envelope.RecordID, loop int, how envelope.How) {
	r := s.records[id]
	if r == nil || !r.waits.Has(loop) {
		return
	}
	r.waits.Remove(loop)
	r.how = max(r.how, how)
	s.closeIfSafe(now, r)
}

func (s *State) addPairs(r *record, n int64) {
	r.pairs += n
	r.instance.load.pairs += n
	if r.id > r.instance.asked {
		r.instance.unaskedLoad.pairs += n
	}
}

// closeRecord settles a record with all who brought it, and remembers its id.
func (s *State) closeRecord(now Now, r *record) {
	in := r.instance
	for r.handles != nil {
		h := r.handles
		s.settle(h.source, h.position, Settled{ID: r.name, Class: r.class, How: r.how, Acked: r.acked})
		s.detach(h)
	}
	if r.name != "" {
		delete(in.open, r.name)
		if kept := in.settled.add(now.Mono, in.settled.window, r.name, r.fingerprint, r.how); kept != nil {
			kept.acked = r.acked
		}
	}
	if r.keep.begun {
		in.keeping--
	}
	in.unlink(r)
	delete(s.records, r.id)
	*r = record{}
	s.free = append(s.free, r)
	s.easePauses(in)
}

// unlink takes a record out of the instance's order and load.
func (in *instance) unlink(r *record) {
	if in.unasked == r {
		in.unasked = r.newer
	}
	if r.older != nil {
		r.older.newer = r.newer
	} else {
		in.oldest = r.newer
	}
	if r.newer != nil {
		r.newer.older = r.older
	} else {
		in.newest = r.older
	}
	in.load.add(-1, -r.pairs, -r.bytes)
	if r.id > in.asked {
		in.unaskedLoad.add(-1, -r.pairs, -r.bytes)
	}
}
