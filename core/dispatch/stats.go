package dispatch

import (
	"context"

	"github.com/pushcore/pushcore/core/admit"
)

// Stats are the dispatcher's numbers, for metrics.
type Stats struct {
	Instances []admit.Stats
	Outbound  []int // by loop: inputs that its mailbox has not taken yet
	Blocked   bool  // no records are taken, because of them
	Waiting   int   // batches whose callers wait
	Groups    int   // groups with members
}

// Stats takes the numbers. The error is ctx's, or ErrStopped after Close.
func (d *Dispatcher) Stats(ctx context.Context) (Stats, error) {
	answer := make(chan Stats, 1)
	d.mu.Lock()
	d.inbox.asks = append(d.inbox.asks, ask{stats: answer})
	d.mu.Unlock()
	d.poke()
	select {
	case stats := <-answer:
		return stats, nil
	case <-ctx.Done():
		return Stats{}, ctx.Err()
	case <-d.ended:
		return Stats{}, ErrStopped
	}
}

// placeAsk asks for the position of a group's history.
type placeAsk struct {
	group  string
	answer chan<- uint64 // has room for it
}

// HistoryPosition is the last position of a group's history; 0: it has none so far.
// The error is ctx's, or ErrStopped after Close.
func (d *Dispatcher) HistoryPosition(ctx context.Context, group string) (uint64, error) {
	answer := make(chan uint64, 1)
	d.mu.Lock()
	d.inbox.places = append(d.inbox.places, placeAsk{group, answer})
	d.mu.Unlock()
	d.poke()
	select {
	case position := <-answer:
		return position, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-d.ended:
		return 0, ErrStopped
	}
}

func (d *Dispatcher) stats(now admit.Now) Stats { return d.state.Stats(now) }

// Stats takes the numbers.
func (s *State) Stats(now admit.Now) Stats {
	stats := Stats{Blocked: s.Blocked(), Groups: s.table.Groups()}
	for i := range s.admit.Instances() {
		stats.Instances = append(stats.Instances, s.admit.Stats(now, i))
	}
	for _, out := range s.out {
		stats.Outbound = append(stats.Outbound, len(out))
	}
	for _, l := range s.lanes {
		stats.Waiting += len(l.batches)
	}
	return stats
}
