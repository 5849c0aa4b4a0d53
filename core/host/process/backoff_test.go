package process

import (
	"testing"
	"time"
)

func TestRestartsAreDelayedMoreAndMoreUntilTheBreakerOpens(t *testing.T) {
	const ms = time.Millisecond
	type crash struct {
		up   time.Duration // for how long the plugin was before it; 0: it did not start
		want time.Duration
	}
	times := func(n int, c crash) (list []crash) {
		for range n {
			list = append(list, c)
		}
		return list
	}
	for name, tc := range map[string]struct {
		crashes []crash
		open    bool
	}{
		"one crash":               {[]crash{{time.Hour, 200 * ms}}, false},
		"does not start":          {[]crash{{0, 200 * ms}, {0, 400 * ms}, {0, 800 * ms}, {0, 1600 * ms}, {0, breakerPause}, {0, breakerPause}}, true},
		"up for a moment":         {[]crash{{time.Second, 200 * ms}, {time.Second, 400 * ms}}, false},
		"killed every 5 s":        {append(times(4, crash{5 * time.Second, 200 * ms}), times(3, crash{5 * time.Second, breakerPause})...), true},
		"killed every 20 s":       {times(20, crash{20 * time.Second, 200 * ms}), false},
		"up for a minute closes":  {append(times(6, crash{0, 0}), crash{breakerWindow, 200 * ms}), false},
		"up for less keeps it so": {append(times(6, crash{0, 0}), crash{breakerWindow - time.Second, breakerPause}), true},
	} {
		t.Run(name, func(t *testing.T) {
			var b backoff
			now := time.Unix(1, 0)
			for i, c := range tc.crashes {
				if c.up > 0 {
					b.started(now)
					now = now.Add(c.up)
				}
				got := b.crashed(now)
				if c.want > 0 && got != c.want {
					t.Errorf("crash %d: started again after %v, want %v", i, got, c.want)
				}
				now = now.Add(got)
			}
			if b.open.Load() != tc.open {
				t.Errorf("the breaker is open: %v", !tc.open)
			}
		})
	}
}

func TestDelayIsBounded(t *testing.T) {
	var b backoff
	now := time.Unix(1, 0)
	for range 20 {
		now = now.Add(2 * breakerWindow) // Never five in a minute.
		if got := b.crashed(now); got > backoffMost {
			t.Fatal(got)
		}
	}
	if b.delay != backoffMost || b.open.Load() {
		t.Error(b.delay)
	}
	for range 1000 {
		if got := jitter(time.Second); got < 800*time.Millisecond || got > 1200*time.Millisecond {
			t.Fatal(got)
		}
	}
}

func TestPauseEndsWithClosing(t *testing.T) {
	closing := make(chan struct{})
	close(closing)
	l := newLog()
	var b backoff
	for range breakerCrashes {
		if b.pause(closing, l.logger()) {
			t.Error("it is started again")
		}
	}
	l.await(t, "5 crashes within 1m0s, now it is started every 30s only")
}
