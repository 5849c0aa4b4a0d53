package loop

import (
	"sync"
	"sync/atomic"
	"time"
)

// inbox is a queue from many goroutines to the loop. Batches go in by copying
// under a short lock; the loop takes everything at once by exchanging two slices,
// and it never waits for the lock: if a producer has it, the loop comes back in
// its next turn, which the producer's ring makes happen.
//
// A channel would cost a lock for each item and cannot take a whole batch or a
// part of one; a ring of atomic slots was not taken because items that must never
// be refused (answers, Closed) need a second queue beside it and an order between
// the two.
type inbox[T any] struct {
	bound int    // immutable; 0: none
	bell  *bell  // any goroutine → loop
	room  func() // called by the loop when there is room after a refusal

	length atomic.Int64 // of items; written under mu

	mu      sync.Mutex // guards what follows
	items   []T
	since   time.Time // when the oldest of items came
	refused bool
	closed  bool

	// taken is owned by the loop: what it took and has not handled, from next on.
	taken []T
	next  int
}

func newInbox[T any](bound int, b *bell, room func()) *inbox[T] {
	return &inbox[T]{bound: bound, bell: b, room: room}
}

// put appends a batch and says true, or says false and appends nothing: when
// there is no room for all of it, unless always is set, and after close.
func (q *inbox[T]) put(batch []T, always bool) bool {
	q.mu.Lock()
	if !always && q.bound > 0 && len(q.items)+len(batch) > q.bound {
		q.refused = true
		q.mu.Unlock()
		return false
	}
	if q.closed {
		q.mu.Unlock()
		return false
	}
	q.append(batch)
	q.mu.Unlock()
	q.bell.ring()
	return true
}

// putOne is put for a single item, without a slice for it on the heap.
func (q *inbox[T]) putOne(item T, always bool) bool {
	one := [1]T{item}
	return q.put(one[:], always)
}

// append is called with mu held.
func (q *inbox[T]) append(batch []T) {
	if len(q.items) == 0 {
		q.since = time.Now()
	}
	q.items = append(q.items, batch...)
	q.length.Store(int64(len(q.items)))
}

// empty says whether nothing waits, neither in the queue nor in the loop's hands.
func (q *inbox[T]) empty() bool { return q.next == len(q.taken) && q.length.Load() == 0 }

// more makes sure that the loop has items in its hands and says whether it has.
// The second result is when the oldest of them came, if they were taken just now.
func (q *inbox[T]) more() (bool, time.Time) {
	if q.next < len(q.taken) {
		return true, time.Time{}
	}
	if q.length.Load() == 0 || !q.mu.TryLock() {
		return false, time.Time{}
	}
	since := q.since
	q.taken, q.items, q.next = q.items, q.taken[:0], 0
	q.length.Store(0)
	refused := q.refused
	q.refused = false
	q.mu.Unlock()
	if refused {
		q.room()
	}
	return len(q.taken) > 0, since
}

// take returns the next item; more must have said that there is one.
func (q *inbox[T]) take() T {
	var zero T
	item := q.taken[q.next]
	q.taken[q.next] = zero
	q.next++
	return item
}

// close refuses everything from now on.
func (q *inbox[T]) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
}
