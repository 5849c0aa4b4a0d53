package storetest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
)

// story is a random story of a durable engine and its crashes.
type story struct {
	t      *testing.T
	seed   uint64
	medium Medium
	draw   draw
	bench  *bench

	base  *model          // what the engine held when it was opened
	live  *model          // what it holds if all was done
	told  []told          // since it was opened
	acked map[uint64]bool // tokens that were answered before the power failed
	ids   int             // remembered so far
	over  bool            // what is known is not enough to go on
}

// told is an operation and its answer.
type told struct {
	op     store.Op
	answer *store.Answer // nil: none came
}

// dispatcherOrder is the order of operations that are of no user.
const dispatcherOrder = ""

func newStory(t *testing.T, seed uint64, medium func(seed uint64) Medium) *story {
	rng := rand.New(rand.NewPCG(seed, 2)) //nolint:gosec // A seed is what is wanted.
	s := &story{t: t, seed: seed, medium: medium(seed), base: newModel(true)}
	s.draw = func(_ string, n int) int { return rng.IntN(n) }
	return s
}

func (s *story) Helper() {}

func (s *story) Fatalf(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf("seed %d: %s", s.seed, fmt.Sprintf(format, args...))
}

// chapter opens the engine, lets operations be done until the power fails at some
// change, and says whether it came to that.
func (s *story) chapter(crashAt int) (reached bool) {
	s.open()
	if s.over {
		s.close()
		return false
	}
	var failed atomic.Bool // by a goroutine of the engine
	s.medium.Arm(crashAt, func() {
		s.acked = s.tokens()
		failed.Store(true)
	})
	for n := 0; n < 12 && !failed.Load(); n++ {
		s.burst()
	}
	now := s.tokens()
	s.medium.Fail() // Nothing changes behind it.
	if reached = failed.Load(); !reached {
		s.acked = now
	}
	s.close()
	return reached
}

// open opens the engine on what survived, now and then with a crash on the way, and
// compares what it holds with what it may hold.
func (s *story) open() {
	if s.draw("crash while opening", 3) == 0 {
		s.medium.Arm(1+s.draw("at", 40), func() {})
		s.start()
		s.medium.Fail()
		s.close()
	}
	s.start()
	s.adopt(s.observe())
}

func (s *story) start() {
	if err := s.tryStart(); err != nil {
		s.Fatalf("Open after a crash: %v", err)
	}
}

func (s *story) tryStart() error {
	b := &bench{t: s, now: begin, news: make(chan struct{}, 1), done: map[uint64]bool{}}
	if s.bench != nil {
		b.token = s.bench.token
	}
	engine, err := s.medium.Open(Env{Owner: owner, Sink: b.sink, Now: b.clock})
	if err != nil {
		return err
	}
	b.engine, s.bench = engine, b
	return nil
}

func (s *story) close() {
	if err := s.bench.engine.Close(); err != nil {
		s.Fatalf("Close: %v", err)
	}
}

// tokens are those that were answered so far.
func (s *story) tokens() map[uint64]bool {
	s.bench.mu.Lock()
	defer s.bench.mu.Unlock()
	return maps.Clone(s.bench.done)
}

// burst submits some operations and compares the answers.
func (s *story) burst() {
	n := 1 + s.draw("burst", 6)
	first := len(s.told)
	var ops []store.Op
	for range n {
		op := s.drawOp()
		s.bench.token++
		op.Token, op.Loop = s.bench.token, store.Dispatcher
		if op.User != "" {
			op.Loop = owner(op.User)
		}
		ops = append(ops, op)
		s.told = append(s.told, told{op: op})
	}
	if s.draw("apart", 2) == 0 {
		s.bench.engine.Submit(ops)
	} else {
		for i := range ops {
			s.bench.engine.Submit(ops[i : i+1 : i+1])
		}
	}
	for i := range ops {
		got := s.bench.await(func(a *answered) bool { return a.Token == ops[i].Token }).Answer
		s.told[first+i].answer = &got
		want := s.live.apply(&ops[i])
		s.live.named(append(slices.Clone(got.Removed), got.Owed...))
		if got.Err != nil || pairs(got.Removed) != pairs(want.Removed) || entries(got.Entries) != entries(want.Entries) || len(got.Owed) != len(want.Owed) {
			s.Fatalf("%+v:\n got removed %q, page %q, owed %d, error %v\nwant removed %q, page %q, owed %d", ops[i],
				pairs(got.Removed), entries(got.Entries), len(got.Owed), got.Err, pairs(want.Removed), entries(want.Entries), len(want.Owed))
		}
	}
}

// drawOp draws an operation of a user, or of the dispatcher.
func (s *story) drawOp() store.Op {
	op := drawOp(s.draw)
	switch s.draw("other", 12) {
	case 0:
		op.Kind, op.Group = pick(s.draw, "member", []store.OpKind{store.PutMember, store.RemoveMember}), "g"
	case 1:
		op = store.Op{Kind: store.Owe, User: op.User, Order: 31 + uint64(s.draw("owe", 6)), Fate: envelope.Acked,
			Receivers: []store.Receiver{{Device: "x"}}}
		op.Message = messageAt(op.Order)
	case 2:
		for _, p := range s.live.notices {
			if p.User == op.User && p.Owed != 0 {
				return store.Op{Kind: store.Told, User: op.User, Owed: p.Owed}
			}
		}
	case 3:
		s.ids++
		n := s.ids
		return store.Op{Kind: store.Remember, Scope: "orders", ID: fmt.Sprint("id", n), Fingerprint: uint64(n * 77), //nolint:gosec // Small.
			How: envelope.HowStored, Until: begin.Add(time.Duration(n+1) * time.Hour)}
	case 4:
		position := uint64(1)
		for _, g := range s.live.groups {
			position = g.position + 1
		}
		return store.Op{Kind: store.Append, Group: "g", Order: position, Message: messageAt(position % 40), Limit: store.Limit{Messages: 3}}
	}
	return op
}

// adopt finds, for each user, up to which operation what is observed is, and goes on
// from there.
func (s *story) adopt(observed map[string]string) {
	next := s.base.clone()
	for _, user := range append(slices.Clone(randomUsers), dispatcherOrder) {
		m, err := s.explain(user, observed[user])
		if err != nil {
			s.Fatalf("%v", err)
		}
		next.take(user, m)
	}
	for i := range next.notices {
		next.notices[i].Owed = 0
	}
	next.named(slices.Collect(s.bench.engine.CarriedOwed()))
	if got := s.bench.engine.HighestOrder(); got < next.highest {
		s.Fatalf("HighestOrder is %d, something was put at %d", got, next.highest)
	}
	s.bench.census(len(next.pairs))
	s.base, s.live, s.told, s.acked = next, next.clone(), nil, nil
}

// explain finds the prefix of a user's operations, not shorter than what was
// answered, whose outcome is observed. Where several are, the shortest; if they
// differ in what cannot be seen (who has acked), the story is over.
func (s *story) explain(user, observed string) (explained *model, err error) {
	m := s.base.clone()
	var mine []told
	least := 0
	for _, t := range s.told {
		if t.op.User == user {
			mine = append(mine, t)
			if s.acked[t.op.Token] {
				least = len(mine)
			}
		}
	}
	var wanted string
	for n := 0; ; n++ {
		if n >= least {
			after := m.clone()
			after.reopen()
			want := after.observe(user)
			switch {
			case want == observed && explained == nil:
				explained = after
			case want == observed:
				s.over = s.over || !maps.Equal(explained.acked, after.acked)
			}
			wanted += fmt.Sprintf("\nafter %d:\n%s", n, want)
		}
		if n == len(mine) {
			break
		}
		m.apply(&mine[n].op)
		if a := mine[n].answer; a != nil {
			m.named(append(slices.Clone(a.Removed), a.Owed...))
		}
	}
	if explained != nil {
		return explained, nil
	}
	return nil, fmt.Errorf("%q has\n%s\nwhich is not what %d to %d operations leave; what was answered is durable, and nothing is done behind what is not:%s",
		user, observed, least, len(mine), wanted)
}
