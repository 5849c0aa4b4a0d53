package host

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// Ingress is where an MQ instance's records go: the dispatcher. Batch blocks
// while there is no room and returns ctx's error if ctx ends first.
type Ingress interface {
	Assigned(instance string, s sdk.Source)
	Revoked(instance, source string, epoch uint64)
	Batch(ctx context.Context, instance string, b sdk.Records) error
}

// Reply takes the result of one publish. It must not block.
type Reply func(sdk.PublishResult)

// Broker runs one MQ instance: it is the plugin's host, and the only caller of
// the plugin, on a goroutine of its own, so that loops and the dispatcher hand
// over what they have and go on.
type Broker struct {
	name   string
	plugin sdk.MQ
	in     Ingress
	log    *slog.Logger

	opened bool // by Open and Close's caller

	calls callQueue     // any goroutine → run
	done  chan struct{} // closed when run has ended

	mu      sync.Mutex // guards replies, nextID, status, lag
	replies map[uint64]Reply
	nextID  uint64
	up      bool
	text    string
	lag     map[string]int64

	outstandingMax int // publishes without a result; beyond it new ones are refused
	outstanding    atomic.Int64
}

var _ sdk.MQHost = (*Broker)(nil)

// NewBroker prepares an instance; Open starts it. outstandingMax bounds the
// publishes that wait for the broker; beyond it they are refused as retryable.
func NewBroker(name string, plugin sdk.MQ, in Ingress, outstandingMax int, log *slog.Logger) *Broker {
	return &Broker{
		name: name, plugin: plugin, in: in, log: log, outstandingMax: outstandingMax,
		calls: newCallQueue(), done: make(chan struct{}),
		replies: map[uint64]Reply{}, lag: map[string]int64{},
	}
}

// Ingress is where the instance's records go.
func (b *Broker) Ingress() Ingress { return b.in }

// Open opens the plugin and starts the goroutine that calls it.
func (b *Broker) Open() error {
	if err := b.plugin.Open(b); err != nil {
		return err
	}
	b.opened = true
	go b.run()
	return nil
}

// closeGrace is how long after the deadline a plugin is still waited for.
const closeGrace = time.Second

// Close hands over what is queued, closes the plugin and refuses all publishes
// that have no result by then. A plugin that does not return in time is left
// behind, with its goroutines: its calls must not overlap, so that one that is
// stuck in a call is not closed either.
func (b *Broker) Close(deadline time.Time) error {
	if !b.opened {
		return nil
	}
	b.calls.close()
	err := b.closePlugin(deadline)
	b.mu.Lock()
	left := b.replies
	b.replies = nil
	b.mu.Unlock()
	for id, reply := range left {
		reply(sdk.PublishResult{ID: id, Error: "the node is stopping"})
	}
	return err
}

func (b *Broker) closePlugin(deadline time.Time) error {
	late := time.NewTimer(time.Until(deadline) + closeGrace)
	defer late.Stop()
	select {
	case <-b.done:
	case <-late.C:
		return errors.New("a call of the plugin has not returned by the deadline; it is left behind")
	}
	closed := make(chan error, 1)
	go func() { closed <- b.plugin.Close(deadline) }()
	select {
	case err := <-closed:
		return err
	case <-late.C:
		return errors.New("Close of the plugin has not returned by the deadline; it is left behind")
	}
}

// run is the one goroutine that calls the plugin after Open.
func (b *Broker) run() {
	defer close(b.done)
	for {
		batch, ok := b.calls.take()
		for i := range batch {
			batch[i].on(b.plugin)
		}
		if !ok {
			return
		}
	}
}

// Settle hands settlements to the plugin. It never blocks; what is queued is
// bounded by the open records.
func (b *Broker) Settle(s []sdk.Settlement) { b.calls.put(call{settle: s}) }

// Pause and Resume stop and start a source.
func (b *Broker) Pause(source string) { b.calls.put(call{pause: source}) }

// Resume starts a source again.
func (b *Broker) Resume(source string) { b.calls.put(call{resume: source}) }

// Publish hands a record to the plugin; reply gets its one result. It never
// blocks; the record belongs to the plugin.
func (b *Broker) Publish(r sdk.Outgoing, reply Reply) {
	if b.outstanding.Add(1) > int64(b.outstandingMax) {
		b.outstanding.Add(-1)
		reply(sdk.PublishResult{Error: "too many publishes wait for " + b.name})
		return
	}
	b.mu.Lock()
	stopped := b.replies == nil
	if !stopped {
		b.nextID++
		r.ID = b.nextID
		b.replies[r.ID] = reply
	}
	b.mu.Unlock()
	if stopped {
		reply(sdk.PublishResult{Error: "the node is stopping"})
		return
	}
	b.calls.put(call{publish: []sdk.Outgoing{r}})
}

// Published is the plugin's answer to publishes. An id without a publish is the
// plugin's fault and ignored.
func (b *Broker) Published(results []sdk.PublishResult) {
	for _, r := range results {
		b.mu.Lock()
		reply := b.replies[r.ID]
		delete(b.replies, r.ID)
		b.mu.Unlock()
		if reply == nil {
			b.log.Warn("the plugin answered a publish that it was not given", "id", r.ID)
			continue
		}
		b.outstanding.Add(-1)
		reply(r)
	}
}

// Assigned begins an epoch of a source.
func (b *Broker) Assigned(s sdk.Source) { b.in.Assigned(b.name, s) }

// Revoked ends an epoch of a source.
func (b *Broker) Revoked(source string, epoch uint64) {
	b.in.Revoked(b.name, source, epoch)
	b.mu.Lock()
	delete(b.lag, source)
	b.mu.Unlock()
}

// Batch hands records to the dispatcher.
func (b *Broker) Batch(ctx context.Context, r sdk.Records) error { return b.in.Batch(ctx, b.name, r) }

// Status keeps whether the broker is reached and logs a change.
func (b *Broker) Status(up bool, text string) {
	b.mu.Lock()
	changed := b.up != up || b.text != text
	b.up, b.text = up, text
	b.mu.Unlock()
	switch {
	case !changed:
	case up:
		b.log.Info("broker reached", "detail", text)
	default:
		b.log.Warn("broker away", "detail", text)
	}
}

// Up says whether the broker is reached, and the last status text.
func (b *Broker) Up() (bool, string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.up, b.text
}

// Lag keeps how many records of a source wait at the broker.
func (b *Broker) Lag(source string, records int64) {
	b.mu.Lock()
	b.lag[source] = records
	b.mu.Unlock()
}

// Lags copies the last known lag of each source.
func (b *Broker) Lags() map[string]int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make(map[string]int64, len(b.lag))
	for s, n := range b.lag {
		out[s] = n
	}
	return out
}

// Log is the instance's logger.
func (b *Broker) Log() *slog.Logger { return b.log }
