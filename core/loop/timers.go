package loop

import (
	"time"

	"github.com/pushcore/pushcore/core/wheel"
	"github.com/pushcore/pushcore/sdk"
)

// timers are the transports' timers on a wheel. The wheel carries their ids, so
// that its memory holds no pointers; the alarms are in a table beside it. A timer
// that is cancelled in the turn in which it ran out, before its alarm, is silent.
type timers struct {
	loop  sdk.Loop
	wheel *wheel.Wheel[sdk.TimerID]
	now   time.Duration // of the turn

	slots []timer
	free  int32 // first free slot, or noSlot
	due   []sdk.TimerID
}

// timer is a slot of the table. A TimerID is its generation and its place:
//
//	63        32 31         0
//	[generation] [  place   ]
type timer struct {
	alarm      sdk.Alarm // nil: free
	wheel      wheel.ID
	generation uint32 // never 0 in an id
	next       int32  // while free
}

const noSlot = int32(-1)

func newTimers(l sdk.Loop, tick, now time.Duration) timers {
	return timers{loop: l, wheel: wheel.New[sdk.TimerID](tick, now), now: now, free: noSlot}
}

func (t *timers) set(d time.Duration, a sdk.Alarm) sdk.TimerID {
	if t.free == noSlot {
		t.slots = append(t.slots, timer{next: noSlot})
		t.free = int32(len(t.slots) - 1)
	}
	place := t.free
	s := &t.slots[place]
	t.free = s.next
	if s.generation++; s.generation == 0 {
		s.generation = 1
	}
	id := sdk.TimerID(s.generation)<<32 | sdk.TimerID(uint32(place))
	s.alarm = a
	s.wheel = t.wheel.Set(t.now+max(d, 0), id)
	return id
}

func (t *timers) cancel(id sdk.TimerID) {
	if s := t.find(id); s != nil {
		t.wheel.Cancel(s.wheel)
		t.release(id, s)
	}
}

// run moves the time to now and calls the alarms of the timers that ran out.
func (t *timers) run(now time.Duration) {
	t.now = now
	t.due = t.wheel.Advance(now, t.due[:0])
	for _, id := range t.due {
		if s := t.find(id); s != nil {
			alarm := s.alarm
			t.release(id, s)
			alarm.Alarm(t.loop, id)
		}
	}
}

// find returns the slot of a timer that is set, or nil.
func (t *timers) find(id sdk.TimerID) *timer {
	place := int(uint32(id))
	if place >= len(t.slots) {
		return nil
	}
	s := &t.slots[place]
	if s.alarm == nil || s.generation != uint32(id>>32) {
		return nil
	}
	return s
}

func (t *timers) release(id sdk.TimerID, s *timer) {
	s.alarm = nil
	s.next, t.free = t.free, int32(uint32(id))
}
