package fates

import (
	"hash/maphash"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/sdk"
)

// RowsMax is how many receivers of a message may have a row each; with more of them
// only those who did not get it have one.
const RowsMax = 64

// failedMax bounds the rows of one message, so that a large room of slow devices
// does not push out everything else. The totals are right beyond it.
const failedMax = 1000

// Failed tells whether a fate means that the receiver was to have the message and does not.
func Failed(f envelope.Fate) bool {
	return f == envelope.Expired || f == envelope.Dropped || f == envelope.Dead
}

// Message is what is remembered of one acceptance of a message.
type Message struct {
	ID, Scope, Name string
	Class           sdk.Class
	Origin          envelope.Origin
	AcceptedAt      time.Time
	Owed            int                    // receivers in this shard; 0 if Late
	Late            bool                   // it was accepted in an earlier run, or too long ago: Fates has what has ended since
	Fates           [envelope.NumFates]int // that have ended, by fate
	Ends            []End                  // newest first; see RowsMax
}

// End is how one receiver's ended.
type End struct {
	User, Device string // no device: a session without an id, or whoever comes first
	Fate         envelope.Fate
	Reason       envelope.Reason
	Attempts     int
	At           time.Time
}

// Ref names a message in a History that has not forgotten it. The zero value names
// none.
type Ref struct{ at place }

// History remembers messages within a bound of bytes. One goroutine uses it.
type History struct {
	log     log
	seed    maphash.Seed
	ids     []place // by hash of the id: the latest message; the chain goes on from there
	sources []place // by hash of the position in its source
}

// New makes a history of about so many bytes, its indices included. At least two
// chunks of 64 KiB are kept.
func New(bytes int) *History {
	heads := 64
	for heads*2*8*16 <= bytes { // Two indices take an eighth at most.
		heads *= 2
	}
	return &History{
		log: newLog(bytes - 2*8*heads), seed: maphash.MakeSeed(), ids: make([]place, heads), sources: make([]place, heads),
	}
}

// Accepted remembers a message that is being accepted; Owes follows.
func (h *History) Accepted(m *envelope.Message, now time.Time) Ref { return h.add(m, false, now) }

func (h *History) add(m *envelope.Message, late bool, now time.Time) Ref {
	at, bytes := h.log.add(messageSize(m), now.UnixNano())
	r := record(bytes)
	r.putMessage(m, late)
	id, source := &h.ids[h.hash(m.ID)], &h.sources[h.hashPosition(m.Origin.Position)]
	r.setPlace(atSameID, *id)
	r.setPlace(atSameSource, *source)
	*id, *source = at, at
	return Ref{at}
}

// Owes says how many receivers a message has.
func (h *History) Owes(ref Ref, pairs int) {
	if h.log.has(ref.at) {
		record(h.log.at(ref.at)).setCount(atOwed, pairs)
	}
}

// Ended remembers how a receiver's ended; e is not kept, and its At is now's. ref may be forgotten
// or none: the message is looked for then, or remembered anew. The result names it
// from now on.
func (h *History) Ended(ref Ref, m *envelope.Message, e *End, now time.Time) Ref {
	if !h.log.has(ref.at) {
		if ref = h.latest(m.Scope, m.ID); ref.at == 0 {
			ref = h.add(m, true, now)
		}
	}
	r := record(h.log.at(ref.at))
	fate := atFates + 4*int(e.Fate)
	r.setCount(fate, r.count(fate)+1)
	most := failedMax
	if !Failed(e.Fate) {
		if most = RowsMax; r.count(atOwed) > RowsMax {
			return ref
		}
	}
	if rows := r.count(atRows); rows < most {
		r.setCount(atRows, rows+1)
		h.addRow(ref, e, now)
	}
	return ref
}

func (h *History) addRow(ref Ref, e *End, now time.Time) {
	at, bytes := h.log.add(rowBytes+len(cut(e.User))+len(cut(e.Device)), now.UnixNano())
	record(bytes).putRow(e, now.UnixNano())
	if h.log.has(ref.at) { // Else the row has pushed its message out.
		r := record(h.log.at(ref.at))
		record(bytes).setPlace(atRowBefore, r.place(atRow))
		r.setPlace(atRow, at)
	}
}

// latest is the latest message of a scope and id.
func (h *History) latest(scope, id string) Ref {
	for at := h.ids[h.hash(id)]; h.log.has(at); at = record(h.log.at(at)).place(atSameID) {
		if record(h.log.at(at)).names(scope, id) {
			return Ref{at}
		}
	}
	return Ref{}
}

func (h *History) hash(id string) uint64 {
	return maphash.String(h.seed, id) & uint64(len(h.ids)-1)
}

// hashPosition spreads positions: sources count up side by side, so those of equal
// positions share a chain.
func (h *History) hashPosition(n uint64) uint64 { return n & uint64(len(h.sources)-1) }
