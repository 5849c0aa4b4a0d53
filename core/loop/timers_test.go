package loop

import (
	"slices"
	"testing"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// alarms collects the timers that ran out and does what a test wants then.
type alarms struct {
	got   []sdk.TimerID
	alarm func(sdk.TimerID)
}

func (a *alarms) Alarm(_ sdk.Loop, id sdk.TimerID) {
	a.got = append(a.got, id)
	if a.alarm != nil {
		a.alarm(id)
	}
}

const tick = 100 * time.Millisecond

func TestTimerRunsOutOnceAndNotBeforeItsTime(t *testing.T) {
	for _, d := range []time.Duration{0, 1, tick, 3 * tick / 2, time.Minute, 25 * time.Hour, -time.Second} {
		timers, a := newTimers(0, tick, 0), &alarms{}
		timers.now = 37 * time.Millisecond
		id := timers.set(d, a)
		due := timers.now + max(d, 0)
		timers.run(due - 1)
		if len(a.got) > 0 && due%tick != 0 {
			t.Errorf("timer of %v ran out before its time", d)
		}
		timers.run(due + tick)
		timers.run(due + time.Hour)
		if !slices.Equal(a.got, []sdk.TimerID{id}) {
			t.Errorf("timer %d of %v: alarms %v", id, d, a.got)
		}
	}
}

func TestCancelSilencesAlsoInTheTurnInWhichTheTimerRunsOut(t *testing.T) {
	timers := newTimers(0, tick, 0)
	var ids []sdk.TimerID
	a := &alarms{alarm: func(sdk.TimerID) {
		for _, id := range ids {
			timers.cancel(id)
		}
	}}
	for range 3 {
		ids = append(ids, timers.set(tick, a))
	}
	timers.run(time.Second)
	if len(a.got) != 1 {
		t.Fatalf("%d alarms, want 1: the first one cancelled all", len(a.got))
	}
}

func TestStaleTimerIDNamesNoOther(t *testing.T) {
	timers, a := newTimers(0, tick, 0), &alarms{}
	old := timers.set(tick, a)
	timers.run(time.Second)
	a.got = nil
	fresh := timers.set(tick, a)
	timers.cancel(old)
	timers.cancel(0)
	timers.cancel(1 << 40)
	timers.run(time.Minute)
	if old == fresh || !slices.Equal(a.got, []sdk.TimerID{fresh}) {
		t.Fatalf("old %d, fresh %d, alarms %v", old, fresh, a.got)
	}
}

func TestAlarmMaySetTheNextTimer(t *testing.T) {
	timers := newTimers(0, tick, 0)
	a := &alarms{}
	a.alarm = func(sdk.TimerID) { timers.set(0, a) }
	timers.set(tick, a)
	for now := tick; now <= 10*tick; now += tick {
		timers.run(now)
	}
	if len(a.got) < 9 || len(a.got) > 10 {
		t.Fatalf("%d alarms in 10 ticks", len(a.got))
	}
}

func TestTimerEndsTheWait(t *testing.T) {
	rung := newSignal()
	a := &alarms{alarm: func(sdk.TimerID) { rung.set() }}
	l := running(t, Config{Tick: time.Millisecond}, nil, &fakeState{}).Loop(0)
	l.call(func() { l.reactor.Timer(5*time.Millisecond, a) })
	rung.wait()
}
