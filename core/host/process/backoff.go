package process

import "time"

const (
	backoffFirst = 200 * time.Millisecond
	backoffMost  = 10 * time.Second
	// breakerCrashes within breakerWindow open the breaker: from then on the
	// plugin is started every breakerPause only.
	breakerCrashes = 5
	breakerWindow  = time.Minute
	breakerPause   = 30 * time.Second
)

// backoff says how long to wait before a plugin is started again.
type backoff struct {
	delay   time.Duration
	crashes []time.Time // within breakerWindow
}

// next notes a crash, or a failed start, and returns the delay.
func (b *backoff) next(now time.Time) time.Duration {
	for len(b.crashes) > 0 && now.Sub(b.crashes[0]) > breakerWindow {
		b.crashes = b.crashes[1:]
	}
	if len(b.crashes) == 0 {
		b.delay = 0
	}
	b.crashes = append(b.crashes, now)
	if b.open() {
		return breakerPause
	}
	b.delay = min(max(2*b.delay, backoffFirst), backoffMost)
	return b.delay
}

// open says whether the breaker is.
func (b *backoff) open() bool { return len(b.crashes) >= breakerCrashes }
