package disk

import (
	"errors"

	"github.com/pushcore/pushcore/core/store"
)

// errBehind is the failure of an operation behind one that failed.
var errBehind = errors.New("store: an earlier operation of the user has failed")

// refusal says why an operation is not done, or nil. What it changes goes back with
// the group.
func (s *Store) refusal(op *store.Op) error {
	if err := s.state.failed(); err != nil {
		return err
	}
	if op.Ordered() && op.Retry {
		s.succeed(op)
	}
	if _, behind := s.failed[op.User]; behind && op.Ordered() {
		return errBehind
	}
	if s.state.full.Load() && grows(op) {
		s.fail(op)
		return ErrFull
	}
	return nil
}

// grows tells whether an operation makes the store larger. That a device is known
// takes next to nothing, and a device that logs in is who takes messages out of the
// store: were it refused, all that its user does behind it would fail.
func grows(op *store.Op) bool {
	switch op.Kind {
	case store.Put:
		return !op.Again
	case store.PutMember, store.Owe, store.Remember, store.Append:
		return true
	}
	return false
}

// fail makes a user's operations fail.
func (s *Store) fail(op *store.Op) {
	if _, failed := s.failed[op.User]; !failed && op.Ordered() {
		s.failed[op.User] = struct{}{}
		s.data.onUndo(func() { delete(s.failed, op.User) })
	}
}

// succeed makes them no longer fail.
func (s *Store) succeed(op *store.Op) {
	if _, failed := s.failed[op.User]; failed {
		delete(s.failed, op.User)
		s.data.onUndo(func() { s.failed[op.User] = struct{}{} })
	}
}
