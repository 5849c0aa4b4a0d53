package shard

import (
	"github.com/pushcore/pushcore/core/session"
	"github.com/pushcore/pushcore/sdk"
)

// block says why an instance is blocked.
type block uint8

// Who blocks an instance on this loop.
const (
	blockedByHost      block = 1 << iota // Block: what it is sent is not taken, or it is being replaced
	blockedByTransport                   // EventCongested without a connection
)

// Block stops what is given to all sessions of a transport instance on this loop,
// or lets it go on. Commands still go there; messages wait as for a connection that
// takes none, and retry clocks stand still. An instance that ends is not blocked
// any more.
func (s *Shard) Block(plugin int, blocked bool) { s.block(plugin, blockedByHost, blocked) }

func (s *Shard) block(plugin int, why block, on bool) {
	i := &s.instances[plugin]
	before := i.blocks
	switch {
	case on:
		i.blocks |= why
		if before == 0 {
			i.blockedAt = s.now.Mono
		}
	default:
		i.blocks &^= why
		if before != 0 && i.blocks == 0 {
			i.stood += s.now.Mono - i.blockedAt
			s.unpark(plugin)
		}
	}
}

// instanceEvent takes what a transport says of all its connections here.
func (s *Shard) instanceEvent(plugin int, e *sdk.Event) {
	if e.Kind == sdk.EventCongested || e.Kind == sdk.EventWritable {
		s.block(plugin, blockedByTransport, e.Kind == sdk.EventCongested)
	}
}

// park has a session wait until its instance is not blocked any more.
func (s *Shard) park(ses *session.Session) {
	at := uint16(ses.Plugin) + 1 //nolint:gosec // There are few plugins.
	if ses.ParkedAt == at {
		return
	}
	ses.ParkedAt = at
	i := &s.instances[ses.Plugin]
	i.parked = append(i.parked, ses)
}

// unpark goes on with those who waited.
func (s *Shard) unpark(plugin int) {
	i := &s.instances[plugin]
	for _, ses := range i.parked {
		if int(ses.ParkedAt) == plugin+1 {
			ses.ParkedAt = 0
		}
		s.markDirty(ses)
	}
	i.parked = nil
}
