package shard

import (
	"slices"
	"time"

	"github.com/pushcore/pushcore/core/compress"
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/group"
	"github.com/pushcore/pushcore/core/session"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// keepEvery is how often at most a session's plugin is told anew how far the
// session has got in the histories of its groups.
const keepEvery = 5 * time.Second

// outlives says whether an instance keeps connections when this process ends.
func (s *Shard) outlives(plugin int) bool {
	return s.cfg.Seal != nil && plugin < len(s.cfg.Outlives) && s.cfg.Outlives[plugin]
}

// keepOf is what a session's plugin is to keep of it, nil: nothing.
func (s *Shard) keepOf(ses *session.Session) []byte {
	if !s.outlives(ses.Plugin) {
		return nil
	}
	ses.Unkept, ses.KeptAt = false, s.now.Mono
	s.packed = appendKept(s.packed[:0], s.keptOf(ses))
	return s.cfg.Seal(s.packed)
}

func (s *Shard) keptOf(ses *session.Session) *kept {
	k := &kept{
		plugin: s.cfg.Plugins[ses.Plugin], user: ses.User.ID, device: ses.Device, platform: ses.Platform,
		id: ses.ID, token: ses.Token, epoch: ses.Epoch, conns: ses.Conns, last: ses.Window.Last(),
		since: ses.Since, expires: ses.Expires, heartbeat: ses.Heartbeat, windowMax: ses.WindowMax,
		codec: compress.Number(ses.Codec).Name(), client: ses.Client, peer: ses.Peer,
	}
	for i, name := range s.cfg.ForwardHeaders {
		if ses.Headers&(1<<i) != 0 {
			k.headers = append(k.headers, name)
		}
	}
	for _, m := range ses.Joined {
		g := m.Group.(*group.Group)
		k.groups = append(k.groups, keptGroup{g.Name, m.Claimed, positionIn(ses, g)})
	}
	return k
}

// positionIn is how far a session was given a group's history: up to where it is
// read for it, or to what waits in its outbox.
func positionIn(ses *session.Session, g *group.Group) uint64 {
	if !g.Keeps {
		return 0
	}
	for _, c := range ses.CatchUps {
		if c.Group != g.Name {
			continue
		}
		if len(c.Entries) > 0 {
			return c.Entries[0].Replayed - 1
		}
		return c.After
	}
	at := g.Reached.Position
	for i := range ses.Out.Len() {
		e := ses.Out.At(i)
		if e.Pair != nil || !isOf(e.Part.Message, int(e.From), g.Name) {
			continue // What is reliable comes again by itself.
		}
		if p := e.Part.Message.Position(int(e.From)); p > 0 && p <= at {
			at = p - 1
		}
	}
	return at
}

// isOf says whether a message's address is a group.
func isOf(m *envelope.Message, at int, name string) bool {
	return at < len(m.To) && m.To[at].Kind == wire.Group && m.To[at].ID == name
}

// keepAnew has a session's plugin told of what has changed, at the end of the turn.
func (s *Shard) keepAnew(ses *session.Session) {
	if ses.Unkept || !s.outlives(ses.Plugin) {
		return
	}
	ses.Unkept = true
	s.unkept = append(s.unkept, ses)
}

// keepNow has it told before anything else that this turn has for the connection:
// what a device has been told stands after a crash.
func (s *Shard) keepNow(ses *session.Session) {
	if ses.Unkept && ses.State == session.Attached && s.outlives(ses.Plugin) {
		s.command(ses.Plugin, sdk.Command{Kind: sdk.CommandKeep, Conn: ses.Conn, Keep: s.keepOf(ses)})
	}
}

// joinWanted joins a session to the groups that CONNECT named: to all of them before
// the first is answered, so that the plugin is told once.
func (s *Shard) joinWanted(ses *session.Session) {
	for _, name := range ses.Wanted {
		if s.mayJoin(ses, name) {
			s.join(ses, name, false)
		}
	}
	for _, name := range ses.Wanted {
		s.deviceJoins(ses, name, 0)
	}
	ses.Wanted = nil
}

// tellKeeps gives the plugins what they are to keep from now on.
func (s *Shard) tellKeeps() {
	for i, ses := range s.unkept {
		s.unkept[i] = nil
		s.keepNow(ses) // Who attaches later tells it then.
	}
	s.unkept = s.unkept[:0]
}

// keepPosition has the plugin told now and then of how far a session has got in the
// histories of its groups: what lies between is given again after a crash.
func (s *Shard) keepPosition(ses *session.Session) {
	if !ses.Unkept && s.now.Mono-ses.KeptAt >= keepEvery {
		s.keepAnew(ses)
	}
}

// headersOf is the mask of forwarded headers by names.
func (s *Shard) headersOf(names []string) (mask uint64) {
	for i, name := range s.cfg.ForwardHeaders {
		if slices.Contains(names, name) {
			mask |= 1 << i
		}
	}
	return mask
}
