package host

import (
	"sync"

	"github.com/pushcore/pushcore/sdk"
)

// call is one call of an MQ plugin: a tagged union, of which one field is set.
type call struct {
	settle  []sdk.Settlement
	publish []sdk.Outgoing
	pause   string
	resume  string
}

func (c *call) on(p sdk.MQ) {
	switch {
	case c.settle != nil:
		p.Settle(c.settle)
	case c.publish != nil:
		p.Publish(c.publish)
	case c.pause != "":
		p.Pause(c.pause)
	case c.resume != "":
		p.Resume(c.resume)
	}
}

// callQueue holds calls on their way to the goroutine that makes them. It has no
// bound of its own: settlements and pauses are bounded by the open records,
// publishes by Broker.outstandingMax.
type callQueue struct {
	wake chan struct{} // holds one token when there is something to take

	mu     sync.Mutex // guards the rest
	queue  []call
	spare  []call
	closed bool
}

func newCallQueue() callQueue { return callQueue{wake: make(chan struct{}, 1)} }

// put queues a call; publishes that follow each other are joined.
func (q *callQueue) put(c call) {
	q.mu.Lock()
	if n := len(q.queue); n > 0 && c.publish != nil && q.queue[n-1].publish != nil {
		q.queue[n-1].publish = append(q.queue[n-1].publish, c.publish...)
	} else {
		q.queue = append(q.queue, c)
	}
	q.mu.Unlock()
	q.signal()
}

func (q *callQueue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.signal()
}

func (q *callQueue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take waits for calls and returns them in order; false after the last ones. The
// slice is valid until the next take.
func (q *callQueue) take() ([]call, bool) {
	<-q.wake
	q.mu.Lock()
	defer q.mu.Unlock()
	batch := q.queue
	clear(q.spare)
	q.queue, q.spare = q.spare[:0], batch
	return batch, !q.closed
}
