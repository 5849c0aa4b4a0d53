package dispatch

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/pushcore/pushcore/core/admit"
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
)

// Config is what a Dispatcher needs.
type Config struct {
	State   StateConfig
	Loops   Loops
	Outside Outside

	// Store takes operations for the store; it must not block or keep the slice.
	// They are answered by Stored. Needed only if StateConfig.History is.
	Store func(ops []store.Op)

	// BatchesMax bounds the batches that wait to be taken, and so the callers of
	// Batch that are served; further ones wait. Default 1,024.
	BatchesMax int

	// Now is the time; default: since NewDispatcher. Mono must be that of
	// StateConfig.Admit's ids if some were recalled.
	Now func() admit.Now
}

const (
	defaultBatchesMax = 1024
	// runRecords is how many records a turn takes before it posts and emits.
	runRecords = 512
	// blockedRetry is when a full mailbox is tried again although nobody told that
	// it has space.
	blockedRetry = 5 * time.Millisecond
)

// Dispatcher moves a State: one goroutine, from Start to Close. Its methods may be
// called from any goroutine.
type Dispatcher struct {
	cfg   Config        // immutable
	slots chan struct{} // one for each batch that waits
	wake  chan struct{} // any goroutine → run: inbox is not empty
	ended chan struct{} // closed when run has returned

	mu     sync.Mutex // guards inbox and closed
	inbox  inbox
	closed bool

	// Everything following is owned by run.
	state   *State
	taken   inbox // the other inbox, emptied
	settled [][]admit.Settled
}

// inbox is what came in since the last turn.
type inbox struct {
	inputs  []Input
	reports []envelope.Report // bounded by what is open and by the groups being joined
	asks    []ask
	places  []placeAsk
}

// NewDispatcher makes a dispatcher; Start starts it. It panics if cfg.State cannot
// be.
func NewDispatcher(cfg Config) *Dispatcher {
	if cfg.BatchesMax == 0 {
		cfg.BatchesMax = defaultBatchesMax
	}
	if cfg.Now == nil {
		begin := time.Now()
		cfg.Now = func() admit.Now {
			wall := time.Now()
			return admit.Now{Mono: wall.Sub(begin), Wall: wall}
		}
	}
	return &Dispatcher{
		cfg:     cfg,
		slots:   make(chan struct{}, cfg.BatchesMax),
		wake:    make(chan struct{}, 1),
		ended:   make(chan struct{}),
		state:   NewState(cfg.State),
		settled: make([][]admit.Settled, len(cfg.State.Admit.Instances)),
	}
}

// State is the state within; to be used before Start only.
func (d *Dispatcher) State() *State { return d.state }

// Start starts the goroutine.
func (d *Dispatcher) Start() { go d.run() }

// StopIngress ends the taking of records: batches that wait, and all later ones,
// are answered ErrStopped. What is open goes on to be settled.
func (d *Dispatcher) StopIngress() { d.put(StopIngress{}) }

// Close stops the goroutine and waits for it. What is open stays unsettled.
func (d *Dispatcher) Close() {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.poke()
	<-d.ended
}

// Assigned begins an epoch of a source, before its first Batch.
func (d *Dispatcher) Assigned(instance int, source string, epoch uint64) {
	d.put(Assigned{instance, source, epoch})
}

// Revoked ends it: nothing of that epoch is settled any more, except what the
// goroutine is just handing over.
func (d *Dispatcher) Revoked(instance int, source string, epoch uint64) {
	d.put(Revoked{instance, source, epoch})
}

// Batch hands over records of a source, in order. It returns nil when all are
// taken or certain to be, unless the epoch ends before. It returns ctx's error when
// ctx ends first: then nothing was taken. Other errors are ErrRevoked and
// ErrStopped, within a PartError if some were taken: the rest was not taken and is
// not settled. The records belong to the
// dispatcher, whatever it returns.
func (d *Dispatcher) Batch(ctx context.Context, instance int, source string, epoch uint64, records []admit.Parsed) error {
	select {
	case d.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	case <-d.ended:
		return ErrStopped
	}
	b := &Batch{Instance: instance, Source: source, Epoch: epoch, Records: records, done: make(chan error, 1)}
	if !d.put(b) {
		<-d.slots
		return ErrStopped
	}
	select {
	case err := <-b.done:
		return b.result(err)
	case <-ctx.Done():
	}
	d.put(Cancel{b})
	err := <-b.done
	if errors.Is(err, errCanceled) {
		return ctx.Err()
	}
	return b.result(err)
}

// result is what the caller of Batch is told, once the dispatcher is done with it.
func (b *Batch) result(err error) error {
	if err != nil && b.next > 0 {
		return &PartError{Taken: b.next, Err: err}
	}
	return err
}

// Report takes reports of a shard; r is the caller's again on return. It never
// blocks.
func (d *Dispatcher) Report(r []envelope.Report) {
	if len(r) == 0 {
		return
	}
	d.mu.Lock()
	d.inbox.reports = append(d.inbox.reports, r...)
	d.mu.Unlock()
	d.poke()
}

// Space says that a mailbox which had refused inputs has space again.
func (d *Dispatcher) Space() { d.poke() }

// Published answers a letter: failed is empty if the broker has it, final says that
// it never will take it.
func (d *Dispatcher) Published(token uint64, failed string, final bool) {
	d.put(Published{token, failed, final})
}

// Stored takes the store's answers to the dispatcher's operations. The slice is the
// dispatcher's.
func (d *Dispatcher) Stored(a []store.Answer) { d.put(Stored{a}) }

// put puts an input in the inbox, unless the dispatcher is closed.
func (d *Dispatcher) put(in Input) bool {
	d.mu.Lock()
	open := !d.closed
	if open {
		d.inbox.inputs = append(d.inbox.inputs, in)
	}
	d.mu.Unlock()
	d.poke()
	return open
}

func (d *Dispatcher) poke() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}
