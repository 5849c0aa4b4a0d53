package loop

import (
	"context"
	"errors"
	"sync"

	"github.com/pushcore/pushcore/core/envelope"
)

// Set is the loops of a node. Its methods may be called from any goroutine.
type Set struct {
	loops []*Loop // immutable
}

// NewSet makes a loop for each state. Nothing runs before Start.
func NewSet(c Config, states []State, o Outlet) (*Set, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if len(states) == 0 {
		return nil, errors.New("loop: a set needs at least one loop")
	}
	c = c.withDefaults()
	s := &Set{}
	for i, state := range states {
		l, err := newLoop(i, c, state, o)
		if err != nil {
			for _, l := range s.loops {
				l.shut()
			}
			return nil, err
		}
		s.loops = append(s.loops, l)
	}
	s.introduce()
	return s, nil
}

// introduce tells the loops of each other.
func (s *Set) introduce() {
	for _, l := range s.loops {
		l.peers = s.loops
		l.outgoing = make([][]envelope.Input, len(s.loops))
	}
}

// Start runs the loops. It is called once.
func (s *Set) Start() {
	for _, l := range s.loops {
		go l.run()
	}
}

// Stop ends the loops, each when nothing is left in its mailbox, its tasks and
// its outboxes, and waits for them. When ctx ends first they end after their
// turn, and ctx's error is returned. Transports are closed before.
func (s *Set) Stop(ctx context.Context) error {
	errs := make([]error, len(s.loops))
	var wait sync.WaitGroup
	for i, l := range s.loops {
		wait.Go(func() { errs[i] = l.stop(ctx) })
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// Len is the number of loops.
func (s *Set) Len() int { return len(s.loops) }

// Post is the Post of loop i, for the dispatcher.
func (s *Set) Post(i int, batch []envelope.Input) bool { return s.loops[i].Post(batch) }

// Loop returns loop i.
func (s *Set) Loop(i int) *Loop { return s.loops[i] }
