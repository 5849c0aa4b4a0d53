package process

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

const (
	backoffFirst = 200 * time.Millisecond
	backoffMost  = 10 * time.Second
	// stableAfter is how long a process has to be up for the delay to begin anew.
	stableAfter = 2 * time.Second
	// breakerCrashes within breakerWindow open the breaker: from then on the
	// plugin is started every breakerPause only, until it was up for breakerWindow.
	breakerCrashes = 5
	breakerWindow  = time.Minute
	breakerPause   = 30 * time.Second
	// jitterShare is by how much a delay varies, so that the plugins of many nodes
	// do not come back to one broker at once.
	jitterShare = 0.2
)

// backoff says how long to wait before a plugin is started again.
type backoff struct {
	delay   time.Duration
	crashes []time.Time // within breakerWindow
	up      time.Time   // since when the plugin is, zero if it is not
	open    atomic.Bool // the breaker is; any goroutine may look
}

// started notes that the plugin is up.
func (b *backoff) started(now time.Time) { b.up = now }

// crashed notes a crash, or a failed start, and returns the delay.
func (b *backoff) crashed(now time.Time) time.Duration {
	if !b.up.IsZero() {
		lasted := now.Sub(b.up)
		if lasted >= stableAfter {
			b.delay = 0
		}
		if lasted >= breakerWindow {
			b.crashes = nil
			b.open.Store(false)
		}
		b.up = time.Time{}
	}
	for len(b.crashes) > 0 && now.Sub(b.crashes[0]) > breakerWindow {
		b.crashes = b.crashes[1:]
	}
	b.crashes = append(b.crashes, now)
	if b.open.Load() || len(b.crashes) >= breakerCrashes {
		b.open.Store(true)
		return breakerPause
	}
	b.delay = min(max(2*b.delay, backoffFirst), backoffMost)
	return b.delay
}

// pause notes a crash, or a failed start, and waits before the next one; false:
// closing was closed meanwhile.
func (b *backoff) pause(closing <-chan struct{}, log *slog.Logger) bool {
	wasOpen := b.open.Load()
	delay := jitter(b.crashed(time.Now()))
	if b.open.Load() && !wasOpen {
		log.Error("the plugin crashes again and again: the node is not ready", "why", breakerText())
	}
	log.Info("the plugin is started again soon", "after", delay.Round(time.Millisecond))
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-closing:
		return false
	case <-timer.C:
		return true
	}
}

// jitter varies a delay.
func jitter(d time.Duration) time.Duration {
	return d + time.Duration((2*rand.Float64()-1)*jitterShare*float64(d))
}

// breakerText says what an open breaker means.
func breakerText() string {
	return fmt.Sprintf("%d crashes within %v, now it is started every %v only", breakerCrashes, breakerWindow, breakerPause)
}
