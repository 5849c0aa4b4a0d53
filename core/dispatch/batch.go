package dispatch

import (
	"errors"

	"github.com/pushcore/pushcore/core/admit"
)

// Errors that a batch ends with.
var (
	ErrRevoked = errors.New("dispatch: the source's epoch has ended") // what was not taken is not settled
	ErrStopped = errors.New("dispatch: no records are taken any more")

	errCanceled = errors.New("dispatch: canceled before anything was taken")
)

// PartError ends a batch of which a part was taken: its first Taken records go
// their way, the others were not taken.
type PartError struct {
	Taken int
	Err   error // ErrRevoked or ErrStopped
}

func (e *PartError) Error() string { return e.Err.Error() }
func (e *PartError) Unwrap() error { return e.Err }

// Batch is a number of records of one source on their way in. The dispatcher owns
// it and its records until it is finished.
type Batch struct {
	Instance int
	Source   string
	Epoch    uint64
	Records  []admit.Parsed

	next     int        // the first that is not taken
	answered bool       // Finished was said
	done     chan error // motion's: answers the caller
}

// lane is the batches of one source, in order.
type lane struct {
	source  *admit.Source
	batches []*Batch
}

// Finished says that a batch is taken as a whole, or will be (Err nil), or why not.
// A batch that was canceled when a part of it was taken is finished in two steps:
// its caller is answered, and later the rest is taken.
type Finished struct {
	Batch  *Batch
	Err    error
	Answer bool // the caller is to be told now
	Last   bool // nothing of the batch waits any more
}

// enqueue puts a batch into its lane.
func (s *State) enqueue(b *Batch) {
	src := s.admit.Source(b.Instance, b.Source, b.Epoch)
	switch {
	case s.stopped:
		s.finish(b, ErrStopped)
		return
	case src == nil:
		s.finish(b, ErrRevoked)
		return
	case len(b.Records) == 0:
		s.finish(b, nil)
		return
	}
	for _, l := range s.lanes {
		if l.source == src {
			l.batches = append(l.batches, b)
			return
		}
	}
	s.lanes = append(s.lanes, &lane{source: src, batches: []*Batch{b}})
}

// cancel takes a batch back if nothing of it was taken; else its caller need not
// wait for the rest.
func (s *State) cancel(b *Batch) {
	if b.answered {
		return
	}
	if b.next > 0 {
		b.answered = true
		s.finished = append(s.finished, Finished{Batch: b, Answer: true})
		return
	}
	for _, l := range s.lanes {
		for i, o := range l.batches {
			if o == b {
				l.batches = append(l.batches[:i], l.batches[i+1:]...)
				s.finish(b, errCanceled)
				return
			}
		}
	}
}

// finish ends a batch.
func (s *State) finish(b *Batch, err error) {
	s.finished = append(s.finished, Finished{Batch: b, Err: err, Last: true, Answer: !b.answered})
	b.answered = true
}

// abandon ends all batches of a lane.
func (s *State) abandon(l *lane, err error) {
	for _, b := range l.batches {
		s.finish(b, err)
	}
	l.batches = nil
}

// abandonRevoked ends the batches of sources that are assigned no more.
func (s *State) abandonRevoked() {
	kept := s.lanes[:0]
	for _, l := range s.lanes {
		if l.source.Revoked() {
			s.abandon(l, ErrRevoked)
			continue
		}
		kept = append(kept, l)
	}
	clear(s.lanes[len(kept):])
	s.lanes = kept
}
