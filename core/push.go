package core

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/pushcore/pushcore/core/admin"
	"github.com/pushcore/pushcore/core/admit"
	"github.com/pushcore/pushcore/core/dispatch"
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/sdk"
)

// httpSource is the one source of the HTTP interface; its order is that in which
// requests are taken.
const httpSource = "api"

// pushes brings what comes by HTTP to the dispatcher and waits for what becomes of
// it.
type pushes struct {
	policy     admit.Policy // immutable
	store      store.Store  // immutable
	dispatcher *dispatch.Dispatcher
	turn       chan struct{} // holds a token while nobody hands over

	mu      sync.Mutex // guards next and waiting
	next    uint64
	waiting map[uint64]*waiter // by position
}

// waiter is one request's wait for its records.
type waiter struct {
	results []admin.PushResult
	first   uint64 // position of the first one
	places  []int  // by position from first: index into results
	left    int
	done    chan struct{}
}

func newPushes(policy admit.Policy, s store.Store) *pushes {
	p := &pushes{policy: policy, store: s, turn: make(chan struct{}, 1), next: 1, waiting: map[uint64]*waiter{}}
	p.turn <- struct{}{}
	return p
}

// push parses records, hands over the good ones and waits until all are settled.
func (p *pushes) push(ctx context.Context, records []sdk.Record, in admin.Input) []admin.PushResult {
	policy := p.policy
	policy.JSON, policy.Push, policy.Control, policy.Shared = in.JSON, in.Push, in.Control, in.JSON
	w := &waiter{results: make([]admin.PushResult, len(records)), done: make(chan struct{})}
	var good []admit.Parsed
	now := time.Now()
	for i := range records {
		parsed := admit.Parse(&policy, admit.From{Source: httpSource}, &records[i], now)
		if parsed.Err != nil {
			w.results[i] = refused(parsed.ID, parsed.Err)
			continue
		}
		if err := p.store.Err(); err != nil && wantsStore(parsed) {
			w.results[i] = admin.PushResult{ID: parsed.ID, Code: "store_unavailable", Detail: err.Error(), RetryAfter: storeRetry}
			continue
		}
		if parsed.Message != nil {
			parsed.Message.MemorySafe = true
		}
		good = append(good, parsed)
		w.places = append(w.places, i)
	}
	if len(good) > 0 {
		p.wait(ctx, w, good)
	}
	return w.results
}

// wait hands records over and waits for their settlement. One request at a time
// hands over, so that positions grow in the order of the dispatcher.
func (p *pushes) wait(ctx context.Context, w *waiter, good []admit.Parsed) {
	select {
	case <-p.turn:
	case <-ctx.Done():
		w.refuseAll("overloaded", "the node is busy with earlier requests")
		return
	}
	p.register(w, good)
	err := p.dispatcher.Batch(ctx, httpInstance, httpSource, 1, good)
	p.turn <- struct{}{}
	if err != nil {
		p.forget(w)
		code, detail := batchRefusal(err)
		w.refuseAll(code, detail)
		return
	}
	select {
	case <-w.done:
	case <-ctx.Done():
		p.forget(w)
		p.timedOut(w)
	}
}

// storeRetry is when to try again what the store did not take.
const storeRetry = 5 * time.Second

func (p *pushes) register(w *waiter, good []admit.Parsed) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.first, w.left = p.next, len(good)
	for i := range good {
		good[i].Record.Position = p.next
		if m := good[i].Message; m != nil {
			m.Origin.Position = p.next
		}
		p.waiting[p.next] = w
		p.next++
	}
}

func (p *pushes) forget(w *waiter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range w.places {
		delete(p.waiting, w.first+uint64(i))
	}
}

// settled takes what became of records, on the dispatcher's goroutine.
func (p *pushes) settled(list []admit.Settled) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range list {
		s := &list[i]
		w := p.waiting[s.Position]
		if w == nil {
			continue // Its request has given up waiting.
		}
		delete(p.waiting, s.Position)
		w.results[w.places[s.Position-w.first]] = resultOf(s)
		if w.left--; w.left == 0 {
			close(w.done)
		}
	}
}

// timedOut answers what was not settled in time. What became of it is open: the
// same push-id asks again without pushing twice.
func (p *pushes) timedOut(w *waiter) {
	p.mu.Lock() // settled is done with w now: forget came first.
	defer p.mu.Unlock()
	for _, i := range w.places {
		if w.results[i] == (admin.PushResult{}) {
			w.results[i] = admin.PushResult{Code: "timeout", Detail: "accepted, but not known to be safe yet; push again with the same push-id", RetryAfter: time.Second}
		}
	}
}

func (w *waiter) refuseAll(code, detail string) {
	for _, i := range w.places {
		w.results[i] = admin.PushResult{Code: code, Detail: detail, RetryAfter: time.Second}
	}
}

func batchRefusal(err error) (code, detail string) {
	if errors.Is(err, dispatch.ErrStopped) {
		return "draining", "the node is stopping"
	}
	return "overloaded", "a bound on open records is reached"
}

func resultOf(s *admit.Settled) admin.PushResult {
	if s.Err != nil {
		return refused(s.ID, s.Err)
	}
	return admin.PushResult{ID: s.ID, Safe: safeWord(s)}
}

func safeWord(s *admit.Settled) string {
	switch {
	case s.Class == sdk.Fast:
		return "none"
	case s.How == envelope.HowStored:
		return "stored"
	case s.How == envelope.HowMemory:
		return "memory"
	default:
		return "acked"
	}
}

func refused(id string, err *admit.Error) admin.PushResult {
	detail := err.Detail
	if err.Nearest != "" {
		detail += "; did you mean " + err.Nearest + "?"
	}
	return admin.PushResult{ID: id, Code: err.Reason.String(), Field: err.Field, Detail: detail}
}
