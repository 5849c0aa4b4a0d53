package wheel

import "math/bits"

const (
	levelBits  = 6
	slotCount  = 1 << levelBits
	slotMask   = slotCount - 1
	levelCount = 11 // 66 bits of ticks: any time.Duration has a place at any tick.
	lateBucket = levelCount * slotCount
)

// bucket is a first-in first-out list of timers, linked through the slab.
type bucket struct {
	first, last int32 // none if empty
}

// firstBucket returns the bucket that holds the first timers and the tick at
// which it begins. The wheel must have an occupied level.
func (w *Wheel[T]) firstBucket() (b int, start uint64) {
	level := bits.TrailingZeros32(w.levels)
	slot := bits.TrailingZeros64(w.occupied[level])
	shift := level * levelBits
	above := w.elapsed >> shift &^ slotMask << shift
	return level<<levelBits | slot, above | uint64(slot)<<shift
}

// link appends a timer to the bucket where it belongs.
func (w *Wheel[T]) link(i int32, t *timer[T]) {
	b := w.bucketOf(w.tickOf(t.at))
	list := &w.buckets[b]
	t.bucket, t.prev, t.next = int32(b), list.last, none
	if list.last == none {
		list.first = i
		w.occupy(b)
	} else {
		w.timers.at(list.last).next = i
	}
	list.last = i
}

// unlink takes a timer out of its bucket.
func (w *Wheel[T]) unlink(t *timer[T]) {
	list := &w.buckets[t.bucket]
	if t.prev == none {
		list.first = t.next
	} else {
		w.timers.at(t.prev).next = t.next
	}
	if t.next == none {
		list.last = t.prev
	} else {
		w.timers.at(t.next).prev = t.prev
	}
	if list.first == none {
		w.vacate(int(t.bucket))
	}
}

func (w *Wheel[T]) bucketOf(tick uint64) int {
	if tick <= w.elapsed {
		return lateBucket
	}
	level := (bits.Len64(tick^w.elapsed) - 1) / levelBits
	return level<<levelBits | int(tick>>(level*levelBits)&slotMask)
}

func (w *Wheel[T]) occupy(b int) {
	if b == lateBucket {
		return
	}
	level := b >> levelBits
	w.occupied[level] |= 1 << (b & slotMask)
	w.levels |= 1 << level
}

func (w *Wheel[T]) vacate(b int) {
	if b == lateBucket {
		return
	}
	level := b >> levelBits
	w.occupied[level] &^= 1 << (b & slotMask)
	if w.occupied[level] == 0 {
		w.levels &^= 1 << level
	}
}
