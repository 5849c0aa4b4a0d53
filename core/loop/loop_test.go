//go:build unix

package loop

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/sdk"
)

func TestTurnRunsInOrder(t *testing.T) {
	var got []string
	trace := func(s string) { got = append(got, s) }
	s := &fakeState{trace: trace}
	s.handle = func(envelope.Input) {
		s.plugin(0).Commands = append(s.plugin(0).Commands, sdk.Command{Kind: sdk.CommandClose})
	}
	s.serve = func(int) bool {
		p := s.plugin(0)
		p.Batch.Items = append(p.Batch.Items, sdk.Item{Conn: 1})
		p.Closing = append(p.Closing, sdk.Command{Kind: sdk.CommandMove})
		p.Commands = append(p.Commands, sdk.Command{Kind: sdk.CommandAccept})
		return false
	}
	l := still(t, Config{}, s, nil)
	plug(l, 0, &fakeTransport{
		command: func(c []sdk.Command) {
			for i := range c {
				trace([]string{sdk.CommandAccept: "accept", sdk.CommandMove: "move", sdk.CommandClose: "close"}[c[i].Kind])
			}
		},
		deliver: func(*sdk.Batch) { trace("deliver") },
		flush:   func() { trace("flush") },
	})
	got = nil
	l.Post([]envelope.Input{&input{}})
	l.Do(taskFunc(func() { trace("task") }))
	l.look()
	want := []string{"begin", "handle", "task", "tick", "close", "serve", "accept", "deliver", "move", "flush", "flushed"}
	if !slices.Equal(got, want) {
		t.Fatalf("turn ran\n  %v, want\n  %v", got, want)
	}
}

func TestEffectsOfEventsAreAppliedAfterTheCallback(t *testing.T) {
	s := &fakeState{}
	s.events = func(plugin int, e []sdk.Event) {
		for range e {
			p := s.plugin(plugin)
			p.Commands = append(p.Commands, sdk.Command{Kind: sdk.CommandUplinkResult})
		}
	}
	var port *Port
	inside, commands := false, 0
	enter := func(f func()) {
		if inside {
			t.Error("the transport was called from inside Emit")
		}
		inside = true
		f()
		inside = false
	}
	emit := func() { port.Emit([]sdk.Event{{Kind: sdk.EventUplink}}) }
	l := still(t, Config{}, s, nil)
	port = plug(l, 0, &fakeTransport{
		command: func(c []sdk.Command) {
			enter(func() {
				for range c {
					if commands++; commands <= 3 {
						emit() // from Command, and from the Command that follows of it
					}
				}
			})
		},
	})
	l.Do(taskFunc(func() { enter(emit) }))
	l.look()
	if commands != 4 || s.reenters {
		t.Fatalf("%d commands, want 4; state re-entered: %v", commands, s.reenters)
	}
}

func TestEventsOfFlushAreServedWithoutWaiting(t *testing.T) {
	s := &fakeState{}
	var port *Port
	emitted := false
	l := still(t, Config{}, s, nil)
	port = plug(l, 0, &fakeTransport{flush: func() {
		if emitted {
			port.Emit([]sdk.Event{{Kind: sdk.EventWritable}})
			emitted = false
		}
	}})
	emitted = true
	l.look()
	if !l.restless {
		t.Fatal("the loop would sleep on what an event of Flush has made servable")
	}
	l.turn()
	if l.restless {
		t.Fatal("the loop does not come to rest")
	}
}

func TestMailboxIsLeftAloneWhileTheOutboxesAreBehind(t *testing.T) {
	const room = 100 // pairs of each message
	waiting, handled := 0, 0
	s := &fakeState{}
	s.handle = func(envelope.Input) {
		handled++
		waiting += room
		s.effects.Reports = append(s.effects.Reports, envelope.Report{Kind: envelope.ReportOwed, Pairs: room})
	}
	s.serve = func(budget int) bool {
		n := min(waiting, budget)
		waiting -= n
		p := s.plugin(0)
		p.Batch.Items = append(p.Batch.Items, make([]sdk.Item, n)...)
		return waiting > 0
	}
	l := still(t, Config{Backlog: 250, Chunk: 50}, s, nil)
	plug(l, 0, &fakeTransport{})
	l.Post(slices.Repeat([]envelope.Input{&input{}}, 10))
	l.look()
	if handled != 3 {
		t.Fatalf("%d messages of %d pairs were taken at once, want 3 for a backlog of 250", handled, room)
	}
	most := 0
	for turns := 0; handled < 10 || waiting > 0; turns++ {
		l.turn()
		most = max(most, waiting)
		if turns > 1000 {
			t.Fatal("the mailbox is not drained")
		}
	}
	if most > 350 {
		t.Fatalf("%d pairs waited, want at most the backlog and one message more", most)
	}
}

func TestBurstToOneDeviceIsServedBeforeMoreIsTaken(t *testing.T) {
	for name, c := range map[string]Config{"messages": {Burst: 3}, "bytes": {BurstBytes: 250}} {
		waiting, most, handled := 0, 0, 0
		s := &fakeState{}
		s.handle = func(envelope.Input) {
			handled++
			waiting++
			most = max(most, waiting)
			s.effects.Reports = append(s.effects.Reports, envelope.Report{Kind: envelope.ReportOwed, Pairs: 1})
		}
		s.serve = func(int) bool {
			p := s.plugin(0)
			p.Batch.Items = append(p.Batch.Items, make([]sdk.Item, waiting)...)
			waiting = 0
			return false
		}
		l := still(t, c, s, nil)
		plug(l, 0, &fakeTransport{})
		l.Post(slices.Repeat([]envelope.Input{&envelope.Deliver{Message: &envelope.Message{Payload: make([]byte, 100)}}}, 10))
		for range 4 {
			l.look()
		}
		if handled != 10 || most != 3 {
			t.Errorf("%s: %d of 10 messages were taken, %d at once; want 3 at once", name, handled, most)
		}
	}
}

func TestPairsThatCannotBeServedDoNotHoldTheMailbox(t *testing.T) {
	handled := 0
	s := &fakeState{}
	s.handle = func(envelope.Input) {
		handled++ // owed to a device that is away: nothing to serve
		s.effects.Reports = append(s.effects.Reports, envelope.Report{Kind: envelope.ReportOwed, Pairs: 10})
	}
	l := still(t, Config{Backlog: 10}, s, nil)
	l.Post(slices.Repeat([]envelope.Input{&input{}}, 5))
	for range 5 {
		l.look()
	}
	if handled != 5 {
		t.Fatalf("%d of 5 inputs were handled", handled)
	}
}

func TestPeersExchangeMessages(t *testing.T) {
	const messages = 1000
	got := make(chan int, messages)
	states := make([]State, 3)
	for i := range states {
		s := &fakeState{}
		s.handle = func(in envelope.Input) {
			if p, ok := in.(*shard.FromPeer); ok {
				got <- 10*p.From + i
				return
			}
			for range messages / 2 {
				s.effects.Peers = append(s.effects.Peers, shard.ToPeer{To: (i + 1) % 3}, shard.ToPeer{To: i})
			}
		}
		states[i] = s
	}
	set := running(t, Config{Mailbox: 4}, nil, states...)
	set.Loop(2).Post([]envelope.Input{&input{}})
	counts := map[int]int{}
	for range messages {
		counts[<-got]++
	}
	if counts[20] != messages/2 || counts[22] != messages/2 {
		t.Fatalf("messages by 10·from+to: %v", counts)
	}
}

func TestShardTimerEndsTheWait(t *testing.T) {
	start := time.Now()
	ticked := make(chan shard.Now, 1)
	s := &fakeState{}
	s.due = func() (time.Duration, bool) { return 20 * time.Millisecond, true }
	s.trace = func(name string) {
		if name == "tick" && s.now.Mono >= 20*time.Millisecond {
			s.due = nil
			select {
			case ticked <- s.now:
			default:
			}
		}
	}
	running(t, Config{Start: start}, nil, s)
	if now := <-ticked; now.Wall.Sub(start) != now.Mono {
		t.Fatalf("wall clock %v and monotonic time %v differ from the start", now.Wall.Sub(start), now.Mono)
	}
}

func TestStopHandlesWhatIsLeft(t *testing.T) {
	served, handled, ran := 0, 0, false
	s := &fakeState{}
	s.handle = func(envelope.Input) { handled++ }
	s.serve = func(int) bool { served++; return served < 10 }
	set := newTestSet(t, Config{Inputs: 3}, []State{s}, nil)
	l := set.Loop(0)
	l.Post(slices.Repeat([]envelope.Input{&input{}}, 100))
	l.Do(taskFunc(func() { ran = true }))
	set.Start()
	if err := set.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	if handled != 100 || served < 10 || !ran {
		t.Fatalf("handled %d of 100 inputs, served %d times, task ran: %v", handled, served, ran)
	}
	if l.Post([]envelope.Input{&input{}}) {
		t.Fatal("a loop that has ended took an input")
	}
}

func TestStopGivesUpWhenItsContextEnds(t *testing.T) {
	s := &fakeState{serve: func(int) bool { return true }}
	set := newTestSet(t, Config{}, []State{s}, nil)
	set.Start()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := set.Stop(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("stop: %v", err)
	}
}

func TestRefusedCPUIsNotFatal(t *testing.T) {
	running(t, Config{CPUs: []int{1023}}, nil, &fakeState{})
}

func TestSteadyStateDoesNotAllocate(t *testing.T) {
	s := &fakeState{}
	s.events = func(plugin int, e []sdk.Event) {
		p := s.plugin(plugin)
		p.Commands = append(p.Commands, sdk.Command{Kind: sdk.CommandUplinkResult})
	}
	s.handle = func(envelope.Input) {
		s.effects.Reports = append(s.effects.Reports, envelope.Report{Kind: envelope.ReportOwed, Pairs: 2})
	}
	s.serve = func(int) bool {
		p := s.plugin(0)
		p.Batch.Items = append(p.Batch.Items, sdk.Item{Conn: 1}, sdk.Item{Conn: 2})
		return true
	}
	o := &discard{}
	l := still(t, Config{}, s, o)
	var port *Port
	events := []sdk.Event{{Kind: sdk.EventAck}}
	port = plug(l, 0, &fakeTransport{deliver: func(*sdk.Batch) {
		if port != nil {
			port.Emit(events)
		}
	}})
	fd := sockets(t)
	reads := 0
	if err := l.reactor.Watch(fd[0], sdk.Readable, watcherFunc(func(sdk.Interest) { reads++ })); err != nil {
		t.Fatal(err)
	}
	write(t, fd[1])
	batch := slices.Repeat([]envelope.Input{&input{}}, 64)
	task, alarm := taskFunc(func() {}), &alarms{}
	turn := func() {
		l.Post(batch)
		l.Do(task)
		l.reactor.Cancel(l.reactor.Timer(time.Second, alarm))
		l.look()
	}
	for range 100 {
		turn()
	}
	if n := testing.AllocsPerRun(1000, turn); n != 0 {
		t.Fatalf("%v allocations a turn", n)
	}
	if reads < 1000 {
		t.Fatalf("%d readinesses", reads)
	}
}

// discard is an outlet that keeps nothing.
type discard struct{ fakeOutlet }

func (*discard) Reports([]envelope.Report) {}
