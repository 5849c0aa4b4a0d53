package memory

import (
	"errors"
	"time"

	"github.com/pushcore/pushcore/core/store"
)

// applyMax is how many operations are applied before their answers are handed over.
const applyMax = 256

// run is the engine's goroutine: it applies what is submitted and ends what has
// expired.
func (s *Store) run() {
	defer close(s.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		closed := s.swap()
		for rest := s.taken; len(rest) > 0; {
			n := min(len(rest), applyMax)
			s.apply(rest[:n])
			rest = rest[n:]
		}
		clear(s.taken)
		wait := s.expire()
		if closed {
			return
		}
		timer.Reset(wait)
		select {
		case <-s.wake:
		case <-timer.C:
		}
	}
}

// swap takes what was submitted.
func (s *Store) swap() (closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue, s.taken = s.taken[:0], s.queue
	return s.closed
}

// apply applies operations and answers them.
func (s *Store) apply(ops []store.Op) {
	s.changes.Add(1)
	defer s.changes.Add(1)
	s.applying.Lock()
	now := s.cfg.Now()
	s.data.expire(now, &s.answers)
	for i := range ops {
		s.applyOne(&ops[i])
	}
	s.applying.Unlock()
	s.answers.Deliver(s.cfg.Sink, s.data.held)
}

func (s *Store) applyOne(op *store.Op) {
	if err := s.fails(op); err != nil {
		s.answers.Add(op.Loop, store.Answer{Kind: op.Kind, Token: op.Token, User: op.User, Err: err})
		return
	}
	s.data.apply(op, &s.answers)
}

// errBehind is the failure of an operation behind one that failed.
var errBehind = errors.New("memory: an earlier operation of the user has failed")

// fails says whether an operation is to fail.
func (s *Store) fails(op *store.Op) error {
	if s.cfg.Fail == nil {
		return nil
	}
	ordered := op.Ordered()
	if ordered && op.Retry {
		delete(s.failed, op.User)
	}
	if _, behind := s.failed[op.User]; ordered && behind {
		return errBehind
	}
	err := s.cfg.Fail(op)
	if err != nil && ordered {
		s.failed[op.User] = struct{}{}
	}
	return err
}

// expire ends what has expired and says when the next does.
func (s *Store) expire() (wait time.Duration) {
	const idle = time.Hour
	s.changes.Add(1)
	defer s.changes.Add(1)
	s.applying.Lock()
	now := s.cfg.Now()
	s.data.expire(now, &s.answers)
	wait = idle
	if next := s.data.deadlines.first(); next != nil {
		wait = max(min(next.deadline.Sub(now), idle), time.Millisecond)
	}
	s.applying.Unlock()
	s.answers.Deliver(s.cfg.Sink, s.data.held)
	return wait
}
