//go:build unix

package loop

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/sdk"
)

func TestFullMailboxTakesNothingAndTellsWhenThereIsRoom(t *testing.T) {
	rooms := make(chan int, 1)
	set := newTestSet(t, Config{Mailbox: 8}, []State{&fakeState{}}, &fakeOutlet{rooms: rooms})
	l := set.Loop(0)
	t.Cleanup(l.shut)
	batch := slices.Repeat([]envelope.Input{&input{}}, 5)
	for i, c := range []struct {
		n    int
		want bool
	}{{5, true}, {4, false}, {3, true}, {1, false}} {
		if taken := set.Post(0, batch[:c.n]); taken != c.want {
			t.Fatalf("post %d of %d inputs was taken: %v, want %v", i, c.n, taken, c.want)
		}
	}
	if len(rooms) > 0 {
		t.Fatal("room is told of before there is any")
	}
	l.look()
	if len(rooms) != 1 || <-rooms != 0 {
		t.Fatal("nobody was told that there is room")
	}
	if !l.Post(batch) {
		t.Fatal("a post was refused after room was told of")
	}
}

func TestAnswersAreTakenByAFullMailboxInOrder(t *testing.T) {
	var got []int
	s := &fakeState{handle: func(in envelope.Input) { got = append(got, in.(*input).number) }}
	l := still(t, Config{Mailbox: 2, Inputs: 3}, s, nil)
	l.Post([]envelope.Input{&input{number: 1}, &input{number: 2}})
	l.Post([]envelope.Input{&input{number: 3}})
	l.PostAnswers([]envelope.Input{&input{number: 4}, &input{number: 5}})
	l.look()
	l.PostAnswers([]envelope.Input{&input{number: 6}})
	l.look()
	l.look()
	if want := []int{1, 2, 4, 5, 6}; !slices.Equal(got, want) {
		t.Fatalf("handled %v, want %v", got, want)
	}
}

// TestManyProducers posts from many goroutines through a small mailbox, each
// waiting for its turn by trying again, while the loop sleeps between. Lost
// wake-ups show as a hang, lost or reordered inputs as an error.
func TestManyProducers(t *testing.T) {
	const producers, each = 16, 2000
	next := make([]int, producers)
	left := producers * each
	done := make(chan struct{})
	s := &fakeState{}
	s.handle = func(in envelope.Input) {
		i := in.(*input)
		if next[i.producer] != i.number {
			t.Errorf("producer %d: input %d came in place of %d", i.producer, i.number, next[i.producer])
		}
		next[i.producer]++
		if left--; left == 0 {
			close(done)
		}
	}
	l := running(t, Config{Mailbox: 64}, nil, s).Loop(0)
	var wait sync.WaitGroup
	for p := range producers {
		wait.Go(func() {
			for n := 0; n < each; {
				batch := make([]envelope.Input, 0, 7)
				for k := n; k < min(n+1+n%7, each); k++ {
					batch = append(batch, &input{producer: p, number: k})
				}
				if l.Post(batch) {
					n += len(batch)
				} else {
					runtime.Gosched()
				}
			}
		})
	}
	wait.Wait()
	<-done
}

// TestNoWakeUpIsLost has the loop fall asleep after each input: a producer posts
// the next one only when it has seen the last one handled.
func TestNoWakeUpIsLost(t *testing.T) {
	for name, make := range pollers {
		t.Run(name, func(t *testing.T) {
			handled := newSignal()
			s := &fakeState{handle: func(envelope.Input) { handled.set() }}
			l := runningOn(t, make, s)
			one := []envelope.Input{&input{}}
			ran := newSignal()
			task := taskFunc(func() { ran.set() })
			for i := range 3000 {
				if i%3 == 0 {
					l.Do(task)
					ran.wait()
					continue
				}
				l.Post(one)
				handled.wait()
			}
		})
	}
}

func TestOneWakeUpForABatchAndNoneForALoopThatIsAwake(t *testing.T) {
	gate := make(chan struct{})
	entered := newSignal()
	s := &fakeState{}
	s.handle = func(in envelope.Input) {
		if in.(*input).number == 1 {
			entered.set()
			<-gate
		}
	}
	var counting *countingPoller
	l := runningOn(t, func(ready int) (poller, error) {
		p, err := newPoller(ready)
		counting = &countingPoller{poller: p, waiting: make(chan struct{}, 100)}
		return counting, err
	}, s)
	for !l.bell.asleep.Load() {
		<-counting.waiting
	}
	l.Post(slices.Repeat([]envelope.Input{&input{number: 2}}, 100))
	l.Post([]envelope.Input{&input{number: 1}})
	entered.wait()
	woken := counting.wakes.Load()
	if woken > 2 {
		t.Fatalf("%d wake-ups for two batches", woken)
	}
	for range 50 {
		l.Post([]envelope.Input{&input{number: 2}})
	}
	if n := counting.wakes.Load(); n != woken {
		t.Fatalf("%d wake-ups of a loop that is awake", n-woken)
	}
	close(gate)
}

type countingPoller struct {
	poller
	wakes   atomic.Int32
	waiting chan struct{}
}

func (p *countingPoller) wake() {
	p.wakes.Add(1)
	p.poller.wake()
}

func (p *countingPoller) wait(timeout time.Duration, ready []readiness) ([]readiness, error) {
	select {
	case p.waiting <- struct{}{}:
	default:
	}
	return p.poller.wait(timeout, ready)
}

func BenchmarkMailbox(b *testing.B) {
	done := make(chan struct{})
	left := 0
	s := &fakeState{}
	s.handle = func(envelope.Input) {
		if left--; left == 0 {
			done <- struct{}{}
		}
	}
	rooms := make(chan int, 1)
	l := running(b, Config{}, &fakeOutlet{rooms: rooms}, s).Loop(0)
	batch := slices.Repeat([]envelope.Input{&input{}}, 64)
	b.ReportAllocs()
	b.ResetTimer()
	l.call(func() { left = b.N })
	for n := b.N; n > 0; {
		if k := min(n, len(batch)); l.Post(batch[:k]) {
			n -= k
		} else {
			<-rooms
		}
	}
	<-done
}

func BenchmarkMailboxPingPong(b *testing.B) {
	handled := newSignal()
	s := &fakeState{handle: func(envelope.Input) { handled.set() }}
	l := running(b, Config{}, nil, s).Loop(0)
	one := []envelope.Input{&input{}}
	b.ReportAllocs()
	for b.Loop() {
		l.Post(one)
		handled.wait()
	}
}

func BenchmarkEmptyTurn(b *testing.B) {
	l := still(b, Config{}, &fakeState{}, nil)
	plug(l, 0, &fakeTransport{})
	b.ReportAllocs()
	for b.Loop() {
		l.look()
	}
}

var _ sdk.Task = taskFunc(nil)
