package core

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pushcore/pushcore/core/admin"
	"github.com/pushcore/pushcore/core/admit"
	"github.com/pushcore/pushcore/core/auth"
	"github.com/pushcore/pushcore/core/dispatch"
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/host"
	"github.com/pushcore/pushcore/core/host/local"
	"github.com/pushcore/pushcore/core/loop"
	"github.com/pushcore/pushcore/core/metrics"
	"github.com/pushcore/pushcore/core/ring"
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/core/store/memory"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// Runtime is one process's node. Start and Stop are called once each, by the same
// goroutine; the other methods may be called from any.
type Runtime struct {
	prepared *Prepared
	log      *slog.Logger
	plan     loop.Plan

	loops      *loop.Set
	owner      func(user string) int
	dispatcher *dispatch.Dispatcher
	store      *memory.Store
	auth       *auth.Authenticator
	egress     *host.Egress
	pushes     *pushes
	queries    *queries

	transportNames []string
	transports     []*local.Instance
	brokers        []*host.Broker // in the order of prepared.mqs
	listeners      []*admin.Listener
	endpoints      []Endpoint

	ready      atomic.Bool
	difference atomic.Int64 // of the books, when they were exact last

	scrape  sync.Mutex // guards busy and scraped
	busy    []time.Duration
	scraped time.Time
}

// Endpoint is an address on which the node listens.
type Endpoint struct {
	Name string // http, ops, or a transport instance; further addresses NAME.2, NAME.3 …
	URL  string
}

// New builds a node. Nothing runs and nothing is open before Start.
func New(p *Prepared, log *slog.Logger) (*Runtime, error) {
	r := &Runtime{prepared: p, log: log, queries: newQueries()}
	r.plan = loop.NewPlan(runtime.GOMAXPROCS(0), p.cfg.Node.Loops)
	r.busy = make([]time.Duration, r.plan.Loops)
	for _, t := range p.transports {
		r.transportNames = append(r.transportNames, t.name)
	}
	if err := r.buildRing(); err != nil {
		return nil, err
	}
	r.store = memory.Open(memory.Config{Owner: r.owner, Sink: r.storeAnswers})
	authentication, err := authSettings(p.cfg, log.With("part", "auth"))
	if err == nil {
		r.auth, err = auth.New(authentication, func(loop int, a *shard.AuthResult) { r.answer(loop, a) })
	}
	if err == nil {
		r.buildDispatcher()
		err = r.buildLoops()
	}
	if err != nil {
		if r.auth != nil {
			r.auth.Close()
		}
		return nil, errors.Join(err, r.store.Close())
	}
	return r, nil
}

// buildRing makes the map of users to loops. It depends on the number of loops
// alone, so a restart finds every user where he was.
func (r *Runtime) buildRing() error {
	nodes := make([]ring.Node, r.plan.Loops)
	for i := range nodes {
		nodes[i] = ring.Node{Name: fmt.Sprintf("loop-%d", i), Weight: 1}
	}
	owners, err := ring.New(nodes)
	if err != nil {
		return err
	}
	r.owner = func(user string) int {
		var key [2 * wire.IDBytesMax]byte
		return owners.Owner(ring.AppendKey(key[:0], "", user))
	}
	return nil
}

func (r *Runtime) buildDispatcher() {
	p := r.prepared
	routes := host.Routes{
		sdk.OutputUplink: p.uplink, sdk.OutputReceipt: p.cfg.Routes.Receipt, sdk.OutputDeadLetter: p.cfg.Routes.DeadLetter}
	brokers, outputs := map[string]*host.Broker{}, map[string][]sdk.Output{}
	names := []string{"http"}
	for i := range p.mqs {
		m := &p.mqs[i]
		in := &ingress{index: i + 1, stable: map[string]bool{}}
		b := host.NewBroker(m.name, m.plugin, in, p.cfg.Limits.Uplink.Queue.Messages, r.log.With("plugin", m.name))
		r.brokers = append(r.brokers, b)
		brokers[m.name], outputs[m.name] = b, m.setup.Outputs
		names = append(names, m.name)
	}
	r.egress = host.NewEgress(routes, brokers, outputs)
	r.pushes = newPushes(r.httpPolicy())
	out := &outside{
		brokers: append([]*host.Broker{nil}, r.brokers...), names: names, pushes: r.pushes, egress: r.egress,
		dispatcher: func() *dispatch.Dispatcher { return r.dispatcher }, log: r.log,
	}
	hasLetters := func(instance string) bool { return r.egress.Target(sdk.OutputDeadLetter, instance) != nil }
	r.dispatcher = dispatch.NewDispatcher(dispatch.Config{
		State:   dispatch.StateConfig{Admit: admitSettings(p, hasLetters), Loops: r.plan.Loops, Owner: r.owner},
		Loops:   postLoops{r},
		Outside: out,
	})
	r.pushes.dispatcher = r.dispatcher
	for i, b := range r.brokers {
		in := b.Ingress().(*ingress)
		in.dispatcher = r.dispatcher
		in.policy = r.inputPolicy(i)
	}
}

func (r *Runtime) httpPolicy() admit.Policy {
	c := r.prepared.cfg
	return admit.Policy{
		Plugin: "http", TTL: time.Duration(c.Delivery.TTL), StoreAfter: time.Duration(c.Delivery.StoreAfterHTTP),
		PayloadMax: int(c.Limits.MaxPayload),
		Receipt:    r.egress.Target(sdk.OutputReceipt, "http") != nil, DeadLetter: r.egress.Target(sdk.OutputDeadLetter, "http") != nil,
	}
}

func (r *Runtime) inputPolicy(i int) admit.Policy {
	m := &r.prepared.mqs[i]
	if m.setup.Input == nil {
		return admit.Policy{Plugin: m.name}
	}
	p, _ := inputPolicy(r.prepared.cfg, m.name, m.setup.Input) // Prepare has checked it.
	p.Receipt = r.egress.Target(sdk.OutputReceipt, m.name) != nil
	p.DeadLetter = r.egress.Target(sdk.OutputDeadLetter, m.name) != nil
	return p
}

func (r *Runtime) buildLoops() error {
	c := r.prepared.cfg
	var states []loop.State
	for i := range r.plan.Loops {
		s, err := shard.New(shardSettings(c, i, r.plan.Loops, r.transportNames, r.owner))
		if err != nil {
			return err
		}
		states = append(states, s)
	}
	out := &outlet{dispatcher: r.dispatcher, store: r.store, auth: r.auth, egress: r.egress, queries: r.queries}
	set, err := loop.NewSet(loop.Config{Mailbox: c.Limits.MailboxQueue, CPUs: c.Node.CPUs, Log: r.log}, states, out)
	if err != nil {
		return err
	}
	r.loops, out.loops, r.queries.loops = set, set, set
	return nil
}

// postLoops is the loops as the dispatcher sees them; they are made after it.
type postLoops struct{ r *Runtime }

func (p postLoops) Post(l int, in []envelope.Input) bool { return p.r.loops.Post(l, in) }

// answer takes what a shard asked for to its loop.
func (r *Runtime) answer(l int, in envelope.Input) {
	r.loops.Loop(l).PostAnswers([]envelope.Input{in})
}

func (r *Runtime) storeAnswers(l int, a []store.Answer) { r.answer(l, &shard.StoreAnswers{Answers: a}) }

// Plan says how many loops run on how many cores.
func (r *Runtime) Plan() loop.Plan { return r.plan }

// Endpoints are the addresses on which the node listens, once it has started.
func (r *Runtime) Endpoints() []Endpoint { return r.endpoints }

// Start opens everything, in the order in which a message needs it from its end:
// loops, transports, HTTP, brokers. If a part cannot be opened those before it are
// closed again.
func (r *Runtime) Start() error {
	runtime.GOMAXPROCS(r.plan.Procs)
	r.loops.Start()
	r.dispatcher.Start()
	r.dispatcher.Assigned(httpInstance, httpSource, 1)
	err := r.open()
	if err != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		return errors.Join(err, r.close(ctx))
	}
	r.ready.Store(true)
	return nil
}

func (r *Runtime) open() error {
	p := r.prepared
	for i := range p.transports {
		t := &p.transports[i]
		instance, endpoints, err := local.Open(r.loops, i, t.plugin, r.log.With("plugin", t.name))
		if err != nil {
			return fmt.Errorf("plugins.%s: %w", t.name, err)
		}
		r.transports = append(r.transports, instance)
		for k, e := range endpoints {
			r.endpoints = append(r.endpoints, Endpoint{endpointName(t.name, k), e.URL})
		}
	}
	if err := r.openHTTP(); err != nil {
		return err
	}
	for i, b := range r.brokers {
		if err := b.Open(); err != nil {
			r.brokers = r.brokers[:i]
			return fmt.Errorf("plugins.%s: %w", p.mqs[i].name, err)
		}
	}
	for i, instance := range r.transports {
		instance.Listen(r.listenLimits(&p.transports[i]))
	}
	return nil
}

func endpointName(name string, k int) string {
	if k == 0 {
		return name
	}
	return fmt.Sprintf("%s.%d", name, k+1)
}

// listenLimits are one loop's part of the node's limits on new connections.
func (r *Runtime) listenLimits(*transportInstance) sdk.Listen {
	l := &r.prepared.cfg.Limits
	return sdk.Listen{
		AcceptRate: share(int(l.AcceptRate), r.plan.Loops), MaxUnauthenticated: share(l.MaxUnauthenticated, r.plan.Loops),
		ConnectTimeout: time.Duration(l.ConnectTimeout), LoopbackOnly: r.prepared.cfg.Auth.Open() && !r.prepared.insecure,
	}
}

func (r *Runtime) openHTTP() error {
	c := r.prepared.cfg
	settings, err := adminSettings(c, r.prepared.insecure, r.log)
	if err != nil {
		return err
	}
	settings.Metrics = metrics.Handler(r)
	api := admin.New(settings, r)
	l, err := admin.Listen("http", c.HTTP.Listen, (*admin.TLS)(c.HTTP.TLS), api.API(c.Ops != nil), r.log)
	if err != nil {
		return err
	}
	r.addListener(l)
	if c.Ops == nil {
		return nil
	}
	if l, err = admin.Listen("ops", c.Ops.Listen, (*admin.TLS)(c.Ops.TLS), api.Ops(), r.log); err == nil {
		r.addListener(l)
	}
	return err
}

func (r *Runtime) addListener(l *admin.Listener) {
	r.listeners = append(r.listeners, l)
	r.endpoints = append(r.endpoints, Endpoint{l.Name, l.URL})
}

// Stop ends the node in good order until ctx ends: no records and devices are
// taken any more, what is open is given time to be acked and settled, devices are
// told to connect again, and everything is closed.
func (r *Runtime) Stop(ctx context.Context) error {
	r.ready.Store(false)
	r.dispatcher.StopIngress()
	for _, t := range r.transports {
		t.StopListening()
	}
	r.settle(ctx)
	for i := range r.loops.Len() {
		r.answer(i, &shard.Drain{Code: uint16(wire.CodeDraining)})
	}
	r.until(ctx, func() bool { return r.attached(ctx) == 0 })
	return r.close(ctx)
}

// settleTime is how long the end of a node waits for acks of what is under way.
const settleTime = 2 * time.Second

// settle waits for open records to be settled.
func (r *Runtime) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	r.until(ctx, func() bool {
		stats, err := r.dispatcher.Stats(ctx)
		if err != nil {
			return true
		}
		open := 0
		for _, s := range stats.Instances {
			open += int(s.Open)
		}
		return open == 0
	})
}

func (r *Runtime) attached(ctx context.Context) int {
	answers, err := r.queries.all(ctx, shard.Query{Kind: shard.QueryStats})
	if err != nil {
		return 0
	}
	n := 0
	for _, a := range answers {
		n += a.Stats.Attached
	}
	return n
}

// until looks every few milliseconds whether something has come about.
func (r *Runtime) until(ctx context.Context, done func() bool) {
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for !done() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// closeTime is what closing gets even when ctx has ended.
const closeTime = 5 * time.Second

// close ends all parts, what takes from others before those that it takes from.
func (r *Runtime) close(ctx context.Context) error {
	deadline := time.Now().Add(closeTime)
	if d, ok := ctx.Deadline(); ok && d.After(time.Now().Add(time.Second)) {
		deadline = d
	}
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), deadline)
	defer cancel()
	var errs []error
	for _, l := range r.listeners {
		l.Close(ctx)
	}
	for _, t := range r.transports {
		errs = append(errs, t.Close(deadline))
	}
	for i, b := range r.brokers {
		if err := b.Close(deadline); err != nil {
			errs = append(errs, fmt.Errorf("plugins.%s: %w", r.prepared.mqs[i].name, err))
		}
	}
	r.dispatcher.Close()
	r.auth.Close()
	errs = append(errs, r.store.Close(), r.loops.Stop(ctx))
	return errors.Join(errs...)
}
