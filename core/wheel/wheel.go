package wheel

import (
	"cmp"
	"math"
	"slices"
	"time"
)

const maxInstant = time.Duration(math.MaxInt64)

// Wheel is a hierarchical timing wheel that carries a small value per timer.
// T is best a value without pointers, such as an index: the collector then
// skips all timer memory.
//
// A timer never fires before its time and is late by at most one tick, given
// that Advance is called in time. Set, Cancel and Move take constant time.
// Advance costs, over the life of a timer, at most one step per level.
//
// Each level has 64 slots and a slot of level l spans 64^l ticks. A timer lies
// on the level of the highest 6-bit digit in which its tick differs from the
// ticks done, in the slot that this digit names. From that follows all that
// the code relies on:
//
//   - Occupied slots of a level lie strictly ahead of the level's own digit,
//     so a level never wraps around, and the first timers of the wheel are in
//     the lowest occupied slot of the lowest occupied level.
//   - Timers of equal tick are always in one bucket, in the order in which
//     they were set: moving a bucket down a level keeps the order.
//
// Memory is a slab in chunks that grows by what is needed and keeps its peak;
// nothing is allocated while the number of timers stays below it.
type Wheel[T any] struct {
	tick time.Duration // immutable

	// Everything following is owned by the goroutine that uses the wheel.
	elapsed  uint64 // ticks done: all timers up to it have fired or are in lateBucket
	occupied [levelCount]uint64
	levels   uint32 // bit l: occupied[l] is not 0
	buckets  [levelCount*slotCount + 1]bucket
	timers   slab[T]
	ripe     []ripe // Advance's own, kept for its memory
}

// ripe is a timer taken out by Advance, before sorting.
type ripe struct {
	at    time.Duration
	order int32 // orders timers of equal at
	index int32
}

// New returns an empty wheel whose time is now. It panics unless tick is
// positive.
func New[T any](tick, now time.Duration) *Wheel[T] {
	if tick <= 0 {
		panic("wheel: tick must be positive")
	}
	w := &Wheel[T]{tick: tick}
	w.elapsed = w.ticksDone(now)
	for i := range w.buckets {
		w.buckets[i] = bucket{none, none}
	}
	w.timers.free = none
	return w
}

// Len returns the number of timers that are set.
func (w *Wheel[T]) Len() int { return w.timers.used }

// Set adds a timer that is due at the given instant. An instant that has
// passed is due at the next Advance.
func (w *Wheel[T]) Set(at time.Duration, v T) ID {
	i := w.timers.take()
	t := w.timers.at(i)
	t.at, t.value = at, v
	w.link(i, t)
	return newID(i, t.generation)
}

// Cancel removes a timer and reports whether it was still set. An ID whose
// timer has fired or was cancelled is safe to pass, also after its memory
// serves another timer; so is the zero ID.
//
// A value that Advance has returned has left the wheel: Cancel reports false
// for it and cannot stop what its owner does with it.
func (w *Wheel[T]) Cancel(id ID) bool {
	i, t := w.timers.find(id)
	if t == nil {
		return false
	}
	w.unlink(t)
	w.timers.give(i)
	return true
}

// Move changes when a timer is due and reports whether it was still set. The
// ID stays valid. Among timers due at the same instant a moved one counts as
// set just now.
func (w *Wheel[T]) Move(id ID, at time.Duration) bool {
	i, t := w.timers.find(id)
	if t == nil {
		return false
	}
	w.unlink(t)
	t.at = at
	w.link(i, t)
	return true
}

// Next returns an instant to call Advance at so that no timer fires late, and
// false if no timer is set. It lies on a tick, so that timers of one tick cost
// one wake-up, and may have passed.
//
// It is exact for timers less than 64 ticks away and may be early for others:
// Advance then fires nothing, moves them to a lower level, and the following
// Next is later. That happens at most once per level of a timer, which is
// cheaper than to search a bucket of thousands for its first.
func (w *Wheel[T]) Next() (time.Duration, bool) {
	if w.buckets[lateBucket].first != none {
		return w.instant(w.elapsed), true
	}
	if w.levels == 0 {
		return 0, false
	}
	_, start := w.firstBucket()
	return w.instant(start), true
}

// Advance moves the time on to now, removes all timers that are due and
// appends their values to due, ordered by the time they were due at, then by
// the order in which they were set. Jumps of any size are fine; a now before
// an earlier one counts as the earlier one.
func (w *Wheel[T]) Advance(now time.Duration, due []T) []T {
	target := max(w.ticksDone(now), w.elapsed)
	w.ripe = w.ripe[:0]
	w.empty(lateBucket, target)
	for w.elapsed < target {
		if w.levels == 0 {
			w.elapsed = target
			break
		}
		b, start := w.firstBucket()
		if start > target {
			w.elapsed = target
			break
		}
		w.elapsed = start
		w.empty(b, target)
	}
	return w.harvest(due)
}

// empty takes all timers out of a bucket. Those due by target are ripe, the
// others go to the level where they now belong.
func (w *Wheel[T]) empty(b int, target uint64) {
	i := w.buckets[b].first
	w.buckets[b] = bucket{none, none}
	w.vacate(b)
	for i != none {
		t := w.timers.at(i)
		next := t.next
		if w.tickOf(t.at) <= target {
			w.ripe = append(w.ripe, ripe{at: t.at, order: int32(len(w.ripe)), index: i})
		} else {
			w.link(i, t)
		}
		i = next
	}
}

// harvest appends the values of ripe timers in order and frees the timers.
func (w *Wheel[T]) harvest(due []T) []T {
	if len(w.ripe) == 0 {
		return due
	}
	slices.SortFunc(w.ripe, func(a, b ripe) int {
		if a.at != b.at {
			return cmp.Compare(a.at, b.at)
		}
		return cmp.Compare(a.order, b.order)
	})
	for _, r := range w.ripe {
		due = append(due, w.timers.at(r.index).value)
		w.timers.give(r.index)
	}
	return due
}

// tickOf returns the tick at which a timer may fire: the first one that does
// not lie before its time.
func (w *Wheel[T]) tickOf(at time.Duration) uint64 {
	if at <= 0 {
		return 0
	}
	return (uint64(at) + uint64(w.tick) - 1) / uint64(w.tick)
}

func (w *Wheel[T]) ticksDone(now time.Duration) uint64 {
	return uint64(max(now, 0) / w.tick)
}

// instant returns when a tick is, or the last instant there is.
func (w *Wheel[T]) instant(tick uint64) time.Duration {
	if tick > uint64(maxInstant/w.tick) {
		return maxInstant
	}
	return time.Duration(tick) * w.tick
}
