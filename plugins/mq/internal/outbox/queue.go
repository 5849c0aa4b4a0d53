// Package outbox holds records on their way to a broker.
package outbox

import (
	"context"
	"sync"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// Timeout is how long a record is tried before it is answered with an error.
const Timeout = 30 * time.Second

// Pending is a record that the host handed over and that is not answered yet.
type Pending struct {
	Record   sdk.Outgoing
	Deadline time.Time
}

// Queue holds pending records in their order. It has no bound of its own: the host
// hands over only so many without an answer. Its methods may be called from any
// goroutine.
type Queue struct {
	wake chan struct{} // capacity 1

	mu     sync.Mutex // guards the following
	items  []Pending
	closed bool
}

// New returns an empty queue.
func New() *Queue { return &Queue{wake: make(chan struct{}, 1)} }

// Put appends a record.
func (q *Queue) Put(p Pending) {
	q.mu.Lock()
	q.items = append(q.items, p)
	q.mu.Unlock()
	q.signal()
}

// Close says that nothing more is put.
func (q *Queue) Close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.signal()
}

func (q *Queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// Wake is ready when something was put since the last Take that found nothing.
func (q *Queue) Wake() <-chan struct{} { return q.wake }

// Take returns all there are at present.
func (q *Queue) Take() (items []Pending, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	items, q.items = q.items, nil
	return items, q.closed
}

// Wait returns all there are and waits for some; none when the queue is closed or
// ctx has ended.
func (q *Queue) Wait(ctx context.Context) []Pending {
	for {
		items, closed := q.Take()
		if len(items) > 0 || closed {
			return items
		}
		select {
		case <-q.wake:
		case <-ctx.Done():
			items, _ = q.Take()
			return items
		}
	}
}
