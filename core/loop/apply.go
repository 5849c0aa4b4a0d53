package loop

import (
	"github.com/pushcore/pushcore/core/shard"
)

// apply lets transports do what the shard wants, until it wants nothing more, and
// hands the other effects out. A transport called here may emit events; what they
// lead to is applied here too, after the callback has returned.
func (l *Loop) apply() {
	effects := l.state.Effects()
	for l.act(effects) {
		l.stirred = true
	}
	l.handOut(effects)
	for _, p := range l.ports {
		if p != nil {
			p.done = progress{}
		}
	}
	l.state.Reset()
}

// serve moves a chunk from the outboxes to the transports and says whether more
// could be served.
func (l *Loop) serve() (more bool) {
	l.stirred = false
	more = l.state.Serve(l.config.Chunk)
	if !more {
		l.backlog = backlog{}
	}
	effects := l.state.Effects()
	for i := range effects.Plugins {
		n := len(effects.Plugins[i].Batch.Items)
		l.backlog.served(n)
		l.stats.items.Add(uint64(n))
	}
	for l.act(effects) {
	}
	return more
}

// act gives each transport what has been added to its effects since the last
// call, and says whether there was anything.
func (l *Loop) act(effects *shard.Effects) (acted bool) {
	for _, p := range l.ports {
		if p != nil && p.engaged && p.act(effects) {
			acted = true
		}
	}
	return acted
}

// handOut gives the outlet and the other loops what is theirs.
func (l *Loop) handOut(e *shard.Effects) {
	if len(e.Reports) > 0 {
		l.outlet.Reports(e.Reports)
	}
	if len(e.Store) > 0 {
		l.outlet.Store(e.Store)
	}
	if len(e.Auth) > 0 {
		l.outlet.Auth(e.Auth)
	}
	if len(e.Publish) > 0 {
		l.outlet.Publish(e.Publish)
	}
	if len(e.Answers) > 0 {
		l.outlet.Answers(e.Answers)
	}
	if len(e.Fates) > 0 {
		l.outlet.Fates(e.Fates)
	}
	if len(e.Peers) > 0 {
		l.sendPeers(e.Peers)
	}
}

// sendPeers posts messages to other loops, one batch for each. They are taken
// even by a full mailbox: a loop must not wait for another, and keeping them here
// to try again would bound nothing more (a login under way has two at most) and
// let a dispatcher that fills the mailbox at once starve the logins.
func (l *Loop) sendPeers(peers []shard.ToPeer) {
	for i := range peers {
		to := peers[i].To
		l.outgoing[to] = append(l.outgoing[to], &shard.FromPeer{From: int(l.id), Message: peers[i].Message})
	}
	for to, batch := range l.outgoing {
		if len(batch) > 0 {
			l.peers[to].PostAnswers(batch)
			clear(batch)
			l.outgoing[to] = batch[:0]
		}
	}
}

// progress is how far a transport's effects have been applied.
type progress struct {
	commands, closing int
	batch             bool
}

// act gives the transport what is new among its effects: refusals, commands, the
// batch, closing commands. The effects are looked up before each call, since the
// one before may have added to them.
func (p *Port) act(effects *shard.Effects) (acted bool) {
	if len(p.refusals) > 0 {
		refusals := p.refusals
		p.refusals, p.spare = p.spare[:0], refusals
		p.transport.Command(p.loop.id, refusals)
		acted = true
	}
	if p.plugin >= len(effects.Plugins) {
		return acted
	}
	if c := effects.Plugins[p.plugin].Commands[p.done.commands:]; len(c) > 0 {
		p.done.commands += len(c)
		p.transport.Command(p.loop.id, c)
		acted = true
	}
	if b := &effects.Plugins[p.plugin].Batch; !p.done.batch && len(b.Items) > 0 {
		p.done.batch = true
		p.transport.Deliver(p.loop.id, b)
		acted = true
	}
	if c := effects.Plugins[p.plugin].Closing[p.done.closing:]; len(c) > 0 {
		p.done.closing += len(c)
		p.transport.Command(p.loop.id, c)
		acted = true
	}
	return acted
}
