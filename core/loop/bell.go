package loop

import (
	"sync"
	"sync/atomic"
)

// bell wakes a loop that waits in its poller. Ringing costs a system call only
// when the loop sleeps, and then only the first of several ringers pays it.
//
// No wake-up is lost: a producer puts its item, then looks at asleep; the loop
// sets asleep, then looks whether items came (sleep). Both are sequentially
// consistent, so at least one of them sees the other.
type bell struct {
	asleep atomic.Bool

	mu     sync.Mutex // guards closed; held while waking, so that no closed descriptor is written to
	poll   poller
	closed bool
}

// ring wakes the loop if it sleeps. It may be called from any goroutine.
func (b *bell) ring() {
	if !b.asleep.Load() || !b.asleep.CompareAndSwap(true, false) {
		return
	}
	b.mu.Lock()
	if !b.closed {
		b.poll.wake()
	}
	b.mu.Unlock()
}

// close closes the poller; later rings do nothing.
func (b *bell) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return b.poll.close()
}
