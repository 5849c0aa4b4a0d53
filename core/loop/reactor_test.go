//go:build unix

package loop

import (
	"context"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/sdk"
)

// pollers are all that this system can run.
var pollers = map[string]func(int) (poller, error){
	"native": newPoller,
	"select": newSelectPoller,
}

// stillOn returns a loop on a given poller, whose turns the test calls.
func stillOn(t testing.TB, make func(int) (poller, error), c Config, s State) *Loop {
	t.Helper()
	c.Log = quiet()
	c = c.withDefaults()
	p, err := make(c.Ready)
	if err != nil {
		t.Fatal(err)
	}
	l := newLoopOn(p, 0, c, s, &fakeOutlet{})
	l.peers, l.outgoing = []*Loop{l}, [][]envelope.Input{nil}
	return l
}

func runningOn(t testing.TB, make func(int) (poller, error), s State) *Loop {
	t.Helper()
	l := stillOn(t, make, Config{}, s)
	go l.run()
	t.Cleanup(func() {
		if err := l.stop(context.Background()); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return l
}

// onPollers runs a test on each poller with a still loop.
func onPollers(t *testing.T, f func(t *testing.T, l *Loop, r *reactor)) {
	for name, make := range pollers {
		t.Run(name, func(t *testing.T) {
			l := stillOn(t, make, Config{}, &fakeState{})
			t.Cleanup(l.shut)
			f(t, l, &l.reactor)
		})
	}
}

// sockets returns a connected pair of non-blocking sockets.
func sockets(t testing.TB) [2]int {
	t.Helper()
	fd, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fd {
		if err := unix.SetNonblock(f, true); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Close(f) })
	}
	return fd
}

func write(t testing.TB, fd int) {
	t.Helper()
	if _, err := unix.Write(fd, []byte("x")); err != nil {
		t.Fatal(err)
	}
}

type watcherFunc func(sdk.Interest)

func (f watcherFunc) Ready(_ sdk.Loop, r sdk.Interest) { f(r) }

// record collects readiness.
type record []sdk.Interest

func (r *record) Ready(_ sdk.Loop, i sdk.Interest) { *r = append(*r, i) }

func (r *record) expect(t *testing.T, when string, want ...sdk.Interest) {
	t.Helper()
	if len(*r) != len(want) {
		t.Fatalf("%s: readiness %v, want %v", when, *r, want)
	}
	for i := range want {
		if (*r)[i] != want[i] {
			t.Fatalf("%s: readiness %v, want %v", when, *r, want)
		}
	}
	*r = nil
}

func TestReadinessIsReportedUntilItIsUsedUp(t *testing.T) {
	onPollers(t, func(t *testing.T, l *Loop, r *reactor) {
		fd := sockets(t)
		var got record
		must(t, r.Watch(fd[0], sdk.Readable, &got))
		l.look()
		got.expect(t, "nothing to read")
		write(t, fd[1])
		l.look()
		l.look()
		got.expect(t, "one byte", sdk.Readable, sdk.Readable)
		must(t, r.Rewatch(fd[0], sdk.Readable|sdk.Writable))
		l.look()
		got.expect(t, "both wanted", sdk.Readable|sdk.Writable)
		must(t, r.Rewatch(fd[0], sdk.Writable))
		l.look()
		got.expect(t, "writing wanted", sdk.Writable)
		must(t, r.Rewatch(fd[0], 0))
		l.look()
		got.expect(t, "nothing wanted")
		must(t, r.Rewatch(fd[0], sdk.Readable))
		if _, err := unix.Read(fd[0], make([]byte, 8)); err != nil {
			t.Fatal(err)
		}
		l.look()
		got.expect(t, "all read")
	})
}

func TestHangUpIsReportedOnceToWhoWantsNothing(t *testing.T) {
	onPollers(t, func(t *testing.T, l *Loop, r *reactor) {
		fd := sockets(t)
		var got record
		must(t, r.Watch(fd[0], 0, &got))
		must(t, unix.Shutdown(fd[1], unix.SHUT_RDWR))
		l.look()
		l.look()
		got.expect(t, "hung up", sdk.Readable)
		must(t, r.Rewatch(fd[0], sdk.Readable))
		l.look()
		got.expect(t, "hung up and wanted", sdk.Readable)
		r.Forget(fd[0])
		l.look()
		got.expect(t, "forgotten")
	})
}

func TestNoReadyAfterForgetInTheSameTurn(t *testing.T) {
	onPollers(t, func(t *testing.T, l *Loop, r *reactor) {
		a, b := sockets(t), sockets(t)
		calls := 0
		either := watcherFunc(func(sdk.Interest) {
			calls++
			r.Forget(a[0])
			r.Forget(b[0])
		})
		must(t, r.Watch(a[0], sdk.Readable, either))
		must(t, r.Watch(b[0], sdk.Readable, either))
		write(t, a[1])
		write(t, b[1])
		l.look()
		l.look()
		if calls != 1 {
			t.Fatalf("%d calls, want 1: the first one forgot both", calls)
		}
	})
}

func TestReusedDescriptorDoesNotHearOfItsPredecessor(t *testing.T) {
	onPollers(t, func(t *testing.T, l *Loop, r *reactor) {
		a, b, fresh := sockets(t), sockets(t), sockets(t)
		var successor record
		replaced := false
		either := watcherFunc(func(sdk.Interest) {
			if replaced {
				return
			}
			replaced = true
			for _, fd := range []int{a[0], b[0]} {
				// The number is closed and opened again, as accept would.
				r.Forget(fd)
				must(t, unix.Dup2(fresh[0], fd))
				must(t, r.Watch(fd, sdk.Readable, &successor))
			}
		})
		must(t, r.Watch(a[0], sdk.Readable, either))
		must(t, r.Watch(b[0], sdk.Readable, either))
		write(t, a[1])
		write(t, b[1])
		l.look()
		successor.expect(t, "nothing was written to the new socket")
		write(t, fresh[1])
		l.look()
		successor.expect(t, "both numbers are the new socket", sdk.Readable, sdk.Readable)
	})
}

func TestRewatchInTheSameTurnCounts(t *testing.T) {
	onPollers(t, func(t *testing.T, l *Loop, r *reactor) {
		a, b := sockets(t), sockets(t)
		calls := 0
		either := watcherFunc(func(sdk.Interest) {
			calls++
			must(t, r.Rewatch(a[0], 0)) // as on Pause
			must(t, r.Rewatch(b[0], 0))
		})
		must(t, r.Watch(a[0], sdk.Readable, either))
		must(t, r.Watch(b[0], sdk.Readable, either))
		write(t, a[1])
		write(t, b[1])
		l.look()
		l.look()
		if calls != 1 {
			t.Fatalf("%d calls, want 1: the first one paused both", calls)
		}
	})
}

func TestMoreReadyDescriptorsThanATurnTakesAllHaveTheirTurn(t *testing.T) {
	const many, ready = 50, 8
	for name, make := range pollers {
		t.Run(name, func(t *testing.T) {
			l := stillOn(t, make, Config{Ready: ready}, &fakeState{})
			t.Cleanup(l.shut)
			heard := map[int]bool{}
			for range many {
				fd := sockets(t)
				must(t, l.reactor.Watch(fd[0], sdk.Readable, watcherFunc(func(sdk.Interest) { heard[fd[0]] = true })))
				write(t, fd[1])
			}
			for range many {
				l.look()
			}
			if len(heard) != many {
				t.Fatalf("%d of %d descriptors were heard of", len(heard), many)
			}
		})
	}
}

func TestWatchRefusesWhatCannotBeWatched(t *testing.T) {
	onPollers(t, func(t *testing.T, l *Loop, r *reactor) {
		fd := sockets(t)
		var got record
		if err := r.Watch(-1, sdk.Readable, &got); err == nil {
			t.Error("a negative number was watched")
		}
		if err := r.Rewatch(fd[0], sdk.Readable); err == nil {
			t.Error("what is not watched was watched again")
		}
		must(t, r.Watch(fd[0], sdk.Readable, &got))
		if err := r.Watch(fd[0], sdk.Readable, &got); err == nil {
			t.Error("a descriptor was watched twice")
		}
		r.Forget(fd[0])
		r.Forget(fd[0])
		r.Forget(1 << 20)
	})
}

func TestDescriptorEndsTheWait(t *testing.T) {
	for name, make := range pollers {
		t.Run(name, func(t *testing.T) {
			fd := sockets(t)
			heard := newSignal()
			l := runningOn(t, make, &fakeState{})
			l.call(func() {
				must(t, l.reactor.Watch(fd[0], sdk.Readable, watcherFunc(func(sdk.Interest) {
					l.reactor.Forget(fd[0])
					heard.set()
				})))
			})
			write(t, fd[1])
			heard.wait()
		})
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// BenchmarkPingPong is one byte there and back over a socket pair, echoed on the
// loop: a wake-up by a descriptor, a turn, and the benchmark's own two calls.
func BenchmarkPingPong(b *testing.B) {
	fd := sockets(b)
	l := runningOn(b, newPoller, &fakeState{})
	var buffer [8]byte
	l.call(func() {
		must(b, l.reactor.Watch(fd[0], sdk.Readable, watcherFunc(func(sdk.Interest) {
			n, _ := unix.Read(fd[0], buffer[:])
			_, _ = unix.Write(fd[0], buffer[:n])
		})))
	})
	must(b, unix.SetNonblock(fd[1], false))
	one := []byte("x")
	b.ReportAllocs()
	for b.Loop() {
		_, _ = unix.Write(fd[1], one)
		_, _ = unix.Read(fd[1], one)
	}
	l.call(func() { l.reactor.Forget(fd[0]) })
}

// BenchmarkReady is a turn with 100 ready descriptors.
func BenchmarkReady(b *testing.B) {
	l := stillOn(b, newPoller, Config{}, &fakeState{})
	b.Cleanup(l.shut)
	var got int
	for range 100 {
		fd := sockets(b)
		must(b, l.reactor.Watch(fd[0], sdk.Readable, watcherFunc(func(sdk.Interest) { got++ })))
		write(b, fd[1])
	}
	b.ReportAllocs()
	for b.Loop() {
		l.look()
	}
}
