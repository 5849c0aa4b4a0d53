// Package pace says when a plugin goes on: after a growing delay when its broker
// fails, and not while its source is paused.
package pace

import (
	"context"
	"math/rand/v2"
	"time"
)

// Backoff is a delay that doubles from Least to Most and is drawn at random below
// that ("full jitter"), so that many nodes do not return to a broker at once. It
// is not safe for concurrent use.
type Backoff struct {
	Least, Most time.Duration
	failures    int
}

// Reset begins anew, after a success.
func (b *Backoff) Reset() { b.failures = 0 }

// Failures is how many delays were drawn since the last success.
func (b *Backoff) Failures() int { return b.failures }

// Next draws the delay after a further failure.
func (b *Backoff) Next() time.Duration {
	bound := b.Most
	if b.failures < 32 && b.Least<<b.failures < b.Most {
		bound = b.Least << b.failures
	}
	b.failures++
	// Never less than a tenth: a run of small draws would be a busy loop.
	return bound/10 + rand.N(bound-bound/10)
}

// Wait waits for the next delay; it returns ctx's error if that ends first.
func (b *Backoff) Wait(ctx context.Context) error { return Sleep(ctx, b.Next()) }

// Sleep waits for d; it returns ctx's error if that ends first.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
