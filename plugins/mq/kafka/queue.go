package kafka

import (
	"context"
	"sync"
)

// queue holds records on their way. Its methods may be called from any goroutine.
// It has no bound of its own: see output.
type queue struct {
	wake chan struct{} // capacity 1

	mu     sync.Mutex // guards the following
	items  []pending
	closed bool
}

func newQueue() queue { return queue{wake: make(chan struct{}, 1)} }

func (q *queue) put(p pending) {
	q.mu.Lock()
	q.items = append(q.items, p)
	q.mu.Unlock()
	q.signal()
}

// close says that nothing more is put.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.signal()
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take waits for records and returns all there are; none when the queue is closed
// or ctx has ended.
func (q *queue) take(ctx context.Context) []pending {
	for {
		q.mu.Lock()
		items, closed := q.items, q.closed
		q.items = nil
		q.mu.Unlock()
		if len(items) > 0 || closed {
			return items
		}
		select {
		case <-q.wake:
		case <-ctx.Done():
			q.mu.Lock()
			items, q.items = q.items, nil
			q.mu.Unlock()
			return items
		}
	}
}
