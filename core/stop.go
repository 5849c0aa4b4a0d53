package core

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/sdk/wire"
)

// Stop ends the node in good order until ctx ends: no records and devices are
// taken any more, what is open is given time to be acked and settled, devices are
// told to connect again, and everything is closed.
func (r *Runtime) Stop(ctx context.Context) error {
	r.ready.Store(false)
	r.dispatcher.StopIngress()
	for _, t := range r.transports {
		t.StopListening()
	}
	r.settle(ctx)
	for i := range r.loops.Len() {
		r.answer(i, &shard.Drain{Code: uint16(wire.CodeDraining)})
	}
	r.until(ctx, func() bool { return r.attached(ctx) == 0 })
	return r.close(ctx)
}

// settleTime is how long the end of a node waits for acks of what is under way.
const settleTime = 2 * time.Second

// settle waits for open records to be settled.
func (r *Runtime) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	r.until(ctx, func() bool {
		stats, err := r.dispatcher.Stats(ctx)
		if err != nil {
			return true
		}
		open := 0
		for _, s := range stats.Instances {
			open += int(s.Open)
		}
		return open == 0
	})
}

func (r *Runtime) attached(ctx context.Context) int {
	answers, err := r.queries.all(ctx, shard.Query{Kind: shard.QueryStats})
	if err != nil {
		return 0
	}
	n := 0
	for _, a := range answers {
		n += a.Stats.Attached
	}
	return n
}

// until looks every few milliseconds whether something has come about.
func (r *Runtime) until(ctx context.Context, done func() bool) {
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for !done() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// closeTime is what closing gets even when ctx has ended.
const closeTime = 5 * time.Second

// close ends all parts, what takes from others before those that it takes from.
func (r *Runtime) close(ctx context.Context) error {
	deadline := time.Now().Add(closeTime)
	if d, ok := ctx.Deadline(); ok && d.After(time.Now().Add(time.Second)) {
		deadline = d
	}
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), deadline)
	defer cancel()
	var errs []error
	for _, l := range r.listeners {
		l.Close(ctx)
	}
	for _, t := range r.transports {
		errs = append(errs, t.Close(deadline))
	}
	for i, b := range r.brokers {
		if err := b.Close(deadline); err != nil {
			errs = append(errs, fmt.Errorf("plugins.%s: %w", r.prepared.mqs[i].name, err))
		}
	}
	r.dispatcher.Close()
	r.auth.Close()
	errs = append(errs, r.store.Close(), r.loops.Stop(ctx))
	return errors.Join(errs...)
}
