package core

import (
	"fmt"
	"time"

	"github.com/pushcore/pushcore/core/admit"
	"github.com/pushcore/pushcore/core/dispatch"
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/host"
	"github.com/pushcore/pushcore/core/loop"
	"github.com/pushcore/pushcore/core/ring"
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

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
		sdk.OutputUplink: p.uplink, sdk.OutputEvents: p.cfg.Routes.Events, sdk.OutputFates: p.cfg.Routes.Fates,
		sdk.OutputReceipt: p.cfg.Routes.Receipt, sdk.OutputDeadLetter: p.cfg.Routes.DeadLetter,
	}
	brokers, outputs := map[string]*host.Broker{}, map[string][]sdk.Output{}
	for i := range p.mqs {
		m := &p.mqs[i]
		in := &ingress{index: i + 1, store: r.store, log: r.log.With("plugin", m.name), stable: map[string]bool{}}
		b := host.NewBroker(m.name, m.plugin, in, p.cfg.Limits.Uplink.Queue.Messages, r.log.With("plugin", m.name))
		r.brokers = append(r.brokers, b)
		brokers[m.name], outputs[m.name] = b, m.setup.Outputs
	}
	r.egress = host.NewEgress(routes, brokers, outputs)
	r.fates = newFateExport(func(out sdk.Outgoing, reply host.Reply) { r.egress.Publish(out, "", reply) })
	r.pushes = newPushes(r.httpPolicy(), r.store.Err)
	out := &outside{
		brokers: append([]*host.Broker{nil}, r.brokers...), names: r.instanceNames(), pushes: r.pushes, egress: r.egress,
		dispatcher: func() *dispatch.Dispatcher { return r.dispatcher }, log: r.log,
	}
	hasLetters := func(instance string) bool { return r.egress.Target(sdk.OutputDeadLetter, instance) != nil }
	r.dispatcher = dispatch.NewDispatcher(dispatch.Config{
		State: dispatch.StateConfig{
			Admit: admitSettings(p, hasLetters, r.store.Durable()), Loops: r.plan.Loops, Owner: r.owner, History: historyRules(p.cfg)},
		Now:     r.admitNow,
		Loops:   postLoops{r},
		Outside: out,
		Store:   r.store.Submit,
	})
	for group, position := range r.store.CarriedGroups() {
		r.dispatcher.State().RecallPosition(group, position)
	}
	r.pushes.dispatcher = r.dispatcher
	for i, b := range r.brokers {
		in := b.Ingress().(*ingress)
		in.dispatcher = r.dispatcher
		in.policy = r.inputPolicy(i)
	}
}

// instanceNames are the instances that bring records, by admission's index.
func (r *Runtime) instanceNames() []string {
	names := []string{httpName}
	for i := range r.prepared.mqs {
		names = append(names, r.prepared.mqs[i].name)
	}
	return names
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
	box, err := r.sealBox()
	if err != nil {
		return err
	}
	r.box = box
	var states []loop.State
	var shards []*shard.Shard
	for i := range r.plan.Loops {
		settings := shardSettings(c, i, r.plan.Loops, r.transportNames, r.owner)
		settings.Run = r.began.UTC().Format(time.RFC3339Nano)
		settings.Durable = r.store.Durable()
		r.outlive(&settings, box)
		s, err := shard.New(settings)
		if err != nil {
			return err
		}
		shards = append(shards, s)
		states = append(states, s)
	}
	r.recall()
	r.loadShards(shards)
	out := &outlet{dispatcher: r.dispatcher, store: r.store, auth: r.auth, egress: r.egress, fates: r.fates, refused: refusals{log: r.log}, queries: r.queries}
	set, err := loop.NewSet(loopSettings(c, r.began, r.log), states, out)
	if err != nil {
		return err
	}
	r.loops, out.loops, r.queries.loops = set, set, set
	return nil
}

// postLoops is the loops as the dispatcher sees them; they are made after it.
type postLoops struct{ r *Runtime }

func (p postLoops) Post(l int, in []envelope.Input) bool { return p.r.loops.Post(l, in) }
