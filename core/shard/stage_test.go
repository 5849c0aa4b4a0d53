package shard_test

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pushcore/pushcore/core/ack"
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/core/store/memory"
	"github.com/pushcore/pushcore/sdk"
)

// failer is what a test offers.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// stage is one shard with a store, a broker and a transport that do as told.
type stage struct {
	t         failer
	cfg       shard.Config
	shard     *shard.Shard
	store     *memory.Store
	histories *histories
	began     time.Duration // when the process began, on the clock of elapsed
	passed    time.Duration // since the story began
	budget    int

	ops       []store.Op // submitted and not applied
	held      bool       // the store applies only what it is told to
	failing   bool
	full      bool // the store fails only what would make it larger
	answers   []store.Answer
	away      bool // the broker
	conns     map[string]sdk.ConnID
	names     map[sdk.ConnID]string
	auth      map[sdk.ConnID]*shard.AuthResult
	manual    map[sdk.ConnID]bool // not attached by itself
	accepts   map[string]*sdk.Accept
	congested map[sdk.ConnID]bool
	attach    []sdk.ConnID
	left      map[string]*shard.Rejoined // what the plugin has kept of connections
	records   envelope.RecordID
	ids       map[envelope.RecordID]string
	orders    map[uint64]string
	sessions  map[string]string // key of a session without a device → its connection
	open      map[envelope.RecordID]bool

	out       []string
	delivered func(conn string, i sdk.Item, m *sdk.Message) // nil: nobody listens
	fated     func(shard.Fated)
	closed    func(conn string)

	acceptedAs func(resumed bool) // of the connection that comes; nil: nobody listens
}

var storyBegins = time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)

func newStage(t failer) *stage {
	s := &stage{t: t}
	s.config(nil)
	return s
}

// config begins anew. Its keys: outlives=yes, echoes=yes (the plugin is a process), durable=no, outbox=N (messages), window=N, total=N
// (attempts), slow=newest|close, mailbox=N, resume=D, uplinks=N, phones=N[,oldest],
// members=N, turn=BYTES, ttl=D (of devices), history=N age=D (of groups named h…),
// events=yes.
func (s *stage) config(a args) {
	*s = stage{
		t: s.t, delivered: s.delivered, fated: s.fated, closed: s.closed,
		conns: map[string]sdk.ConnID{}, names: map[sdk.ConnID]string{}, auth: map[sdk.ConnID]*shard.AuthResult{},
		manual: map[sdk.ConnID]bool{}, left: map[string]*shard.Rejoined{}, accepts: map[string]*sdk.Accept{}, congested: map[sdk.ConnID]bool{},
		ids: map[envelope.RecordID]string{}, orders: map[uint64]string{}, sessions: map[string]string{}, open: map[envelope.RecordID]bool{},
	}
	retry := ack.DefaultConfig()
	retry.JitterPercent = 0
	retry.AttemptsTotal = a.number("total", retry.AttemptsTotal)
	retry.MessagesMax = a.number("window", retry.MessagesMax)
	s.cfg = shard.Config{
		Plugins: []string{"one"}, Owner: func(string) int { return 0 }, Durable: a.text("durable") != "no", Seed: 1,
		Ack: retry, ResumeWindow: a.duration("resume"), DeviceTTL: a.duration("ttl"), TurnBytes: a.number("turn", 0), ServeBytes: a.number("serve", 0), ForwardHeaders: []string{"trace"},
		Platforms: map[string]shard.Platform{},
		Group: func(name string) shard.GroupRule {
			rule := shard.GroupRule{Join: shard.JoinDevice, MembersMax: a.number("members", 100)}
			switch name[0] {
			case 'h':
				rule.History, rule.HistoryAge = true, a.duration("age")
			case 'c':
				rule.Join = shard.JoinClaims
			case 'b':
				rule.Join = shard.JoinBackend
			}
			return rule
		},
		SlowFast: map[string]shard.SlowPolicy{"newest": shard.KeepNewest, "close": shard.CloseSlow}[a.text("slow")],
		Outlives: []bool{a.text("outlives") == "yes"}, Echoes: []bool{a.text("echoes") == "yes"}, Seal: seal, Unseal: unseal,
		Fated: s.tellFate, Events: a.text("events") == "yes", Node: "node",
	}
	if n := a.number("outbox", 0); n > 0 {
		s.cfg.Outbox = shard.Bound{Messages: n, Bytes: a.number("outbox_bytes", 1<<20)}
	}
	if n := a.number("mailbox", 0); n > 0 {
		s.cfg.Mailbox = shard.Bound{Messages: n, Bytes: 1 << 20}
	}
	if n := a.number("uplinks", 0); n > 0 {
		s.cfg.UplinkQueue = shard.Bound{Messages: n, Bytes: 1 << 20}
	}
	if n := a.number("phones", 0); n > 0 {
		s.cfg.Platforms["phone"] = shard.Platform{Max: n, Oldest: a.text("wins") == "oldest"}
	}
	s.histories = newHistories(a)
	s.store = memory.Open(s.storeConfig())
	s.start()
}

var errDisk = errors.New("the disk is full")

func (s *stage) storeConfig() memory.Config {
	return memory.Config{
		Owner: func(string) int { return 0 }, Now: s.wall, Durable: s.cfg.Durable, Manual: true,
		Sink: func(loop int, some []store.Answer) {
			if loop != store.Dispatcher {
				s.answers = append(s.answers, some...)
			}
		},
		Fail: func(op *store.Op) error {
			if s.failing || s.full && op.Kind == store.Put && !op.Again {
				return errDisk
			}
			return nil
		},
	}
}

// start begins a run of the process.
func (s *stage) start() {
	var err error
	if s.shard, err = shard.New(s.cfg); err != nil {
		s.t.Fatalf("%v", err)
	}
	s.began = s.passed
	s.shard.Load(s.now(), slices.Collect(s.store.Carried()), s.store.HighestOrder())
	s.shard.Recall(slices.Collect(s.store.CarriedOwed()))
}

// crash ends the process: what the store has been asked and has not done is lost.
func (s *stage) crash() {
	old := s.store
	s.ops, s.answers = nil, nil
	s.attach = nil
	clear(s.conns)
	clear(s.names)
	clear(s.congested)
	clear(s.open)
	s.passed += time.Second
	if s.cfg.Durable {
		s.store = old.Crash(0, s.storeConfig())
	} else {
		s.store = memory.Open(s.storeConfig())
	}
	s.histories.crash(s)
	s.start()
}

func (s *stage) wall() time.Time { return storyBegins.Add(s.passed) }

func (s *stage) now() shard.Now { return shard.Now{Mono: s.passed - s.began, Wall: s.wall()} }

func (s *stage) say(format string, a ...any) {
	s.out = append(s.out, fmt.Sprintf("%.2f ", s.passed.Seconds())+fmt.Sprintf(format, a...))
}

// turn is one turn of the loop after another, until nothing moves.
func (s *stage) turn() {
	for range 10_000 {
		s.shard.Begin(s.now())
		for _, conn := range s.attach {
			s.shard.Events(0, []sdk.Event{{Kind: sdk.EventAttached, Conn: conn}})
		}
		s.attach = s.attach[:0]
		s.shard.Tick()
		budget := s.budget
		if budget == 0 {
			budget = 1 << 20
		}
		more := s.shard.Serve(budget)
		said := s.apply()
		s.shard.Flushed()
		said = s.apply() || said
		if !said && !more && len(s.attach) == 0 {
			s.check()
			return
		}
	}
	s.t.Fatalf("the shard does not come to rest")
}

// storeStep lets the store apply n operations, and hands the answers over.
func (s *stage) storeStep(n int) {
	n = min(n, len(s.ops))
	s.store.Submit(s.ops[:n])
	s.ops = s.ops[n:]
	s.store.Step(n)
	if len(s.answers) > 0 {
		some := s.answers
		s.answers = nil
		for i := range some {
			for _, p := range some[i].Removed {
				s.orders[p.Order] = p.Message.ID
			}
		}
		s.shard.Begin(s.now())
		s.shard.Handle(&shard.StoreAnswers{Answers: some})
	}
}

// run lets time pass.
func (s *stage) run(d time.Duration) {
	end := s.passed + d
	for s.passed < end {
		next := s.passed + max(time.Second, d/1000)
		if due, some := s.shard.NextDue(); some {
			next = min(next, max(due+s.began, s.passed+50*time.Millisecond))
		}
		s.passed = min(next, end)
		s.storeStep(0)
		s.turn()
	}
}

// pairKey names a (message, receiver).
type pairKey struct {
	user, key string
	order     uint64
}

// pending is the set of pairs that have not ended, named one by one.
func (s *stage) pending() map[pairKey]string {
	set := map[pairKey]string{}
	s.store.Scan(func(p store.Pair) { set[pairKey{p.User, p.Receiver.Device, p.Order}] = p.Message.ID })
	asked := map[uint64]bool{}
	for i := range s.ops {
		asked[s.ops[i].Token] = true
	}
	var over []pairKey
	s.shard.Census(func(p shard.PairAt) {
		key := pairKey{p.User, p.Key, p.Order}
		switch {
		case p.Place == shard.EndedHere:
			over = append(over, key)
		case p.Place == shard.InMemory, p.Token == 0, asked[p.Token]:
			set[key] = p.Message.ID
		}
	})
	for _, key := range over {
		delete(set, key)
	}
	return set
}

// check holds the books against a census, pair by pair, and against the shard's own,
// which is of one turn and exact whatever is under way.
func (s *stage) check() {
	b := s.shard.Books()
	if set := s.pending(); b.Carried+b.Owed != b.Ended()+uint64(len(set)) {
		s.t.Fatalf("the books differ at %v: %d carried, %d owed, %d ended, pending %v\n%v", s.passed, b.Carried, b.Owed, b.Ended(), set, s.out)
	}
	if b.Difference() != 0 {
		s.t.Fatalf("the shard's own census is wrong at %v: %+v, stored %d\n%v", s.passed, b, s.store.Census(), s.out)
	}
}
