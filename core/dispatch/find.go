package dispatch

import (
	"context"

	"github.com/pushcore/pushcore/core/admit"
	"github.com/pushcore/pushcore/core/envelope"
)

// ask is a question from another goroutine; its channel has room for the answer.
type ask struct {
	stats chan<- Stats

	found  chan<- []admit.Brought
	id     string
	origin envelope.Origin
}

var askNothing ask

func (d *Dispatcher) answer(now admit.Now, a *ask) {
	if a.stats != nil {
		a.stats <- d.stats(now)
	}
	if a.found != nil {
		a.found <- d.state.admit.Find(now, a.id, a.origin)
	}
}

// Find returns what admission knows of an id, or of the record of an origin; see
// admit.State.Find. The error is ctx's, or ErrStopped after Close.
func (d *Dispatcher) Find(ctx context.Context, id string, o envelope.Origin) ([]admit.Brought, error) {
	answer := make(chan []admit.Brought, 1)
	d.mu.Lock()
	d.inbox.asks = append(d.inbox.asks, ask{found: answer, id: id, origin: o})
	d.mu.Unlock()
	d.poke()
	select {
	case found := <-answer:
		return found, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-d.ended:
		return nil, ErrStopped
	}
}
