package stranger

import "slices"

// acks are the numbers of one session: what came and what of it is acked.
type acks struct {
	floor  uint64   // all up to here that came is acked
	open   []uint64 // came and not acked, ascending
	behind []uint64 // acked behind the first open one, ascending
}

// came notes a number; new ones are above all earlier ones, since the node numbers in order.
func (a *acks) came(seq uint64) {
	if at, is := slices.BinarySearch(a.open, seq); !is && !a.acked(seq) {
		a.open = slices.Insert(a.open, at, seq)
	}
}

func (a *acks) acked(seq uint64) bool {
	_, is := slices.BinarySearch(a.behind, seq)
	return is || seq <= a.floor
}

// ack notes that a number that came is acked.
func (a *acks) ack(seq uint64) {
	if at, is := slices.BinarySearch(a.open, seq); is {
		a.open = slices.Delete(a.open, at, at+1)
		at, _ = slices.BinarySearch(a.behind, seq)
		a.behind = slices.Insert(a.behind, at, seq)
	}
	for len(a.behind) > 0 && (len(a.open) == 0 || a.behind[0] < a.open[0]) {
		a.floor = a.behind[0]
		a.behind = a.behind[1:]
	}
}
