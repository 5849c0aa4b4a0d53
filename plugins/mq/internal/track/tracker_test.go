package track

import (
	"testing"

	"pgregory.net/rapid"
)

// model is the slow, obvious tracker: every position with whether it is settled.
type model struct {
	positions []uint64
	settled   map[uint64]bool
	next      uint64
}

func (m *model) end() uint64 {
	for _, p := range m.positions {
		if !m.settled[p] {
			return p
		}
	}
	return m.next
}

func TestTrackerAgreesWithTheSlowModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.Uint64Range(0, 50).Draw(t, "first")
		tracker, m := New(first), &model{settled: map[uint64]bool{}, next: first}
		t.Repeat(map[string]func(*rapid.T){
			"handed": func(t *rapid.T) {
				for range rapid.IntRange(1, 20).Draw(t, "n") {
					p := m.next + rapid.SampledFrom([]uint64{0, 0, 0, 0, 3}).Draw(t, "gap")
					tracker.Handed(p)
					m.positions, m.next = append(m.positions, p), p+1
				}
			},
			"skip": func(t *rapid.T) {
				to := rapid.Uint64Range(0, m.next+5).Draw(t, "to")
				tracker.Skip(to)
				m.next = max(m.next, to)
			},
			"settle": func(t *rapid.T) {
				p := rapid.Uint64Range(m.next-min(m.next, 30), m.next+2).Draw(t, "position")
				news := false
				for _, known := range m.positions {
					news = news || known == p && !m.settled[p]
				}
				if news {
					m.settled[p] = true
				}
				if got := tracker.Settle(p); got != news {
					t.Fatalf("Settle(%d) = %v, want %v", p, got, news)
				}
			},
			"settle the oldest": func(t *rapid.T) {
				if p := m.end(); p < m.next {
					tracker.Settle(p)
					m.settled[p] = true
				}
			},
			"": func(t *rapid.T) {
				if tracker.End() != m.end() || tracker.Next() != m.next {
					t.Fatalf("end %d, next %d; want %d, %d", tracker.End(), tracker.Next(), m.end(), m.next)
				}
			},
		})
	})
}

func TestTrackerAllocatesNothingInSteadyState(t *testing.T) {
	tracker, next := New(0), uint64(0)
	turn := func() {
		for range 1000 {
			tracker.Handed(next)
			next++
		}
		for p := next - 1000; p < next; p++ {
			tracker.Settle(p ^ 1)
		}
	}
	turn()
	if n := testing.AllocsPerRun(100, turn); n != 0 {
		t.Errorf("%v allocations for a thousand records", n)
	}
}
