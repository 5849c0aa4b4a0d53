package core

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pushcore/pushcore/core/admin"
	"github.com/pushcore/pushcore/core/host/process"
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

var _ admin.Node = (*Runtime)(nil)

// errDraining is why a node is not ready any more.
var errDraining = errors.New("the node is stopping")

// Push implements admin.Node.
func (r *Runtime) Push(ctx context.Context, records []sdk.Record, in admin.Input) []admin.PushResult {
	return r.pushes.push(ctx, records, in)
}

// Ready implements admin.Node.
func (r *Runtime) Ready() error {
	if !r.ready.Load() {
		return errDraining
	}
	return errors.Join(r.checkTransports(), r.checkMQs())
}

// checkMQs says which MQ plugin is down for good, as far as can be told. A broker
// that is away, or a plugin that is soon back, does not keep a node from working.
func (r *Runtime) checkMQs() error {
	for i := range r.prepared.mqs {
		m, ok := r.prepared.mqs[i].plugin.(*process.MQ)
		if !ok {
			continue
		}
		if err := m.Broken(); err != nil {
			return fmt.Errorf("plugins.%s: %w", r.prepared.mqs[i].name, err)
		}
	}
	return nil
}

// Sessions implements admin.Node.
func (r *Runtime) Sessions(ctx context.Context, q admin.SessionQuery) ([]admin.Session, string, error) {
	what := shard.Query{Kind: shard.QuerySessions, User: q.User, Plugin: -1, Limit: q.Limit, After: q.After}
	if q.Plugin != "" {
		if what.Plugin = slices.Index(r.transportNames, q.Plugin); what.Plugin < 0 {
			return nil, "", nil
		}
	}
	answers, err := r.queries.all(ctx, what)
	if err != nil {
		return nil, "", err
	}
	var list []admin.Session
	for _, a := range answers {
		for i := range a.Sessions {
			list = append(list, r.sessionOf(&a.Sessions[i]))
		}
	}
	slices.SortFunc(list, func(a, b admin.Session) int { return strings.Compare(a.ID, b.ID) })
	if q.Limit == 0 || len(list) < q.Limit {
		return list, "", nil
	}
	list = list[:q.Limit]
	return list, list[len(list)-1].ID, nil
}

func (r *Runtime) sessionOf(v *shard.SessionView) admin.Session {
	s := admin.Session{
		ID: v.ID, User: v.User, Device: v.Device, Platform: v.Platform, Plugin: r.transportNames[v.Plugin], Peer: v.Peer,
		Client: strings.TrimSpace(v.Client.Name + " " + v.Client.Version), State: "detached", Since: v.Since.UTC(),
		Groups: v.Groups, Queued: v.Queued, QueuedBytes: v.QueuedBytes, Unacked: v.Unacked, Congested: v.Congested,
	}
	if v.Attached {
		s.State = "attached"
	}
	return s
}

// Kick implements admin.Node.
func (r *Runtime) Kick(ctx context.Context, user string) (int, error) {
	return r.count(ctx, shard.Query{Kind: shard.QueryKick, User: user, Code: uint16(wire.CodeKicked)})
}

// Erase implements admin.Node.
func (r *Runtime) Erase(ctx context.Context, user string) (int, error) {
	return r.count(ctx, shard.Query{Kind: shard.QueryErase, User: user})
}

// Forget implements admin.Node.
func (r *Runtime) Forget(ctx context.Context, user, device string) (int, error) {
	return r.count(ctx, shard.Query{Kind: shard.QueryForget, User: user, Device: device})
}

// count asks the owner of a user.
func (r *Runtime) count(ctx context.Context, q shard.Query) (int, error) {
	answers, err := r.queries.ask(ctx, q, r.owner(q.User))
	if err != nil {
		return 0, err
	}
	return answers[0].Count, nil
}

// User implements admin.Node.
func (r *Runtime) User(ctx context.Context, user string) (admin.User, error) {
	u := admin.User{User: user, Devices: []admin.Device{}, Groups: []string{}, Sessions: []admin.SessionBrief{}}
	answers, err := r.queries.ask(ctx, shard.Query{Kind: shard.QueryUser, User: user}, r.owner(user))
	if err != nil {
		return u, err
	}
	if answers[0].User == nil {
		return u, admin.ErrNotFound
	}
	v := answers[0].User
	u.Groups = append(u.Groups, v.Groups...)
	u.Mailbox.Messages = v.Stored
	for _, d := range v.Devices {
		u.Devices = append(u.Devices, admin.Device{ID: d.ID, Platform: d.Platform, Seen: d.Seen.UTC()})
	}
	for i := range v.Sessions {
		s := r.sessionOf(&v.Sessions[i])
		u.Sessions = append(u.Sessions, admin.SessionBrief{ID: s.ID, Device: s.Device, Plugin: s.Plugin, State: s.State})
	}
	return u, nil
}

// Group implements admin.Node.
func (r *Runtime) Group(ctx context.Context, group string) (admin.Group, error) {
	g := admin.Group{Group: group, Members: []string{}}
	answers, err := r.queries.all(ctx, shard.Query{Kind: shard.QueryGroup, Group: group})
	if err != nil {
		return g, err
	}
	for _, a := range answers {
		if a.Group != nil {
			g.Members = append(g.Members, a.Group.Members...)
			g.Joined += a.Group.Joined
		}
	}
	slices.Sort(g.Members)
	g.History, err = r.history(ctx, group)
	return g, err
}
