package sim

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/pushcore/pushcore/core/admit"
	"github.com/pushcore/pushcore/core/dispatch"
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/core/store/memory"
	"github.com/pushcore/pushcore/sdk"
)

// node is one run of the process.
type node struct {
	world      *World
	began      time.Duration
	shards     []*shard.Shard
	dispatcher *dispatch.State
	store      *memory.Store
	loops      []inbox
	reports    [][]envelope.Report // from each loop → dispatcher
	inputs     []dispatch.Input    // brokers → dispatcher
	ops        []store.Op          // loops → store
	auths      []shard.AuthRequest
	publishes  []shard.Publish
	letters    []admit.Letter
	begun      bool   // ingress
	links      []link // to the process of plugin "one", by loop
}

// inbox is what is on its way to one loop: lanes keep their order, loose things
// have none.
type inbox struct {
	lanes [][]envelope.Input
	loose []envelope.Input
}

const (
	laneDispatcher = iota
	laneStore
	lanePeers // and following
)

// ownerOf spreads users u0, u1, … over loops.
func (w *World) ownerOf(user string) int { return int(user[len(user)-1]) % w.shape.loops }

// start begins a run of the process on a store.
func (w *World) start(old *memory.Store) {
	n := &node{world: w, began: w.elapsed}
	w.node = n
	cfg := memory.Config{
		Owner: w.ownerOf, Now: w.wall, Durable: w.shape.durable, Manual: true,
		Sink: n.answer, Fail: n.failStore,
	}
	switch {
	case old == nil || !w.shape.durable:
		n.store = memory.Open(cfg)
	default:
		n.store = old.Crash(old.Queued(), cfg)
	}
	n.dispatcher = dispatch.NewState(dispatch.StateConfig{
		Loops: w.shape.loops, Owner: w.ownerOf, OutboundMax: 64, History: w.historyRule,
		Admit: admit.Config{
			Instances: []admit.Instance{{Name: "orders", DeadLetter: true}}, KeepIDs: w.shape.durable,
			Entropy: strings.NewReader(strings.Repeat("x", 1<<16)),
		},
	})
	for id := range n.store.CarriedIDs() {
		n.dispatcher.Admit().Recall(n.admitNow(), admit.Remembered{ID: id.ID, Fingerprint: id.Fingerprint, How: id.How}, id.Until.Sub(w.wall()))
	}
	n.loops = make([]inbox, w.shape.loops)
	n.reports = make([][]envelope.Report, w.shape.loops)
	for loop := range w.shape.loops {
		n.loops[loop].lanes = make([][]envelope.Input, lanePeers+w.shape.loops)
		n.shards = append(n.shards, n.newShard(loop))
	}
	n.connect()
	n.load()
	n.ready()
}

func (n *node) newShard(loop int) *shard.Shard {
	w := n.world
	cfg := w.shape.config
	cfg.ID, cfg.Owner, cfg.Seed = loop, w.ownerOf, w.random.Uint64()
	cfg.Fated = w.fated
	s, err := shard.New(cfg)
	if err != nil {
		panic(err)
	}
	return s
}

func (n *node) now() shard.Now {
	return shard.Now{Mono: n.world.elapsed - n.began, Wall: n.world.wall()}
}

func (n *node) admitNow() admit.Now { return admit.Now(n.now()) }

// load tells the shards what the store holds.
func (n *node) load() {
	for group, position := range n.store.CarriedGroups() {
		n.dispatcher.RecallPosition(group, position)
	}
	n.world.history.crashed(n)
	carried := slices.SortedFunc(n.store.Carried(), func(a, b store.Carried) int { return cmp.Compare(a.User, b.User) })
	owed := make([][]store.Pair, len(n.shards))
	for p := range n.store.CarriedOwed() {
		loop := n.world.ownerOf(p.User)
		owed[loop] = append(owed[loop], p)
	}
	if n.world.options.Plant == RejoinBeforeLoad {
		n.rejoinAll()
	}
	for loop, s := range n.shards {
		var own []store.Carried
		for _, c := range carried {
			if n.world.ownerOf(c.User) == loop {
				own = append(own, c)
			}
		}
		s.Load(n.now(), own, n.store.HighestOrder())
		s.Recall(owed[loop])
		n.world.apply(loop)
	}
}

// crash ends the process now and starts another.
func (w *World) crash() {
	w.log.add("CRASH")
	old := w.node.store
	survive := w.random.IntN(len(w.node.ops) + 1)
	old.Submit(w.node.ops[:survive])
	w.survive()
	w.runs++
	w.elapsed += 10 * time.Millisecond
	w.start(old)
	for _, c := range w.conns {
		c.missesChat()
	}
}

var errStore = errors.New("the disk is full")

func (n *node) failStore(*store.Op) error {
	if n.world.chance(n.world.shape.storeFailing) && !n.world.calm {
		return errStore
	}
	return nil
}

func (n *node) answer(loop int, some []store.Answer) {
	if loop == store.Dispatcher {
		for i := range some {
			n.world.history.answered(&some[i])
		}
		n.inputs = append(n.inputs, dispatch.Stored{Answers: some})
		return
	}
	n.world.options.Plant.spoilAnswers(some)
	in := &n.loops[loop]
	in.lanes[laneStore] = append(in.lanes[laneStore], &shard.StoreAnswers{Answers: some})
}

// storeSome lets the store apply some operations.
func (w *World) storeSome(most int) {
	n := w.node
	most = min(most, len(n.ops))
	for _, op := range n.ops[:most] {
		w.log.add("store applies %s", showOp(&op))
	}
	n.store.Submit(n.ops[:most])
	n.ops = n.ops[most:]
	n.store.Step(most)
}

// take removes one input from an inbox, a random lane's first or a loose one.
func (n *node) take(loop int) envelope.Input {
	in := &n.loops[loop]
	var full []int
	for i, l := range in.lanes {
		if len(l) > 0 {
			full = append(full, i)
		}
	}
	if len(in.loose) > 0 {
		full = append(full, -1)
	}
	if len(full) == 0 {
		return nil
	}
	i := pick(n.world, full)
	if i < 0 {
		j := n.world.random.IntN(len(in.loose))
		one := in.loose[j]
		in.loose = slices.Delete(in.loose, j, j+1)
		return one
	}
	one := in.lanes[i][0]
	in.lanes[i] = in.lanes[i][1:]
	return one
}

// turn is one turn of a loop.
func (w *World) turn(loop, most int) (worked bool) {
	n := w.node
	s := n.shards[loop]
	s.Begin(n.now())
	w.hearDown(loop)
	for range most {
		if w.chance(500) {
			if in := n.take(loop); in != nil {
				w.log.add("loop %d takes %s", loop, showInput(in))
				s.Handle(in)
				worked = true
			}
		} else if w.emit(loop) {
			worked = true
		}
	}
	s.Tick()
	w.apply(loop)
	if s.Serve(w.shape.budget) {
		worked = true
	}
	w.apply(loop)
	w.flush(loop)
	s.Flushed()
	w.apply(loop)
	return worked
}

// apply takes a shard's effects to where they go.
func (w *World) apply(loop int) {
	n := w.node
	e := n.shards[loop].Effects()
	w.options.Plant.spoil(n, loop, e)
	for plugin := range e.Plugins {
		p := &e.Plugins[plugin]
		for i := range p.Commands {
			if c := &p.Commands[i]; c.Kind == sdk.CommandJoinResult && c.Code == 0 {
				w.checkJoined(loop, c.Group)
			}
			w.command(loop, plugin, &p.Commands[i])
		}
		w.deliver(loop, plugin, &p.Batch)
		for i := range p.Closing {
			w.command(loop, plugin, &p.Closing[i])
		}
	}
	for _, to := range e.Peers {
		in := &n.loops[to.To]
		in.lanes[lanePeers+loop] = append(in.lanes[lanePeers+loop], &shard.FromPeer{From: loop, Message: to.Message})
	}
	for _, r := range e.Reports {
		w.log.add("loop %d reports %s", loop, showReport(&r))
	}
	for i := range e.Store {
		w.log.add("loop %d asks %s", loop, showOp(&e.Store[i]))
	}
	n.reports[loop] = append(n.reports[loop], e.Reports...)
	n.ops = append(n.ops, e.Store...)
	n.auths = append(n.auths, e.Auth...)
	n.publishes = append(n.publishes, e.Publish...)
	n.shards[loop].Reset()
}

// dispatch is one turn of the dispatcher.
func (w *World) dispatch() {
	n := w.node
	d := n.dispatcher
	for w.chance(600) && len(n.inputs) > 0 {
		in := n.inputs[0]
		n.inputs = n.inputs[1:]
		d.Handle(n.admitNow(), in)
	}
	for loop := range n.reports {
		if k := w.random.IntN(len(n.reports[loop]) + 1); k > 0 {
			d.Reports(n.admitNow(), n.reports[loop][:k])
			n.reports[loop] = n.reports[loop][k:]
		}
	}
	d.Run(n.admitNow(), w.random.IntN(6))
	w.options.Plant.spoilDispatcher(n, d.StoreOps())
	for _, op := range d.StoreOps() {
		w.log.add("dispatcher asks %s", showOp(&op))
		w.history.asked(w, &op)
		n.ops = append(n.ops, op)
	}
	d.ResetStoreOps()
	for loop := range w.shape.loops {
		some := d.Outbound(loop)
		for _, in := range some {
			w.history.dispatched(w, in)
		}
		some = some[:w.random.IntN(len(some)+1)]
		in := &n.loops[loop]
		in.lanes[laneDispatcher] = append(in.lanes[laneDispatcher], some...)
		d.Posted(loop, len(some))
	}
	d.Tick(n.admitNow())
	w.settle(d.Effects())
	d.ResetEffects()
}

func (w *World) pluginDown(plugin int) {
	w.log.add("plugin %d is down", plugin)
	if w.isOutside(plugin) {
		w.processDies()
		return
	}
	for _, c := range slices.Clone(w.conns) {
		if c.plugin == plugin {
			c.lost()
			w.conns = remove(w.conns, c)
		}
	}
	for loop := range w.node.shards {
		w.node.shards[loop].Begin(w.node.now())
		w.node.shards[loop].Handle(&shard.PluginDown{Plugin: plugin})
		w.apply(loop)
	}
}

// ask puts an operator's question to all loops.
func (w *World) ask(q shard.Query) {
	loop := w.ownerOf(q.User)
	one := q
	w.node.loops[loop].loose = append(w.node.loops[loop].loose, &one)
}

// answerAuth answers one device that wants in.
func (w *World) answerAuth() {
	n := w.node
	if len(n.auths) == 0 {
		return
	}
	i := w.random.IntN(len(n.auths))
	a := n.auths[i]
	n.auths = slices.Delete(n.auths, i, i+1)
	r := &shard.AuthResult{
		Plugin: a.Plugin, Conn: a.Conn, Refresh: a.Refresh, User: a.Connect.User, Device: a.Connect.Device, Platform: a.Connect.Platform,
	}
	if w.chance(30) && !w.calm {
		r.Code, r.Text = 4505, "no"
	}
	if w.chance(200) {
		r.Groups = []string{"c0"}
		w.member[[2]string{"c0", r.User}] = true
	}
	n.loops[a.Loop].loose = append(n.loops[a.Loop].loose, r)
}

// answerPublish answers one receipt, letter or uplink.
func (w *World) answerPublish() {
	n := w.node
	if len(n.publishes) > 0 {
		i := w.random.IntN(len(n.publishes))
		p := n.publishes[i]
		n.publishes = slices.Delete(n.publishes, i, i+1)
		r := shard.PublishResult{Token: p.Token}
		if !w.calm && w.chance(200) {
			r.Err, r.Retryable = "away", true
		} else {
			w.out.take(&p)
		}
		n.loops[p.Loop].loose = append(n.loops[p.Loop].loose, &shard.Published{Results: []shard.PublishResult{r}})
	}
	if len(n.letters) > 0 {
		l := n.letters[0]
		n.letters = n.letters[1:]
		n.inputs = append(n.inputs, dispatch.Published{Token: l.Token})
	}
}
