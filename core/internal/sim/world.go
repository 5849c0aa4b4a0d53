package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/pushcore/pushcore/core/ack"
	"github.com/pushcore/pushcore/core/shard"
)

// World is one node with all that it talks to.
type World struct {
	random  *rand.Rand
	options Options
	shape   shape
	elapsed time.Duration // since the world began
	log     *trace

	node        *node
	runs        int // of the node's process
	devices     []*device
	sources     []*source
	records     map[string]*record // by message id
	order       []*record
	conns       []*conn
	lastID      uint64             // of a connection
	member      map[[2]string]bool // group, user: was made a member at some time
	epochs      map[uint64]bool
	outside     outside // the process of plugin "one", if it has one
	calm        bool    // the end: nobody fails, all devices behave
	out         egress
	history     histories
	before      map[pairKey]string // pending at the last check
	endedBefore uint64
}

// Options choose what a world is like; the zero value is the usual.
type Options struct {
	Steps   int  // of disorder before the end; default 400
	Verbose bool // keep a trace of everything
	Plant   Bug  // to see whether it is found
}

// shape is what the seed chose for the whole run.
type shape struct {
	loops        int
	durable      bool
	storeFailing int // per mille of operations
	chatty       int // per mille of connections that join the group with a history
	crashes      bool
	outside      bool // plugin "one" is a process of its own
	patient      bool // bounds are wide, so that nothing dies of them
	budget       int
	config       shard.Config
}

// begin is the wall clock when a world begins.
var begin = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// Run plays the world of a seed to its end. The error tells which rule was broken;
// the trace what happened, if Options asked for it.
func Run(seed uint64, o Options) (report string, err error) {
	if o.Steps == 0 {
		o.Steps = 400
	}
	w := &World{
		random: rand.New(rand.NewPCG(seed, 0)), options: o, records: map[string]*record{}, member: map[[2]string]bool{},
		epochs: map[uint64]bool{}, log: &trace{on: o.Verbose},
	}
	defer func() {
		report = w.log.String()
		if r := recover(); r != nil {
			broken, is := r.(violation)
			if !is {
				w.log.add("panic: %v", r)
				if o.Verbose {
					report = w.log.String()
				}
				panic(fmt.Sprintf("seed %d: %v\n%s", seed, r, report))
			}
			err = fmt.Errorf("seed %d, at %v: %s", seed, w.elapsed, string(broken))
		}
	}()
	w.populate()
	w.start(nil)
	for range o.Steps {
		w.step()
	}
	w.rest()
	return "", nil
}

// violation is a broken rule.
type violation string

// broken ends the run.
func (w *World) broken(format string, args ...any) {
	panic(violation(fmt.Sprintf(format, args...)))
}

// chance is true n times of a thousand.
func (w *World) chance(n int) bool { return w.random.IntN(1000) < n }

func pick[T any](w *World, some []T) T { return some[w.random.IntN(len(some))] }

func (w *World) wall() time.Time { return begin.Add(w.elapsed) }

// populate chooses the shape, the devices and the sources.
func (w *World) populate() {
	s := &w.shape
	s.loops = 1 + w.random.IntN(3)
	s.durable = w.chance(650)
	s.crashes = w.chance(500)
	s.patient = w.chance(700)
	if w.chance(400) {
		s.storeFailing = 20 + w.random.IntN(200)
	}
	s.budget = pick(w, []int{1, 3, 10, 1000})
	ms := time.Millisecond
	s.config = shard.Config{
		Plugins: []string{"one", "two"}, Durable: s.durable, ResumeWindow: pick(w, []time.Duration{500 * ms, 2000 * ms, 10_000 * ms}),
		MemoryWait: 3 * time.Second,
		Outbox:     shard.Bound{Messages: pick(w, []int{2, 4, 8, 100}), Bytes: 1 << 20},
		Mailbox:    shard.Bound{Messages: pick(w, []int{3, 6, 12}), Bytes: 1 << 20},
		TurnBytes:  pick(w, []int{1, 8, 1 << 20}),
		SlowFast:   pick(w, []shard.SlowPolicy{shard.DropOldest, shard.KeepNewest, shard.CloseSlow}),
		Ack: ack.Config{
			Delays: []time.Duration{200 * ms, 400 * ms, 800 * ms}[:1+w.random.IntN(3)], JitterPercent: 10,
			AttemptsTotal: pick(w, []int{2, 5}), MessagesMax: pick(w, []int{1, 3, 64}), BytesMax: 1 << 20,
		},
	}
	if s.patient {
		s.config.Mailbox.Messages = 100_000
		s.config.Ack.AttemptsTotal = 255
	}
	if w.chance(300) {
		s.config.Platforms = map[string]shard.Platform{"phone": {Max: 1, Oldest: w.chance(300)}}
	}
	w.populateOutside()
	s.chatty = pick(w, []int{0, 100, 900})
	w.populateHistory()
	s.config.Group = w.groupRule
	for i := range 2 + w.random.IntN(5) {
		w.addUser(i)
	}
	for i := range 1 + w.random.IntN(3) {
		w.sources = append(w.sources, &source{name: fmt.Sprint("push/", i)})
	}
}

func (w *World) groupRule(name string) shard.GroupRule {
	switch name[0] {
	case 'j':
		return shard.GroupRule{Join: shard.JoinDevice, History: name == chat, HistoryAge: w.history.rule.Age}
	case 'c':
		return shard.GroupRule{Join: shard.JoinClaims}
	}
	return shard.GroupRule{Join: shard.JoinBackend}
}

// addUser makes a user. A solo one has one device with an id, all his life; others
// have several, and wild ones have sessions without an id as well.
func (w *World) addUser(i int) {
	user := fmt.Sprint("u", i)
	kind := pick(w, []userKind{solo, solo, several, wild})
	devices := 1
	if kind != solo {
		devices = 1 + w.random.IntN(3)
	}
	for d := range devices {
		dev := &device{world: w, user: user, kind: kind, id: fmt.Sprint("d", d), platform: pick(w, []string{"phone", "web"})}
		if kind == wild && w.chance(500) {
			dev.id = ""
		}
		dev.reset()
		dev.seen = map[string]bool{}
		dev.last = map[orderKey]uint64{}
		dev.joined = map[string]bool{}
		w.devices = append(w.devices, dev)
	}
}

// step moves one thing.
func (w *World) step() {
	switch n := w.random.IntN(100); {
	case n < 34:
		w.turn(w.random.IntN(w.shape.loops), 1+w.random.IntN(6))
	case n < 46:
		w.dispatch()
	case n < 56:
		w.storeSome(1 + w.random.IntN(4))
	case n < 60:
		w.answerAuth()
	case n < 64:
		w.answerPublish()
	case n < 86:
		w.liveDevice(pick(w, w.devices))
	case n < 93:
		w.broker()
	case n < 95:
		w.moveOutside()
	case n < 99:
		w.pass(time.Duration(1+w.random.IntN(300)) * time.Millisecond)
		if w.chance(100) {
			w.pass(time.Duration(1+w.random.IntN(8)) * time.Second)
		}
	default:
		w.accident()
	}
	w.check()
}

// pass lets time pass. Loops wake up for their timers.
func (w *World) pass(d time.Duration) {
	w.elapsed += d
	w.log.add("%v later: %v", d, w.elapsed)
	for loop := range w.shape.loops {
		for w.turn(loop, 0) { // Loops go on while there is something to serve.
		}
	}
	w.storeSome(0)
}

// accident is what happens rarely.
func (w *World) accident() {
	switch {
	case w.shape.crashes && w.chance(150):
		w.crash()
	case w.shape.outside && w.chance(200):
		w.upgrade()
	case w.chance(200):
		w.pluginDown(w.random.IntN(2))
	case w.chance(300):
		d := pick(w, w.devices)
		if d.kind == wild {
			w.ask(shard.Query{Kind: shard.QueryErase, User: d.user})
			return
		}
		w.ask(shard.Query{Kind: shard.QueryKick, User: d.user, Code: 4503})
	default:
		if s := pick(w, w.sources); !w.node.rejoining() {
			s.reassign(w)
		}
	}
}

// trace is what happened, for people.
type trace struct {
	on    bool
	lines []string
}

func (t *trace) add(format string, args ...any) {
	if t.on {
		t.lines = append(t.lines, fmt.Sprintf(format, args...))
	}
}

// String is the end of it.
func (t *trace) String() string {
	const most = 1_000_000
	lines := t.lines
	if len(lines) > most {
		lines = lines[len(lines)-most:]
	}
	return strings.Join(lines, "\n")
}

func remove[T comparable](list []T, one T) []T {
	return slices.DeleteFunc(list, func(o T) bool { return o == one })
}
