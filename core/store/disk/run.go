package disk

import (
	"fmt"
	"time"

	"github.com/pushcore/pushcore/core/store"
)

// run is the engine's goroutine: it applies what is submitted and ends what has
// expired.
func (s *Store) run() {
	defer close(s.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		closed := s.swap()
		for rest := s.taken; len(rest) > 0; {
			rest = rest[s.apply(rest):]
		}
		clear(s.taken)
		s.apply(nil)
		if closed {
			return
		}
		timer.Reset(s.wait())
		select {
		case <-s.wake:
		case <-timer.C:
			s.syncTally()
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

// wait is how long nothing has to be done: until something expires, or space may
// have been made or used up by others.
func (s *Store) wait() time.Duration {
	s.applying.Lock()
	defer s.applying.Unlock()
	next := time.Second
	if end := s.data.nextEnd; s.state.failed() == nil {
		if now := instant(s.cfg.Now()); end <= now {
			next = 0
		} else if left := end - now; left < uint64(next) {
			next = time.Duration(left) //nolint:gosec // Below a second.
		}
	}
	if s.data.tally.dirty {
		next = min(next, tallyEvery)
	}
	return max(next, time.Millisecond)
}

// syncTally syncs the tally, when there is nothing else to do or at last.
func (s *Store) syncTally() {
	if s.state.failed() == nil {
		if err := s.data.tally.sync(); err != nil {
			s.state.fail(err)
		}
	}
}

// apply ends what has expired, then applies a group of operations, commits it and
// answers it.
func (s *Store) apply(ops []store.Op) (applied int) {
	s.changes.Add(1)
	defer s.changes.Add(1)
	s.applying.Lock()
	now := s.cfg.Now()
	s.state.look()
	for more := true; more; { // Each round is answered before what follows may fail.
		more = s.expire(now)
		s.answers.Deliver(s.cfg.Sink, s.held)
	}
	if len(ops) > 0 {
		applied = s.applyGroup(ops, now)
	}
	if s.data.tally.due() {
		s.syncTally()
	}
	s.applying.Unlock()
	s.answers.Deliver(s.cfg.Sink, s.held)
	return applied
}

// expire ends some of what has expired, and says whether there may be more.
func (s *Store) expire(now time.Time) (more bool) {
	d := s.data
	d.now = now
	if s.state.failed() != nil || !d.due() && !d.forgetful() {
		return false
	}
	d.begin(now)
	if d.forgetful() {
		d.forgetIDs()
	}
	err := d.expire(&s.answers)
	if err != nil {
		d.rollback()
		s.state.fail(fmt.Errorf("what has expired cannot be ended: %w", err))
	} else {
		err = s.commit()
	}
	if err != nil {
		s.answers.Drop()
		return false
	}
	return d.due()
}

// applyGroup applies as many operations as a group has. If one of them fails, they
// are applied again one by one, so that nothing of it is done and all of the others.
func (s *Store) applyGroup(ops []store.Op, now time.Time) (applied int) {
	s.data.begin(now)
	bytes := 0
	for i := range ops {
		answered, err := s.applyOne(&ops[i])
		if err != nil {
			s.data.rollback()
			s.answers.Drop()
			return s.applyEach(ops[:i+1], now)
		}
		applied++
		bytes += answered
		if applied == s.cfg.GroupOps || bytes+s.data.batch.Len() >= s.cfg.GroupBytes {
			break
		}
	}
	if err := s.commit(); err != nil {
		s.answers.Drop()
		for i := range ops[:applied] {
			s.refuse(&ops[i], err)
		}
	}
	return applied
}

// applyEach applies operations as groups of one.
func (s *Store) applyEach(ops []store.Op, now time.Time) (applied int) {
	for i := range ops {
		s.answers.Deliver(s.cfg.Sink, s.held)
		s.data.begin(now)
		_, err := s.applyOne(&ops[i])
		if err != nil {
			s.data.rollback()
			s.cfg.Log.Error("the store cannot do what it is asked", "user", ops[i].User, "error", err)
		} else if err = s.commit(); err != nil {
			s.answers.Drop()
		}
		if err != nil {
			s.fail(&ops[i])
			s.refuse(&ops[i], err)
		}
	}
	return len(ops)
}

// commit makes the group durable; if it cannot, nothing is taken any more.
func (s *Store) commit() error {
	if s.state.failed() == nil {
		if err := s.data.commit(); err != nil {
			s.state.fail(err)
		}
	}
	if err := s.state.failed(); err != nil {
		return err
	}
	s.count()
	return nil
}

// applyOne applies an operation, or refuses it. After an error the group has to be
// rolled back. It says how many bytes the answer has.
func (s *Store) applyOne(op *store.Op) (answered int, err error) {
	if err := s.refusal(op); err != nil {
		s.refuse(op, err)
		return 0, nil
	}
	a, err := s.data.apply(op, &s.answers)
	if err != nil {
		return 0, err
	}
	for i := range a.Entries {
		answered += a.Entries[i].Message.Size()
	}
	s.answers.Add(op.Loop, a)
	return answered, nil
}

func (s *Store) refuse(op *store.Op, err error) {
	s.answers.Add(op.Loop, store.Answer{Kind: op.Kind, Token: op.Token, User: op.User, Err: err})
}

// count takes the numbers of pairs as of what is committed.
func (s *Store) count() {
	s.census.Store(int64(s.data.pairs))
	s.held = append(s.held[:0], s.data.held...)
}
