package core

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pushcore/pushcore/core/admit"
	"github.com/pushcore/pushcore/core/dispatch"
	"github.com/pushcore/pushcore/core/host"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/sdk"
)

// ingress takes the records of one MQ instance to the dispatcher. They are parsed
// on the plugin's goroutine, so that parsing is spread over its consumers.
type ingress struct {
	index      int          // admission's index of the instance; immutable
	policy     admit.Policy // immutable
	dispatcher *dispatch.Dispatcher
	store      store.Store
	log        *slog.Logger

	refused atomic.Int32 // sources whose records wait for the store

	mu     sync.Mutex // guards stable
	stable map[string]bool
}

var _ host.Ingress = (*ingress)(nil)

// Assigned begins an epoch of a source.
func (i *ingress) Assigned(_ string, s sdk.Source) {
	i.mu.Lock()
	i.stable[s.Name] = s.StablePositions
	i.mu.Unlock()
	i.dispatcher.Assigned(i.index, s.Name, s.Epoch)
}

// Revoked ends it.
func (i *ingress) Revoked(_, source string, epoch uint64) {
	i.dispatcher.Revoked(i.index, source, epoch)
}

// Batch hands over records; it blocks while there is no room for them. When the node
// takes none any more there never will be: then it blocks until the plugin is closed
// or the source revoked, for a plugin that was told no would give the source up,
// and with it what devices still ack.
func (i *ingress) Batch(ctx context.Context, _ string, b sdk.Records) error {
	i.mu.Lock()
	from := admit.From{Source: b.Source, Stable: i.stable[b.Source]}
	i.mu.Unlock()
	now := time.Now()
	parsed := make([]admit.Parsed, len(b.Records))
	for k := range b.Records {
		parsed[k] = admit.Parse(&i.policy, from, &b.Records[k], now)
	}
	if err := i.waitForStore(ctx, b.Source, parsed); err != nil {
		return err
	}
	err := i.dispatcher.Batch(ctx, i.index, b.Source, b.Epoch, parsed)
	if errors.Is(err, dispatch.ErrStopped) {
		<-ctx.Done()
		return ctx.Err()
	}
	return err
}

// waitForStore keeps records, which stay unsettled, while the store could not take
// them: never are they only in memory where they are promised to be stored.
func (i *ingress) waitForStore(ctx context.Context, source string, records []admit.Parsed) error {
	if i.store.Err() == nil || !slices.ContainsFunc(records, wantsStore) {
		return nil
	}
	defer i.refused.Add(-1)
	if i.refused.Add(1) == 1 {
		i.log.Error("input waits: the store takes nothing", "source", source, "error", i.store.Err())
	}
	ticker := time.NewTicker(storeLook)
	defer ticker.Stop()
	for i.store.Err() != nil {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	i.log.Info("input goes on: the store takes messages again", "source", source)
	return nil
}

// storeLook is how often a store that takes nothing is looked at.
const storeLook = 100 * time.Millisecond

// wantsStore says whether a record may need the store: all but fast messages.
func wantsStore(p admit.Parsed) bool {
	return p.Err == nil && (p.Message == nil || p.Message.Class == sdk.Reliable)
}
