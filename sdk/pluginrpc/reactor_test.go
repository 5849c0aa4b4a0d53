//go:build unix

package pluginrpc

import (
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

type watcherFunc func(sdk.Interest)

func (f watcherFunc) Ready(_ sdk.Loop, r sdk.Interest) { f(r) }

// still returns a reactor whose turns the test makes: look waits for nothing.
func still(t *testing.T) (r *reactor, look func()) {
	t.Helper()
	r, err := newReactor(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { must(t, r.poll.close()) })
	return r, func() {
		t.Helper()
		r.poll.wake()
		must(t, r.wait())
		r.turn()
	}
}

func TestReadinessFollowsTheInterest(t *testing.T) {
	r, look := still(t)
	fd := sockets(t)
	var got []sdk.Interest
	must(t, r.Watch(fd[0], sdk.Readable, watcherFunc(func(i sdk.Interest) { got = append(got, i) })))
	if err := r.Watch(fd[0], sdk.Readable, watcherFunc(nil)); err == nil {
		t.Error("a descriptor was watched twice")
	}
	expect := func(when string, want ...sdk.Interest) {
		t.Helper()
		look()
		if !slices.Equal(got, want) {
			t.Fatalf("%s: readiness %v, want %v", when, got, want)
		}
		got = nil
	}
	expect("nothing to read")
	if _, err := syscall.Write(fd[1], []byte("x")); err != nil {
		t.Fatal(err)
	}
	expect("one byte", sdk.Readable)
	expect("still one byte", sdk.Readable)
	must(t, r.Rewatch(fd[0], sdk.Writable))
	expect("writing wanted", sdk.Writable)
	must(t, r.Rewatch(fd[0], 0))
	expect("nothing wanted")
	must(t, syscall.Shutdown(fd[1], syscall.SHUT_RDWR))
	expect("hung up", sdk.Readable)
	expect("hung up, told before")
	r.Forget(fd[0])
	r.Forget(fd[0])
	expect("forgotten")
	if err := r.Rewatch(fd[0], sdk.Readable); err == nil {
		t.Error("what is not watched was watched again")
	}
}

func TestForgetSilencesInTheSameTurn(t *testing.T) {
	r, look := still(t)
	a, b := sockets(t), sockets(t)
	calls, successor := 0, 0
	either := watcherFunc(func(sdk.Interest) {
		calls++
		for _, fd := range []int{a[0], b[0]} { // As if both numbers were closed and used anew.
			r.Forget(fd)
			must(t, r.Watch(fd, sdk.Readable, watcherFunc(func(sdk.Interest) { successor++ })))
		}
	})
	must(t, r.Watch(a[0], sdk.Readable, either))
	must(t, r.Watch(b[0], sdk.Readable, either))
	for _, fd := range []int{a[1], b[1]} {
		if _, err := syscall.Write(fd, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	look()
	if calls != 1 || successor != 0 {
		t.Fatalf("%d calls, want 1; %d of the successors, want 0", calls, successor)
	}
	look()
	if calls != 1 || successor != 2 {
		t.Fatalf("next turn: %d calls, want 1; %d of the successors, want 2", calls, successor)
	}
}

// alarms collects the timers that ran out.
type alarms struct {
	got  []sdk.TimerID
	then func()
}

func (a *alarms) Alarm(_ sdk.Loop, id sdk.TimerID) {
	a.got = append(a.got, id)
	if a.then != nil {
		a.then()
	}
}

func TestTimersRunOutInOrderUnlessCancelled(t *testing.T) {
	r, _ := still(t)
	a := &alarms{}
	second := r.Timer(2*time.Second, a)
	first := r.Timer(time.Second, a)
	never := r.Timer(time.Second, a)
	late := r.Timer(time.Hour, a)
	r.Cancel(never)
	r.Cancel(never)
	r.Cancel(0)
	start := r.now
	r.now = start.Add(time.Second - 1)
	r.turn()
	if len(a.got) != 0 {
		t.Fatal("a timer ran out before its time")
	}
	r.now = start.Add(time.Minute)
	a.then = func() { r.Cancel(late) }
	r.turn()
	r.now = start.Add(2 * time.Hour)
	r.turn()
	if want := []sdk.TimerID{first, second}; !slices.Equal(a.got, want) {
		t.Fatalf("alarms %v, want %v", a.got, want)
	}
}

func TestTimerEndsTheWait(t *testing.T) {
	r, _ := still(t)
	a := &alarms{}
	r.Timer(5*time.Millisecond, a)
	for len(a.got) == 0 {
		must(t, r.wait())
		r.turn()
	}
}
