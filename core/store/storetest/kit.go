package storetest

import (
	"sync"
	"testing"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// Env is what an engine is opened with. The clock is the kit's: it stands still
// unless the kit moves it, so an engine has to look at it with every operation.
type Env struct {
	Owner func(user string) int // of loopCount loops
	Sink  store.Sink
	Now   func() time.Time
}

// Open opens an empty engine. The kit closes it.
type Open func(env Env) store.Store

// Test runs the whole kit.
func Test(t *testing.T, open Open) {
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) { c.run(start(t, open)) })
	}
	t.Run("AgreesWithAModelUnderRandomOperations", func(t *testing.T) { testRandom(t, open) })
	t.Run("TakesOperationsFromManyGoroutines", func(t *testing.T) { testConcurrent(t, open) })
}

const (
	loopCount = 3
	patience  = 10 * time.Second // for an answer
)

// begin is where the kit's clock begins.
var begin = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// owner spreads users by their last byte.
func owner(user string) int { return int(user[len(user)-1]) % loopCount }

// failer is the part of testing.TB and rapid.T that the kit needs.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// bench is one engine under test.
type bench struct {
	t      failer
	engine store.Store

	mu      sync.Mutex // guards what follows; the engine's goroutine writes it
	now     time.Time
	answers []answered
	held    map[int]int     // by loop: what the last batch of answers said
	news    chan struct{}   // an answer came
	done    map[uint64]bool // tokens that were answered without an error

	token uint64
}

// answered is an answer and the loop that it came to.
type answered struct {
	loop int
	store.Answer
}

func start(t *testing.T, open Open) *bench {
	b := newBench(t, open)
	t.Cleanup(b.close)
	return b
}

func newBench(t failer, open Open) *bench {
	b := &bench{t: t, now: begin, news: make(chan struct{}, 1), done: map[uint64]bool{}}
	b.engine = open(Env{Owner: owner, Sink: b.sink, Now: b.clock})
	b.engine.Start()
	return b
}

func (b *bench) close() {
	if err := b.engine.Close(); err != nil {
		b.t.Fatalf("Close: %v", err)
	}
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) advance(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

func (b *bench) sink(loop int, some []store.Answer) {
	b.mu.Lock()
	for _, a := range some {
		b.answers = append(b.answers, answered{loop, a})
		if a.Err == nil {
			b.done[a.Token] = true
		}
	}
	if b.held == nil {
		b.held = map[int]int{}
	}
	b.held[loop] = some[len(some)-1].Held
	b.mu.Unlock()
	select {
	case b.news <- struct{}{}:
	default:
	}
}

// do submits an operation and waits for its answer. Answers to others that came
// meanwhile stay for others.
func (b *bench) do(op store.Op) store.Answer {
	b.t.Helper()
	a, err := b.try(op)
	if err != nil {
		b.t.Fatalf("operation %d: %v", op.Kind, err)
	}
	return a
}

// try is do for what may fail.
func (b *bench) try(op store.Op) (store.Answer, error) {
	b.t.Helper()
	b.token++
	op.Token = b.token
	if op.User != "" {
		op.Loop = owner(op.User)
	}
	b.engine.Submit([]store.Op{op})
	a := b.await(func(a *answered) bool { return a.Token == op.Token })
	if a.loop != op.Loop || a.Kind != op.Kind || a.User != op.User {
		b.t.Fatalf("operation %d of %q for loop %d was answered as %d of %q on loop %d: an answer goes to the loop that asked and echoes the operation",
			op.Kind, op.User, op.Loop, a.Kind, a.User, a.loop)
	}
	return a.Answer, a.Err
}

// await waits for an answer and takes it.
func (b *bench) await(want func(*answered) bool) answered {
	b.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		if a, ok := b.take(want); ok {
			return a
		}
		select {
		case <-b.news:
		case <-timer.C:
			b.t.Fatalf("no answer in %v: each operation is answered", patience)
		}
	}
}

func (b *bench) take(want func(*answered) bool) (answered, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.answers {
		if want(&b.answers[i]) {
			a := b.answers[i]
			b.answers = append(b.answers[:i], b.answers[i+1:]...)
			return a, true
		}
	}
	return answered{}, false
}

// expired makes the engine look at the clock and takes what it says has expired.
func (b *bench) expired() (pairs []store.Pair) {
	b.t.Helper()
	for user := range loopCount {
		b.do(store.Op{Kind: store.Page, User: "nobody" + string(rune('0'+user)), Device: "d"})
	}
	for {
		a, ok := b.take(func(a *answered) bool { return a.Kind == 0 })
		if !ok {
			return pairs
		}
		for _, p := range a.Removed {
			if a.loop != owner(p.User) {
				b.t.Fatalf("%q expired on loop %d: the loop that owns the user is told", p.User, a.loop)
			}
		}
		pairs = append(pairs, a.Removed...)
	}
}

// census compares the engine's count.
func (b *bench) census(want int) {
	b.t.Helper()
	if got := b.engine.Census(); got != want {
		b.t.Fatalf("Census is %d, stored are %d pairs", got, want)
	}
}

// checkHeld compares what the engine told each loop of its users' pairs.
func (b *bench) checkHeld(m *model) {
	b.t.Helper()
	want := map[int]int{}
	for i := range m.pairs {
		want[owner(m.pairs[i].user)]++
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for loop, got := range b.held {
		if loop != store.Dispatcher && got != want[loop] {
			b.t.Fatalf("loop %d was told that %d pairs of its users are stored, there are %d: whatever changes the number is answered to the loop with the new one", loop, got, want[loop])
		}
	}
}

// message makes a message that expires in an hour of the kit's clock.
func message(id string, change ...func(*envelope.Message)) *envelope.Message {
	m := &envelope.Message{
		ID: id, Scope: "orders", Class: sdk.Reliable, To: []wire.Address{{Kind: wire.User, ID: "u"}},
		AcceptedAt: begin, ExpiresAt: begin.Add(time.Hour), Payload: []byte("payload of " + id),
	}
	for _, c := range change {
		c(m)
	}
	return m
}

func put(user string, order uint64, m *envelope.Message, devices ...string) store.Op {
	op := store.Op{Kind: store.Put, User: user, Order: order, Message: m}
	for _, d := range devices {
		op.Receivers = append(op.Receivers, store.Receiver{Device: d})
	}
	return op
}

func page(user, device string, after uint64) store.Op {
	return store.Op{Kind: store.Page, User: user, Device: device, Order: after, Max: 1000}
}
