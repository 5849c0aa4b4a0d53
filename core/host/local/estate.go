package local

import (
	"fmt"
	"log/slog"

	"github.com/pushcore/pushcore/core/loop"
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/sdk"
)

// Estate is what a transport leaves to the process that takes this one's place.
type Estate struct {
	Listeners []sdk.Frozen
	Conns     []Heritage
}

// Heritage is one connection with its session, or with what its device has said
// that waits to be let in. One of which the shard knows nothing, because CONNECT has
// not come, has neither.
type Heritage struct {
	sdk.Frozen
	Session shard.Rejoined
	Connect *sdk.Connect
}

// Leave gives all connections and listeners away. The transport is not called any
// more; the loops must still run. false: it cannot, and goes on.
func (i *Instance) Leave() (*Estate, bool) {
	freezer, ok := i.transport.(sdk.Freezer)
	if !ok {
		return nil, false
	}
	e := &Estate{}
	for _, p := range i.ports {
		sessions, conns := p.Leave()
		byConn := map[sdk.ConnID]*shard.Leaving{}
		for k := range sessions {
			byConn[sessions[k].Conn] = &sessions[k]
		}
		for _, c := range conns {
			h := Heritage{Frozen: c}
			if s := byConn[c.Conn]; s != nil {
				h.Session, h.Connect = s.Rejoined, s.Connect
			}
			e.Conns = append(e.Conns, h)
		}
	}
	e.Listeners = freezer.FreezeListeners()
	return e, true
}

// Inherit opens a configured transport with what one of an earlier process has
// left, in place of Open. owner is the loop of a session.
func Inherit(loops *loop.Set, plugin int, t sdk.Freezer, e *Estate, owner func(*shard.Rejoined) int, log *slog.Logger) (*Instance, []sdk.Endpoint, error) {
	i := attach(loops, plugin, t)
	endpoints, err := t.AdoptListeners(&host{ports: i.ports, log: log}, e.Listeners)
	if err != nil {
		i.detach()
		return nil, nil, fmt.Errorf("open transport %s: %w", t.Info().Name, err)
	}
	byLoop := make([][]Heritage, len(i.ports))
	for k, h := range e.Conns {
		l := k % len(i.ports)
		if h.Session.Keep != nil {
			l = owner(&h.Session)
		}
		byLoop[l] = append(byLoop[l], h)
	}
	for l, p := range i.ports {
		p.Engage()
		p.On(func() { adopt(p, sdk.Loop(l), t, byLoop[l]) })
	}
	return i, endpoints, nil
}

// adopt goes on with connections on their loop: the sessions rejoin, and who waits
// to be let in asks again.
func adopt(p *loop.Port, l sdk.Loop, t sdk.Freezer, conns []Heritage) {
	frozen := make([]sdk.Frozen, len(conns))
	for k := range conns {
		frozen[k] = conns[k].Frozen
	}
	var sessions []shard.Rejoined
	var asking []sdk.Event
	for k, id := range t.Adopt(l, frozen) {
		s := conns[k].Session
		switch s.Conn, s.Gone = id, id == 0; {
		case conns[k].Connect != nil && id != 0:
			asking = append(asking, sdk.Event{Kind: sdk.EventConnect, Conn: id, Connect: conns[k].Connect})
		case s.Keep != nil:
			sessions = append(sessions, s)
		}
	}
	p.Rejoin(sessions)
	if len(asking) > 0 {
		p.Emit(asking)
	}
}

// Abandon does nothing: a transport in the core leaves, or is closed.
func (i *Instance) Abandon() {}
