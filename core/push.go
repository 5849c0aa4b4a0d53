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
	"github.com/pushcore/pushcore/sdk"
)

// httpSource is the one source of the HTTP interface; its order is that in which
// requests are taken.
const httpSource = "api"

// pushes brings what comes by HTTP to the dispatcher and waits for what becomes of
// it.
type pushes struct {
	policy     admit.Policy // immutable
	dispatcher batcher
	store      func() error  // why the store takes nothing at present, or nil; immutable
	turn       chan struct{} // holds a token while nobody hands over

	mu      sync.Mutex // guards the rest
	next    uint64
	waiting map[uint64]*waiter // by position
	room    context.Context    // ends when a bound on open records is reached; another one comes with room
	noRoom  context.CancelFunc
}

// batcher is the dispatcher's way in.
type batcher interface {
	Batch(ctx context.Context, instance int, source string, epoch uint64, records []admit.Parsed) error
}

// waiter is one request's wait for its records.
type waiter struct {
	results []admin.PushResult
	first   uint64 // position of the first one
	places  []int  // by position from first: index into results
	left    int    // neither settled nor refused
	done    chan struct{}
}

func newPushes(policy admit.Policy, store func() error) *pushes {
	p := &pushes{policy: policy, store: store, turn: make(chan struct{}, 1), next: 1, waiting: map[uint64]*waiter{}}
	p.resume()
	p.turn <- struct{}{}
	return p
}

// push parses records, hands over the good ones and waits until all are settled.
func (p *pushes) push(ctx context.Context, records []sdk.Record, in admin.Input) []admin.PushResult {
	policy := p.policy
	policy.JSON, policy.Push, policy.Control, policy.Shared = in.JSON, in.Push, in.Control, in.JSON
	w := &waiter{results: make([]admin.PushResult, len(records)), done: make(chan struct{})}
	var good []admit.Parsed
	now, storeErr := time.Now(), p.store()
	for i := range records {
		parsed := admit.Parse(&policy, admit.From{Source: httpSource}, &records[i], now)
		if parsed.Err != nil {
			w.results[i] = refused(parsed.ID, parsed.Err)
			continue
		}
		if storeErr != nil && wantsStore(parsed) {
			w.results[i] = admin.PushResult{ID: parsed.ID, Code: "store_unavailable", Detail: storeErr.Error(), RetryAfter: storeRetry}
			continue
		}
		if parsed.Message != nil {
			parsed.Message.MemorySafe = true
		}
		good = append(good, parsed)
		w.places = append(w.places, i)
	}
	if w.left = len(good); w.left > 0 {
		p.wait(ctx, w, good)
	}
	return w.results
}

// storeRetry is when a caller is to ask again whom the store has refused: it does
// not mend by itself in a moment.
const storeRetry = 5 * time.Second

// handTime is how long a request waits to be taken. Callers are better off with a
// quick no than in a queue whose payloads nobody has counted.
const handTime = time.Second

// wait hands records over and waits for their settlement.
func (p *pushes) wait(ctx context.Context, w *waiter, good []admit.Parsed) {
	if err := p.hand(ctx, w, good); err != nil {
		taken := 0
		var part *dispatch.PartError
		if errors.As(err, &part) {
			taken = part.Taken
		}
		code, detail := batchRefusal(err)
		p.refuseFrom(w, taken, code, detail)
	}
	select {
	case <-w.done:
	case <-ctx.Done():
		p.forget(w)
		p.timedOut(w)
	}
}

// hand hands records over, unless a bound is reached. One request at a time does,
// so that positions grow in the order of the dispatcher.
func (p *pushes) hand(ctx context.Context, w *waiter, good []admit.Parsed) error {
	ctx, cancel := context.WithTimeout(ctx, handTime)
	defer cancel()
	p.mu.Lock()
	room := p.room
	p.mu.Unlock()
	defer context.AfterFunc(room, cancel)()
	select {
	case <-p.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { p.turn <- struct{}{} }()
	if err := room.Err(); err != nil {
		return err
	}
	p.register(w, good)
	return p.dispatcher.Batch(ctx, httpInstance, httpSource, 1, good)
}

// pause and resume say when a bound on open records is reached and when there is
// room again.
func (p *pushes) pause() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.noRoom()
}

func (p *pushes) resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.room, p.noRoom = context.WithCancel(context.Background())
}

func (p *pushes) register(w *waiter, good []admit.Parsed) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.first = p.next
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

// refuseFrom refuses a request's records but the first ones, which were taken and
// will be settled.
func (p *pushes) refuseFrom(w *waiter, taken int, code, detail string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k := taken; k < len(w.places); k++ {
		w.results[w.places[k]] = admin.PushResult{Code: code, Detail: detail, RetryAfter: time.Second}
		if at := w.first + uint64(k); p.waiting[at] == w {
			delete(p.waiting, at)
		}
	}
	if w.left -= len(w.places) - taken; w.left == 0 {
		close(w.done)
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

// safeWord is none where nothing is kept and nobody has acked: fast messages, and
// those that reached nobody or that nobody took.
func safeWord(s *admit.Settled) string {
	switch {
	case s.Class == sdk.Fast:
		return "none"
	case s.How == envelope.HowStored:
		return "stored"
	case s.How == envelope.HowMemory:
		return "memory"
	case s.Acked, s.ID == "": // An operation has no id and nobody to ack it: it is done.
		return "acked"
	default:
		return "none"
	}
}

func refused(id string, err *admit.Error) admin.PushResult {
	detail := err.Detail
	if err.Nearest != "" {
		detail += "; did you mean " + err.Nearest + "?"
	}
	return admin.PushResult{ID: id, Code: err.Reason.String(), Field: err.Field, Detail: detail}
}
