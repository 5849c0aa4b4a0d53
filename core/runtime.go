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
	"github.com/pushcore/pushcore/core/auth"
	"github.com/pushcore/pushcore/core/dispatch"
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/host"
	"github.com/pushcore/pushcore/core/loop"
	"github.com/pushcore/pushcore/core/metrics"
	"github.com/pushcore/pushcore/core/seal"
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/sdk"
)

// Runtime is one process's node. Start and Stop are called once each, by the same
// goroutine, Stop only if Start succeeded; the other methods may be called from any.
type Runtime struct {
	prepared *Prepared
	log      *slog.Logger
	plan     loop.Plan
	began    time.Time // where the clock of loops and dispatcher begins

	loops      *loop.Set
	owner      func(user string) int
	dispatcher *dispatch.Dispatcher
	store      store.Store
	box        *seal.Box // nil: nothing can outlive the node
	auth       *auth.Authenticator
	egress     *host.Egress
	fates      *fateExport
	pushes     *pushes
	queries    *queries
	histories  historyViews

	transportNames []string
	transports     []transport    // by plugin index, as transportNames
	brokers        []*host.Broker // in the order of prepared.mqs
	listeners      []*admin.Listener
	endpoints      []Endpoint

	upgrades chan struct{} // capacity 1: Upgrade → whoever runs the node
	ready    atomic.Bool
	started  atomic.Bool // all of Start is done
	leaving  atomic.Bool // another program is to take over
	draining drain

	scrape  sync.Mutex // guards busy and scraped
	busy    []time.Duration
	scraped time.Time
}

// Endpoint is an address on which the node listens.
type Endpoint struct {
	Name string // http, ops, or a transport instance; further addresses NAME.2, NAME.3 …
	URL  string
}

// New builds a node on what its store holds. Nothing runs, and nothing but the store
// is open, before Start. If the store cannot be opened the error is ErrStore.
func New(p *Prepared, log *slog.Logger) (*Runtime, error) {
	r := &Runtime{prepared: p, log: log, began: time.Now(), queries: newQueries(), upgrades: make(chan struct{}, 1), draining: drain{done: make(chan struct{})}}
	r.plan = loop.NewPlan(runtime.GOMAXPROCS(0), p.cfg.Node.Loops)
	r.busy = make([]time.Duration, r.plan.Loops)
	for _, t := range p.transports {
		r.transportNames = append(r.transportNames, t.name)
	}
	if err := r.buildRing(); err != nil {
		return nil, err
	}
	var err error
	if r.store, err = r.openStore(); err != nil {
		return nil, err
	}
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

// answer takes what a shard asked for to its loop.
func (r *Runtime) answer(l int, in envelope.Input) {
	r.loops.Loop(l).PostAnswers([]envelope.Input{in})
}

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
	r.store.Start()
	r.fates.start()
	r.tellAll(&shard.StoreAnswers{}) // Each begins with what it has to do after loading.
	r.dispatcher.Assigned(httpInstance, httpSource, 1)
	err := r.open()
	if err != nil {
		ctx, cancel := context.WithTimeout(context.Background(), closeTime)
		defer cancel()
		deadline := closeDeadline(ctx)
		r.fates.close(0)
		return errors.Join(err, r.closeTransports(deadline), r.closeBrokers(deadline), r.close(ctx))
	}
	r.ready.Store(true)
	r.started.Store(true)
	return nil
}

func (r *Runtime) open() error {
	r.sweep()
	p := r.prepared
	for i := range p.transports {
		t := &p.transports[i]
		instance, endpoints, err := r.openTransport(r.loops, i)
		if err != nil {
			return fmt.Errorf("plugins.%s: %w", t.name, err)
		}
		r.transports = append(r.transports, instance)
		if i > 0 && r.transportNames[i-1] == t.name {
			continue // It shares the endpoints of the instance's first process.
		}
		for k, e := range endpoints {
			r.endpoints = append(r.endpoints, Endpoint{endpointName(t.name, k), e.URL})
		}
	}
	if e := p.options.Estate; e != nil && len(e.Transports) > 0 {
		r.log.Warn("connections of the program before end: their plugins are not in the configuration any more", "connections", e.Connections())
		e.Close()
	}
	if err := r.openHTTP(); err != nil {
		return err
	}
	for i, b := range r.brokers {
		if err := b.Open(); err != nil {
			return fmt.Errorf("plugins.%s: %w", p.mqs[i].name, err)
		}
	}
	for i, instance := range r.transports {
		instance.Listen(r.listenLimits(&p.transports[i]))
	}
	return r.checkTransports()
}

// checkTransports says which transport does not serve as it was told to.
func (r *Runtime) checkTransports() error {
	for i, instance := range r.transports {
		if err := instance.Check(); err != nil {
			return fmt.Errorf("plugins.%s: %w", r.transportNames[i], err)
		}
	}
	return nil
}

func endpointName(name string, k int) string {
	if k == 0 {
		return name
	}
	return fmt.Sprintf("%s.%d", name, k+1)
}

// listenLimits are one loop's part of the node's limits on new connections of an
// instance.
func (r *Runtime) listenLimits(t *transportInstance) sdk.Listen {
	l, parts := &r.prepared.cfg.Limits, r.plan.Loops*t.parts
	return sdk.Listen{
		AcceptRate: share(int(l.AcceptRate), parts), MaxUnauthenticated: share(l.MaxUnauthenticated, parts),
		ConnectTimeout: time.Duration(l.ConnectTimeout), LoopbackOnly: r.prepared.cfg.Auth.Open() && !r.prepared.exposed(t.name),
	}
}

func (r *Runtime) openHTTP() error {
	c := r.prepared.cfg
	settings, err := adminSettings(c, r.log)
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
