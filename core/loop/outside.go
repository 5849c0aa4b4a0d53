package loop

import (
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/sdk"
)

// A transport in a process of its own has more to say than its events: its end of
// the link, which the loop calls as it calls any transport, says it through its port.
// These methods are for the loop's goroutine, and may be called wherever Emit may;
// what they lead to is applied after the callback has returned.

// Rejoin hands over the connections that the process has kept while there was no
// core, before any event of the link. The slice and what it refers to are valid
// until it returns.
func (p *Port) Rejoin(conns []shard.Rejoined) {
	if p.stir() {
		p.loop.state.Rejoin(p.plugin, conns)
	}
}

// Block stops what is given to the instance's sessions on this loop, commands
// excepted, or lets it go on.
func (p *Port) Block(blocked bool) {
	if p.stir() {
		p.loop.state.Block(p.plugin, blocked)
	}
}

// Written says how many calls of Deliver have been carried out by the process, since
// the port was attached, or Down or Rename was called last.
func (p *Port) Written(deliveries uint64) {
	if p.stir() {
		p.loop.state.Written(p.plugin, deliveries)
	}
}

// Rename tells the ids that connections have in the process that has taken them over,
// of all at once.
func (p *Port) Rename(names []shard.Renamed) {
	if p.stir() {
		p.loop.state.Rename(p.plugin, names)
	}
}

// Down says that the process of this incarnation (see shard.PluginDown) is gone with
// all its connections. The port stays, for the next one; what the shard had for the
// connections that are gone is not given to it.
func (p *Port) Down(incarnation uint16) {
	if !p.stir() {
		return
	}
	l := p.loop
	l.state.Handle(&shard.PluginDown{Plugin: p.plugin, Incarnation: incarnation})
	p.skip(l.state.Effects())
}

// skip passes over what the effects have for the transport so far in this turn.
func (p *Port) skip(e *shard.Effects) {
	p.refusals = nil // The transport may be reading the old ones.
	if p.plugin < len(e.Plugins) {
		mine := &e.Plugins[p.plugin]
		p.done = progress{commands: len(mine.Commands), closing: len(mine.Closing), batch: true}
	}
}

// stir says whether the port is the instance's, which then has something for the
// shard.
func (p *Port) stir() bool {
	if p.loop.port(p.plugin) != p {
		return false
	}
	p.loop.stirred = true
	return true
}

// Leave gives the connections of a transport on this loop away, with what its
// sessions are to whoever takes them over: what the shard has for them is written
// first. The transport is not called any more. It is called from another goroutine.
func (p *Port) Leave() (sessions []shard.Leaving, conns []sdk.Frozen) {
	p.loop.call(func() {
		freezer, ok := p.transport.(sdk.Freezer)
		if !ok || !p.engaged {
			return
		}
		p.loop.apply()
		freezer.Flush(p.loop.id)
		p.engaged = false
		sessions = p.loop.state.Leaving(p.plugin)
		conns = freezer.Freeze(p.loop.id)
	})
	return sessions, conns
}

// On runs f on the port's loop and waits for it, from another goroutine.
func (p *Port) On(f func()) { p.loop.call(f) }
