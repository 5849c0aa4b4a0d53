package loop

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/sdk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeState is a shard of which a test says what it wants. Its functions run on
// the loop.
type fakeState struct {
	trace    func(string)
	handle   func(envelope.Input)
	events   func(plugin int, e []sdk.Event)
	serve    func(budget int) bool
	due      func() (time.Duration, bool)
	effects  shard.Effects
	inside   bool // in one of the calls
	reenters bool // one was called inside another
	now      shard.Now
}

var _ State = (*fakeState)(nil)

func (s *fakeState) call(name string, f func()) {
	if s.inside {
		s.reenters = true
	}
	s.inside = true
	if s.trace != nil {
		s.trace(name)
	}
	if f != nil {
		f()
	}
	s.inside = false
}

func (s *fakeState) Begin(now shard.Now) { s.call("begin", func() { s.now = now }) }

func (s *fakeState) Handle(in envelope.Input) {
	s.call("handle", func() {
		if s.handle != nil {
			s.handle(in)
		}
	})
}

func (s *fakeState) Events(plugin int, e []sdk.Event) {
	s.call("events", func() {
		if s.events != nil {
			s.events(plugin, e)
		}
	})
}

func (s *fakeState) Tick() { s.call("tick", nil) }

func (s *fakeState) NextDue() (time.Duration, bool) {
	if s.due == nil {
		return 0, false
	}
	return s.due()
}

func (s *fakeState) Serve(budget int) (more bool) {
	s.call("serve", func() { more = s.serve != nil && s.serve(budget) })
	return more
}

func (s *fakeState) Flushed() { s.call("flushed", nil) }

func (s *fakeState) Rejoin(plugin int, conns []shard.Rejoined) {
	s.call(fmt.Sprintf("rejoin %d: %d", plugin, len(conns)), nil)
}

func (s *fakeState) Block(plugin int, blocked bool) {
	s.call(fmt.Sprintf("block %d: %v", plugin, blocked), nil)
}

func (s *fakeState) Written(plugin int, batches uint64) {
	s.call(fmt.Sprintf("written %d: %d", plugin, batches), nil)
}

func (s *fakeState) Leaving(int) []shard.Leaving { return nil }

func (s *fakeState) Rename(plugin int, names []shard.Renamed) {
	s.call(fmt.Sprintf("rename %d: %d", plugin, len(names)), nil)
}

func (s *fakeState) Effects() *shard.Effects { return &s.effects }

func (s *fakeState) Reset() {
	e := &s.effects
	for i := range e.Plugins {
		p := &e.Plugins[i]
		p.Commands, p.Closing = p.Commands[:0], p.Closing[:0]
		p.Batch.Messages, p.Batch.Items = p.Batch.Messages[:0], p.Batch.Items[:0]
	}
	e.Peers, e.Reports, e.Store, e.Auth = e.Peers[:0], e.Reports[:0], e.Store[:0], e.Auth[:0]
	e.Publish, e.Answers = e.Publish[:0], e.Answers[:0]
}

// plugin returns the effects of a transport, making room for them.
func (s *fakeState) plugin(i int) *shard.PluginEffects {
	for i >= len(s.effects.Plugins) {
		s.effects.Plugins = append(s.effects.Plugins, shard.PluginEffects{})
	}
	return &s.effects.Plugins[i]
}

// fakeOutlet counts what leaves.
type fakeOutlet struct {
	mu      sync.Mutex
	reports []envelope.Report
	calls   int
	rooms   chan int // capacity 1; nil: nobody asks
}

func (o *fakeOutlet) Room(loop int) {
	select {
	case o.rooms <- loop:
	default:
	}
}

func (o *fakeOutlet) Reports(r []envelope.Report) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.reports = append(o.reports, r...)
	o.calls++
}
func (o *fakeOutlet) Store([]store.Op)         { o.count() }
func (o *fakeOutlet) Auth([]shard.AuthRequest) { o.count() }
func (o *fakeOutlet) Fates([]shard.Fate)       { o.count() }
func (o *fakeOutlet) Publish([]shard.Publish)  { o.count() }
func (o *fakeOutlet) Answers([]shard.Answer)   { o.count() }
func (o *fakeOutlet) count() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.calls++
}

// fakeTransport calls what a test gives it.
type fakeTransport struct {
	sdk.Transport // the methods that a loop does not call
	command       func(c []sdk.Command)
	deliver       func(b *sdk.Batch)
	flush         func()
}

func (t *fakeTransport) Command(_ sdk.Loop, c []sdk.Command) {
	if t.command != nil {
		t.command(c)
	}
}

func (t *fakeTransport) Deliver(_ sdk.Loop, b *sdk.Batch) {
	if t.deliver != nil {
		t.deliver(b)
	}
}

func (t *fakeTransport) Flush(sdk.Loop) {
	if t.flush != nil {
		t.flush()
	}
}

// input is a mailbox input that carries a number.
type input struct {
	*shard.Drain
	producer, number int
}

// taskFunc is a task of a test.
type taskFunc func()

func (f taskFunc) Run(sdk.Loop) { f() }

func newSignal() signal { return make(signal, 1) }

// signal is set by the loop and waited for by a test.
type signal chan struct{}

func (s signal) set()  { s <- struct{}{} }
func (s signal) wait() { <-s }

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// still returns a loop that does not run: the test calls its turns.
func still(t testing.TB, c Config, s State, o Outlet) *Loop {
	t.Helper()
	set := newTestSet(t, c, []State{s}, o)
	t.Cleanup(set.Loop(0).shut)
	return set.Loop(0)
}

// look is a turn that does not wait.
func (l *Loop) look() {
	l.restless = true
	l.turn()
}

// plug attaches a transport to a still loop.
func plug(l *Loop, plugin int, t sdk.Transport) *Port {
	done := make(chan *Port)
	go func() {
		p := l.Attach(plugin, t)
		p.Engage()
		done <- p
	}()
	for {
		select {
		case p := <-done:
			return p
		default:
			l.look()
		}
	}
}

// running returns loops that run until the test ends.
func running(t testing.TB, c Config, o Outlet, states ...State) *Set {
	t.Helper()
	set := newTestSet(t, c, states, o)
	set.Start()
	t.Cleanup(func() {
		if err := set.Stop(context.Background()); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return set
}

func newTestSet(t testing.TB, c Config, states []State, o Outlet) *Set {
	t.Helper()
	c.Log = quiet()
	if o == nil {
		o = &fakeOutlet{}
	}
	set, err := NewSet(c, states, o)
	if err != nil {
		t.Fatal(err)
	}
	return set
}
