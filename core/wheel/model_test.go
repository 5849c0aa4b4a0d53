package wheel

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// slowWheel is the obvious implementation: a list, searched whole each time.
type slowWheel struct {
	tick   time.Duration
	now    time.Duration
	count  int
	timers []slowTimer
}

type slowTimer struct {
	id    ID
	at    time.Duration
	order int
	value int
}

// fires returns the first tick that does not lie before at.
func (s *slowWheel) fires(at time.Duration) time.Duration {
	at = max(at, 0)
	if at%s.tick == 0 {
		return at
	}
	return at - at%s.tick + s.tick
}

func (s *slowWheel) find(id ID) int {
	return slices.IndexFunc(s.timers, func(t slowTimer) bool { return t.id == id })
}

func (s *slowWheel) set(id ID, at time.Duration, v int) {
	s.count++
	s.timers = append(s.timers, slowTimer{id, at, s.count, v})
}

func (s *slowWheel) advance(now time.Duration) []int {
	s.now = max(s.now, now)
	var due, left []slowTimer
	for _, t := range s.timers {
		if s.fires(t.at) <= s.now {
			due = append(due, t)
		} else {
			left = append(left, t)
		}
	}
	s.timers = left
	slices.SortFunc(due, func(a, b slowTimer) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.order, b.order))
	})
	var values []int
	for _, t := range due {
		values = append(values, t.value)
	}
	return values
}

// next returns the exact instant at which the first timer fires.
func (s *slowWheel) next() (time.Duration, bool) {
	first, ok := time.Duration(0), false
	for _, t := range s.timers {
		if at := s.fires(t.at); !ok || at < first {
			first, ok = at, true
		}
	}
	return first, ok
}

func TestWheelAgreesWithASortedList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tick := time.Duration(rapid.SampledFrom([]int{1, 7, 1000, int(time.Millisecond), int(time.Second)}).Draw(t, "tick"))
		now := time.Duration(rapid.Int64Range(0, int64(1000*tick)).Draw(t, "start"))
		w, s := New[int](tick, now), &slowWheel{tick: tick, now: now}
		var ids []ID // every ID ever given, stale ones among them
		distance := rapid.OneOf(
			rapid.Int64Range(-3*int64(tick), 3*int64(tick)),
			rapid.Int64Range(0, 100*int64(tick)),
			rapid.Int64Range(0, 5000*int64(tick)),
			rapid.Int64Range(0, 1<<40*min(int64(tick), 1<<20)),
		)
		anyID := func(t *rapid.T) ID {
			if len(ids) == 0 {
				return ID(rapid.Uint64().Draw(t, "wild id"))
			}
			return rapid.SampledFrom(ids).Draw(t, "id")
		}
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				at := now + time.Duration(distance.Draw(t, "distance"))
				id := w.Set(at, len(ids))
				if s.find(id) >= 0 || slices.Contains(ids, id) {
					t.Fatalf("id %#x was given twice", uint64(id))
				}
				s.set(id, at, len(ids))
				ids = append(ids, id)
			},
			"cancel": func(t *rapid.T) {
				id := anyID(t)
				i := s.find(id)
				if got := w.Cancel(id); got != (i >= 0) {
					t.Fatalf("Cancel = %v, the timer was set: %v", got, i >= 0)
				}
				if i >= 0 {
					s.timers = slices.Delete(s.timers, i, i+1)
				}
			},
			"move": func(t *rapid.T) {
				id, at := anyID(t), now+time.Duration(distance.Draw(t, "distance"))
				i := s.find(id)
				if got := w.Move(id, at); got != (i >= 0) {
					t.Fatalf("Move = %v, the timer was set: %v", got, i >= 0)
				}
				if i >= 0 {
					v := s.timers[i].value
					s.timers = slices.Delete(s.timers, i, i+1)
					s.set(id, at, v)
				}
			},
			"advance": func(t *rapid.T) {
				now += max(0, time.Duration(distance.Draw(t, "distance")))
				checkAdvance(t, w, s, now)
			},
			"advance to next": func(t *rapid.T) {
				next, ok := w.Next()
				if !ok {
					t.Skip("no timer")
				}
				now = max(now, next)
				checkAdvance(t, w, s, now)
				if after, ok := w.Next(); ok && after <= next {
					t.Fatalf("Next stays at %v: a poller would spin", after)
				}
			},
			"": func(t *rapid.T) { checkNext(t, w, s) },
		})
	})
}

func checkAdvance(t *rapid.T, w *Wheel[int], s *slowWheel, now time.Duration) {
	got, want := w.Advance(now, nil), s.advance(now)
	if !slices.Equal(got, want) {
		t.Fatalf("Advance(%v) = %v, want %v", now, got, want)
	}
}

func checkNext(t *rapid.T, w *Wheel[int], s *slowWheel) {
	if w.Len() != len(s.timers) {
		t.Fatalf("Len = %d, want %d", w.Len(), len(s.timers))
	}
	got, ok := w.Next()
	want, wantOK := s.next()
	if ok != wantOK {
		t.Fatalf("Next reports %v with %d timers set", ok, len(s.timers))
	}
	// An instant that has passed stands for "at once".
	if ok && got > max(want, s.now) {
		t.Fatalf("Next = %v, but a timer fires at %v", got, want)
	}
}
