package memory

import (
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pushcore/pushcore/core/store"
)

// Config is what an engine needs to know.
type Config struct {
	// Owner gives the loop that owns a user: who is told of pairs whose time ran
	// out, or that another loop's operation removed. Required.
	Owner func(user string) int
	// Sink takes the answers. Required.
	Sink store.Sink
	// Now is the wall clock; default time.Now.
	Now func() time.Time

	// Durable is what Durable says. The product leaves it false: nothing here
	// survives the process.
	Durable bool
	// Manual leaves it to Step to apply operations; there is no goroutine.
	Manual bool
	// Fail, if set, is asked before each operation; an error is its answer and
	// nothing is done.
	Fail func(op *store.Op) error
}

// Store is the engine.
type Store struct {
	cfg  Config
	wake chan struct{} // Submit, Close → run
	done chan struct{} // closed when run has returned; nil if it was not started

	changes atomic.Uint64 // see Changes

	mu     sync.Mutex // guards queue and closed
	queue  []store.Op // submitted, not yet taken; bounded by what the shards ask at once
	closed bool

	applying sync.Mutex // guards what follows
	data     *data
	taken    []store.Op // by run: the other queue, emptied
	answers  store.Answers
	failed   map[string]struct{} // users whose operations fail until one has Retry
}

var _ store.Store = (*Store)(nil)

// Open opens an empty store.
func Open(cfg Config) *Store { return open(cfg, newData(cfg.Owner)) }

func open(cfg Config, d *data) *Store {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Store{cfg: cfg, data: d, wake: make(chan struct{}, 1), failed: map[string]struct{}{}}
	d.durable = cfg.Durable
	return s
}

// Start starts the goroutine, if there is one.
func (s *Store) Start() {
	if !s.cfg.Manual {
		s.done = make(chan struct{})
		go s.run()
	}
}

// Durable says what Config.Durable said.
func (s *Store) Durable() bool { return s.cfg.Durable }

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

// Err is nil: memory always takes more.
func (s *Store) Err() error { return nil }

// Census counts the stored pairs, as of what was applied.
func (s *Store) Census() int {
	s.applying.Lock()
	defer s.applying.Unlock()
	return s.data.pairs
}

// Changes counts up before something is applied and again when its answers were
// handed over. While it is even and stays the same, what the census counts is what
// the shards know, but for operations that they wait for.
func (s *Store) Changes() uint64 { return s.changes.Load() }

// Close applies and answers what was submitted, and ends the goroutine.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.poke()
	if s.done != nil {
		<-s.done
	}
	return nil
}

// Carried yields what the store holds of each user, in no order.
func (s *Store) Carried() iter.Seq[store.Carried] {
	return func(yield func(store.Carried) bool) {
		s.applying.Lock()
		defer s.applying.Unlock()
		for _, u := range s.data.users {
			if !yield(u.carried()) {
				return
			}
		}
	}
}

// CarriedOwed yields the notices that were not told.
func (s *Store) CarriedOwed() iter.Seq[store.Pair] {
	return func(yield func(store.Pair) bool) {
		s.applying.Lock()
		defer s.applying.Unlock()
		s.data.notices.each(yield)
	}
}

// CarriedIDs yields the ids whose time is not over.
func (s *Store) CarriedIDs() iter.Seq[store.Remembered] {
	return func(yield func(store.Remembered) bool) {
		s.applying.Lock()
		defer s.applying.Unlock()
		for _, r := range s.data.ids {
			if r.Until.After(s.cfg.Now()) && !yield(r) {
				return
			}
		}
	}
}

// CarriedGroups yields the positions of groups that have a history.
func (s *Store) CarriedGroups() iter.Seq2[string, uint64] {
	return func(yield func(string, uint64) bool) {
		s.applying.Lock()
		defer s.applying.Unlock()
		for group, h := range s.data.histories {
			if !yield(group, h.position) {
				return
			}
		}
	}
}

// HighestOrder is the highest Order that anything was ever put at, so that a
// successor of the process can go on above it.
func (s *Store) HighestOrder() uint64 {
	s.applying.Lock()
	defer s.applying.Unlock()
	return s.data.highest
}

func (s *Store) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
