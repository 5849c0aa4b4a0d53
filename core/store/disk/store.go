package disk

import (
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"github.com/pushcore/pushcore/core/store"
)

// Store is the engine.
type Store struct {
	cfg  Config
	wake chan struct{} // Submit, Close → run

	starting sync.Once
	done     chan struct{} // closed when run has returned; nil if it was not started

	changes atomic.Uint64 // see Changes
	census  atomic.Int64  // pairs, as of what was committed
	held    []int         // the same by loop; of the engine's goroutine
	state   state         // why nothing is taken

	mu     sync.Mutex // guards queue and closed
	queue  []store.Op // submitted, not yet taken; bounded by what the shards ask at once
	closed bool

	applying sync.Mutex // guards what follows
	db       *pebble.DB
	lock     *pebble.Lock
	tallied  tallied // as it was opened
	data     *data
	taken    []store.Op // by run: the other queue, emptied
	answers  store.Answers
	failed   map[string]struct{} // users whose operations fail until one has Retry
}

var _ store.Store = (*Store)(nil)

// Start starts the goroutine. More than once is the same as once.
func (s *Store) Start() {
	s.starting.Do(func() {
		s.done = make(chan struct{})
		go s.run()
	})
}

// Durable is true.
func (s *Store) Durable() bool { return true }

// Submit queues operations. It keeps what they refer to, not the slice. After
// Close they are dropped.
func (s *Store) Submit(ops []store.Op) {
	s.mu.Lock()
	if !s.closed {
		s.queue = append(s.queue, ops...)
	}
	s.mu.Unlock()
	s.poke()
}

// Err says why nothing more is taken, or nil: ErrFull, which ends when there is
// space, or what has failed for good.
func (s *Store) Err() error { return s.state.err() }

// Census counts the stored pairs, as of what was committed.
func (s *Store) Census() int { return int(s.census.Load()) }

// Changes counts up before something is applied and again when its answers were
// handed over. While it is even and stays the same, what the census counts is what
// the shards know, but for operations that they wait for.
func (s *Store) Changes() uint64 { return s.changes.Load() }

// HighestOrder is the highest Order that anything was ever put at, so that a
// successor of the process can go on above it.
func (s *Store) HighestOrder() uint64 {
	s.applying.Lock()
	defer s.applying.Unlock()
	return s.data.highest
}

// Close applies and answers what was submitted, ends the goroutine and closes the
// files; it is called once. A write that waits for space fails then. Its error is of no consequence for what was answered.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	close(s.state.closing)
	s.poke()
	if s.done != nil {
		<-s.done
	}
	return s.closeFiles()
}

func (s *Store) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
