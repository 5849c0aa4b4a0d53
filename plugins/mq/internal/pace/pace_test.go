package pace

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestBackoffGrowsToItsBoundAndBeginsAnew(t *testing.T) {
	b := Backoff{Least: 100 * time.Millisecond, Most: time.Second}
	for i := range 100 {
		bound := time.Second
		if i < 4 {
			bound = 100 * time.Millisecond << i
		}
		if d := b.Next(); d < bound/10 || d >= bound {
			t.Errorf("delay %d is %v, its bound %v", i, d, bound)
		}
	}
	if b.Failures() != 100 {
		t.Errorf("%d failures", b.Failures())
	}
	b.Reset()
	if d := b.Next(); d >= 100*time.Millisecond {
		t.Errorf("the first delay after a success is %v", d)
	}
}

func TestGateHoldsWhileClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Gate
		g.Close()
		g.Close()
		passed := make(chan error, 1)
		go func() { passed <- g.Pass(t.Context()) }()
		synctest.Wait()
		select {
		case <-passed:
			t.Fatal("a closed gate let somebody pass")
		default:
		}
		g.Open()
		if err := <-passed; err != nil {
			t.Error(err)
		}
		g.Close()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := g.Pass(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("passing with an ended context: %v", err)
		}
		g.Open()
		if g.Pass(ctx) == nil {
			t.Error("an open gate let an ended context pass")
		}
	})
}
