// Package track keeps which records of a source are settled. Its Tracker is what
// stands between settlements in any order and a broker that is told one position
// up to which all is done.
package track

import "slices"

// Tracker knows the records of one source in one epoch that were handed over.
// It is not safe for concurrent use.
type Tracker struct {
	// The positions from the oldest unsettled one on, each shifted left by one,
	// the lowest bit set when it is settled; what lies before head is past.
	entries []uint64
	head    int
	next    uint64 // the position after the last that was handed over or skipped
}

// New returns a tracker of a source whose first record is at next or later.
func New(next uint64) *Tracker { return &Tracker{next: next} }

// Handed adds a record. Positions grow and are below 2^63.
func (t *Tracker) Handed(position uint64) {
	t.entries = append(t.entries, position<<1)
	t.next = position + 1
}

// Skip says that there is no record from the last one up to, not including, next.
func (t *Tracker) Skip(next uint64) { t.next = max(t.next, next) }

// Settle marks a record and tells whether that is news: an unknown or settled
// position changes nothing.
func (t *Tracker) Settle(position uint64) bool {
	open := t.entries[t.head:]
	i, ok := slices.BinarySearchFunc(open, position, func(entry, position uint64) int {
		switch {
		case entry>>1 < position:
			return -1
		case entry>>1 > position:
			return 1
		}
		return 0
	})
	if !ok || open[i]&1 == 1 {
		return false
	}
	open[i] |= 1
	if i == 0 {
		t.advance()
	}
	return true
}

// End is the position up to which, not including it, all is settled.
func (t *Tracker) End() uint64 {
	if t.head < len(t.entries) {
		return t.entries[t.head] >> 1
	}
	return t.next
}

// Next is the position after the last record handed over or skipped.
func (t *Tracker) Next() uint64 { return t.next }

// Open is how many records stand from the oldest unsettled one to the newest.
func (t *Tracker) Open() int { return len(t.entries) - t.head }

// advance passes the settled records at the head. The space before the head is
// used again when it is half of all, so each entry moves once on average.
func (t *Tracker) advance() {
	for t.head < len(t.entries) && t.entries[t.head]&1 == 1 {
		t.head++
	}
	if t.head*2 >= len(t.entries) {
		n := copy(t.entries, t.entries[t.head:])
		t.entries, t.head = t.entries[:n], 0
	}
}
