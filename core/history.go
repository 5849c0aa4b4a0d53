package core

import (
	"context"
	"sync"
	"time"

	"github.com/pushcore/pushcore/core/admin"
	"github.com/pushcore/pushcore/core/store"
)

// historyViews reads groups' histories on behalf of operators.
type historyViews struct {
	mu      sync.Mutex // guards what follows
	token   uint64
	waiting map[uint64]chan<- store.Answer
}

// historyPage bounds what is read at once for a count.
const historyPage = 1 << 20 // bytes

// history is what an operator sees of a group's history; nil: its rule has none.
func (r *Runtime) history(ctx context.Context, group string) (*admin.History, error) {
	rule := r.prepared.cfg.Group(group).History
	if rule == nil {
		return nil, nil
	}
	h := &admin.History{}
	var err error
	if h.Position, err = r.dispatcher.HistoryPosition(ctx, group); err != nil {
		return nil, err
	}
	op := store.Op{
		Kind: store.Replay, Loop: store.Dispatcher, Group: group, MaxBytes: historyPage,
		Since: time.Now().Add(-time.Duration(rule.Age)),
	}
	for {
		a, err := r.histories.ask(ctx, r.store, op)
		if err != nil {
			return nil, err
		}
		h.Messages += len(a.Entries)
		if !a.More || len(a.Entries) == 0 {
			return h, nil
		}
		op.Order = a.Entries[len(a.Entries)-1].Order
	}
}

// ask asks the store and waits for its answer.
func (v *historyViews) ask(ctx context.Context, s store.Store, op store.Op) (store.Answer, error) {
	answer := make(chan store.Answer, 1)
	v.mu.Lock()
	v.token++
	op.Token = v.token
	if v.waiting == nil {
		v.waiting = map[uint64]chan<- store.Answer{}
	}
	v.waiting[op.Token] = answer
	v.mu.Unlock()
	s.Submit([]store.Op{op})
	select {
	case a := <-answer:
		return a, a.Err
	case <-ctx.Done():
		v.mu.Lock()
		delete(v.waiting, op.Token)
		v.mu.Unlock()
		return store.Answer{}, ctx.Err()
	}
}

// answered takes those of the store's answers to the dispatcher that are for
// operators, and returns the others.
func (v *historyViews) answered(some []store.Answer) (others []store.Answer) {
	v.mu.Lock()
	defer v.mu.Unlock()
	others = some[:0]
	for _, a := range some {
		if a.Kind != store.Replay {
			others = append(others, a)
			continue
		}
		if to := v.waiting[a.Token]; to != nil {
			delete(v.waiting, a.Token)
			to <- a // It has room for its one answer.
		}
	}
	return others
}
