package core

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/pushcore/pushcore/core/admin"
	"github.com/pushcore/pushcore/core/admit"
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/sdk"
)

// Bounds of one answer.
const (
	whereRows  = 1000            // pending receivers of each shard, and of the store
	whereStore = 2 * time.Second // for the store's answer; the rest does not wait longer for it
	oldestRows = 10
)

// Where implements admin.Node. The store is asked first, then the shards: what moves
// meanwhile is then seen twice rather than not at all, and shown once.
func (r *Runtime) Where(ctx context.Context, q admin.WhereQuery) (admin.Whereabouts, error) {
	what := shard.Query{Kind: shard.QueryWhere, ID: q.ID, User: q.User, Limit: whereRows}
	if q.Source != nil {
		what.Origin = envelope.Origin{Plugin: q.Source.Plugin, Source: q.Source.Name(), Position: q.Source.Offset}
	}
	brought, err := r.dispatcher.Find(ctx, what.ID, what.Origin)
	if err != nil {
		return admin.Whereabouts{}, err
	}
	found := newFound(r, q)
	found.records(brought)
	if q.Source != nil {
		if what.ID, err = r.idOf(ctx, what, brought); err != nil {
			return admin.Whereabouts{}, err
		}
		found.scope, what.Origin = q.Source.Plugin, envelope.Origin{}
	}
	if what.ID != "" {
		r.whereStored(ctx, found, what)
	}
	answers, err := r.queries.all(ctx, what)
	if err != nil {
		return admin.Whereabouts{}, err
	}
	for _, a := range answers {
		found.shard(a.Where)
	}
	return found.answer(), nil
}

// idOf finds the id of the message of a record; empty if nobody knows it.
func (r *Runtime) idOf(ctx context.Context, what shard.Query, brought []admit.Brought) (string, error) {
	for i := range brought {
		if brought[i].ID != "" {
			return brought[i].ID, nil
		}
	}
	answers, err := r.queries.all(ctx, what)
	for _, a := range answers {
		for i := range a.Where.Past {
			return a.Where.Past[i].ID, nil
		}
		for i := range a.Where.Pending {
			return a.Where.Pending[i].Message.ID, nil
		}
	}
	return "", err
}

// whereStored asks the store, in each scope that the message may be of. If it does
// not say in time, the answer goes without.
func (r *Runtime) whereStored(ctx context.Context, found *found, what shard.Query) {
	ctx, cancel := context.WithTimeout(ctx, whereStore)
	defer cancel()
	what.Kind = shard.QueryStored
	for _, scope := range r.instanceNames() {
		if found.scope != "" && found.scope != scope {
			continue
		}
		what.Scope = scope
		answers, err := r.queries.ask(ctx, what, r.owner(what.User))
		if err == nil {
			err = answers[0].Stored.Err
		}
		if err != nil {
			found.out.Incomplete = "the store does not say what it has: " + err.Error()
			if errors.Is(err, context.DeadlineExceeded) {
				return
			}
			continue
		}
		found.stored = append(found.stored, answers[0].Stored.Pairs...)
		found.storedMore = found.storedMore || answers[0].Stored.More
	}
}

// Oldest implements admin.Node.
func (r *Runtime) Oldest(ctx context.Context) ([]admin.OldestOpen, error) {
	stats, err := r.dispatcher.Stats(ctx)
	if err != nil {
		return nil, err
	}
	var list []admin.OldestOpen
	for i := range stats.Instances {
		in := &stats.Instances[i]
		if in.Open == 0 {
			continue
		}
		o := admin.OldestOpen{
			Plugin: in.Instance, Open: in.Open, ID: in.Waits.ID, AgeMS: in.Oldest.Milliseconds(),
			Source: admin.SourceOf(in.Instance, in.Waits.Source, in.Waits.Position),
		}
		if o.Waits, err = r.waitsFor(ctx, &o); err != nil {
			return nil, err
		}
		list = append(list, o)
	}
	return list, nil
}

// waitsFor names receivers for which an open record waits.
func (r *Runtime) waitsFor(ctx context.Context, o *admin.OldestOpen) ([]admin.Receiver, error) {
	waits := []admin.Receiver{}
	if o.ID == "" {
		o.Detail = "an operation, whose effect is not stored, or a dead letter that the broker has not taken"
		return waits, nil
	}
	answers, err := r.queries.all(ctx, shard.Query{Kind: shard.QueryWhere, ID: o.ID, Limit: oldestRows})
	for _, a := range answers {
		for i := range a.Where.Pending {
			if p := &a.Where.Pending[i]; p.Message.Scope == o.Plugin && len(waits) < oldestRows {
				waits = append(waits, receiverOf(p))
			}
		}
	}
	if len(waits) == 0 {
		o.Detail = "no receiver: a loop has not taken it yet, or a receipt, a dead letter or its id is not kept"
	}
	return waits, err
}

// deadLetterOf is the instance that gets the dead letters of records of another one;
// empty: none does.
func (r *Runtime) deadLetterOf(plugin string) string {
	if r.egress.Target(sdk.OutputDeadLetter, plugin) == nil {
		return ""
	}
	if route := r.prepared.cfg.Routes.DeadLetter; route != "source" {
		return route
	}
	return plugin
}

// samePair tells whether what the store has is what a shard has.
func samePair(p *store.Pair, v *shard.PendingView) bool {
	return p.User == v.User && p.Receiver.Device == v.Key && sameMessage(p.Message, v.Message)
}

func sameMessage(a, b *envelope.Message) bool {
	return a.Scope == b.Scope && a.ID == b.ID && a.AcceptedAt.Equal(b.AcceptedAt)
}

// inMemory tells whether a shard has what the store has, too.
func inMemory(p *store.Pair, pending []shard.PendingView) bool {
	return slices.ContainsFunc(pending, func(v shard.PendingView) bool { return samePair(p, &v) })
}
