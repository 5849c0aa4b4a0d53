package wheel

import (
	"testing"
	"time"
)

const second = time.Second

// BenchmarkSetCancel is the life of a retry timer whose message is acked.
func BenchmarkSetCancel(b *testing.B) {
	w := filled(100_000)
	b.ReportAllocs()
	for b.Loop() {
		w.Cancel(w.Set(second, 1))
	}
}

// BenchmarkMove is a session whose earliest retry changes.
func BenchmarkMove(b *testing.B) {
	w := filled(100_000)
	id := w.Set(second, 1)
	b.ReportAllocs()
	i := time.Duration(0)
	for b.Loop() {
		i++
		w.Move(id, second+i%1000*tick)
	}
}

// BenchmarkFire is the whole life of a heartbeat timer, 30 s long, among
// 100,000 others: set, carried down the levels, fired. One op is one timer.
func BenchmarkFire(b *testing.B) {
	w := filled(100_000)
	now := time.Duration(0)
	due := make([]int32, 0, 1<<16)
	b.ReportAllocs()
	for fired := 0; fired < b.N; {
		now += tick
		due = w.Advance(now, due[:0])
		for _, v := range due {
			w.Set(now+30*second, v)
		}
		fired += len(due)
	}
}

func filled(n int) *Wheel[int32] {
	w := New[int32](tick, 0)
	for i := range n {
		w.Set(time.Duration(i)*30*second/time.Duration(n), int32(i))
	}
	return w
}

func TestSteadyStateDoesNotAllocate(t *testing.T) {
	w := filled(1000)
	due := make([]int32, 0, 2000)
	now := time.Duration(0)
	turn := func() {
		now += 100 * tick
		due = w.Advance(now, due[:0])
		for _, v := range due {
			id := w.Set(now+20*second, v)
			w.Move(id, now+30*second)
		}
		w.Cancel(w.Set(now+second, 0))
		w.Next()
	}
	for range 100 {
		turn() // the memory for the largest tick
	}
	if n := testing.AllocsPerRun(200, turn); n != 0 {
		t.Fatalf("%v allocations per turn", n)
	}
}
