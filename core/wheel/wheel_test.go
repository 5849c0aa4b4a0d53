package wheel

import (
	"math"
	"slices"
	"testing"
	"time"
)

const tick = 10 * time.Millisecond

func advance(w *Wheel[int], now time.Duration) []int { return w.Advance(now, nil) }

func wantDue(t *testing.T, got []int, want ...int) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("due %v, want %v", got, want)
	}
}

func TestTimerFiresAtItsTickAndNotBefore(t *testing.T) {
	cases := []struct {
		name     string
		at       time.Duration
		quiet    time.Duration // nothing may fire up to here
		firesBy  time.Duration
		startNow time.Duration
	}{
		{"on a tick", 20 * time.Millisecond, 20*time.Millisecond - 1, 20 * time.Millisecond, 0},
		{"just after a tick", 20*time.Millisecond + 1, 30*time.Millisecond - 1, 30 * time.Millisecond, 0},
		{"just before a tick", 30*time.Millisecond - 1, 30*time.Millisecond - 1, 30 * time.Millisecond, 0},
		{"wheel made between ticks", 27 * time.Millisecond, 29 * time.Millisecond, 30 * time.Millisecond, 25 * time.Millisecond},
		{"second level", 7 * time.Second, 7*time.Second - 1, 7 * time.Second, 0},
		{"far", 30 * 24 * time.Hour, 30*24*time.Hour - 1, 30 * 24 * time.Hour, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := New[int](tick, c.startNow)
			w.Set(c.at, 1)
			wantDue(t, advance(w, c.quiet))
			wantDue(t, advance(w, c.firesBy), 1)
			wantDue(t, advance(w, c.firesBy+time.Hour))
			if w.Len() != 0 {
				t.Fatalf("%d timers left", w.Len())
			}
		})
	}
}

func TestPastInstantIsDueAtTheNextAdvance(t *testing.T) {
	w := New[int](tick, time.Second)
	w.Set(time.Second, 1)
	w.Set(-5, 2)
	w.Set(0, 3)
	if next, ok := w.Next(); !ok || next > time.Second {
		t.Fatalf("Next = %v, %v; want at once", next, ok)
	}
	wantDue(t, advance(w, time.Second), 2, 3, 1)
}

func TestDueIsOrderedByInstantThenInsertion(t *testing.T) {
	w := New[int](tick, 0)
	ms := time.Millisecond
	w.Set(700*ms, 5)
	w.Set(29*ms, 3)
	w.Set(21*ms, 1) // the same tick as 29 ms
	w.Set(29*ms, 4)
	moved := w.Set(5*ms, 6)
	w.Set(700*ms, 7)
	w.Move(moved, 700*ms)
	wantDue(t, advance(w, time.Minute), 1, 3, 4, 5, 7, 6)
}

func TestManyOfOneTickKeepTheirOrder(t *testing.T) {
	w := New[int](tick, 0)
	var want []int
	for i := range 300 { // three instants of one tick, a hundred timers each, interleaved
		w.Set(time.Second-time.Duration(i%3), i)
	}
	for instant := 2; instant >= 0; instant-- {
		for i := instant; i < 300; i += 3 {
			want = append(want, i)
		}
	}
	wantDue(t, advance(w, time.Second), want...)
}

func TestEqualInstantsKeepInsertionOrderAcrossLevels(t *testing.T) {
	w := New[int](tick, 0)
	at := 100 * time.Second
	var want []int
	for i := range 36 {
		w.Set(at, i) // each from half the distance, hence from lower and lower levels
		wantDue(t, advance(w, at-at>>i))
		want = append(want, i)
	}
	wantDue(t, advance(w, at), want...)
}

func TestStaleIDsTouchNothing(t *testing.T) {
	w := New[int](tick, 0)
	fired := w.Set(tick, 1)
	cancelled := w.Set(tick, 2)
	if !w.Cancel(cancelled) {
		t.Fatal("Cancel of a set timer reports false")
	}
	wantDue(t, advance(w, tick), 1)
	w.Set(time.Second, 3) // takes over a place
	w.Set(time.Second, 4)
	for _, id := range []ID{0, fired, cancelled, 1 << 40, math.MaxUint64} {
		if w.Cancel(id) || w.Move(id, 0) {
			t.Fatalf("stale id %#x was accepted", uint64(id))
		}
	}
	wantDue(t, advance(w, time.Second), 3, 4)
}

func TestMoveKeepsTheID(t *testing.T) {
	w := New[int](tick, 0)
	id := w.Set(time.Second, 1)
	if !w.Move(id, time.Hour) || !w.Move(id, tick) {
		t.Fatal("Move of a set timer reports false")
	}
	wantDue(t, advance(w, tick), 1)
	if w.Move(id, time.Hour) {
		t.Fatal("Move of a fired timer reports true")
	}
}

func TestTimeDoesNotRunBackwards(t *testing.T) {
	w := New[int](tick, 0)
	advance(w, time.Hour)
	w.Set(time.Hour+tick, 1)
	w.Set(time.Hour, 2)
	wantDue(t, advance(w, 0), 2)
	wantDue(t, advance(w, time.Hour+tick), 1)
}

func TestNeverIsNotReached(t *testing.T) {
	w := New[int](3*time.Nanosecond, 0)
	id := w.Set(math.MaxInt64, 1)
	if next, ok := w.Next(); !ok || next <= 0 {
		t.Fatalf("Next = %v, %v", next, ok)
	}
	wantDue(t, advance(w, math.MaxInt64-3))
	if !w.Cancel(id) {
		t.Fatal("timer is gone")
	}
}

// A poller that sleeps until Next and calls Advance then must not spin.
func TestNextWakesAtMostOncePerLevel(t *testing.T) {
	for _, at := range []time.Duration{tick, 630 * time.Millisecond, time.Minute, 7 * time.Hour, 400 * 24 * time.Hour} {
		w := New[int](tick, 12345*time.Millisecond)
		w.Set(12345*time.Millisecond+at, 1)
		wakes := 0
		for w.Len() > 0 {
			next, ok := w.Next()
			if !ok {
				t.Fatal("Next forgot a timer")
			}
			advance(w, next)
			wakes++
		}
		if wakes > 6 {
			t.Errorf("%v away: %d wake-ups", at, wakes)
		}
	}
}

func TestReturnedValuesAreLetGo(t *testing.T) {
	w := New[*int](tick, 0)
	w.Set(tick, new(int))
	w.Cancel(w.Set(tick, new(int)))
	w.Advance(tick, nil)
	for _, chunk := range w.timers.chunks {
		for i := range chunk {
			if chunk[i].value != nil {
				t.Fatal("the slab holds on to a value that left the wheel")
			}
		}
	}
}

func TestTickMustBePositive(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Fatal("New accepted a tick of 0")
		}
	}()
	New[int](0, 0)
}
