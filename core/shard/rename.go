package shard

import (
	"time"

	"github.com/pushcore/pushcore/core/session"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// Renamed is a connection that another process of its instance has taken over.
type Renamed struct {
	From, To sdk.ConnID // To 0: it is lost
}

// alias is a connection's later name, for what was asked under its earlier one.
type alias struct {
	to    sdk.ConnID
	until time.Duration
}

// early is a connection that has got here before its name has, or that nobody knows:
// its Accept was applied when the core that had given it was gone.
type early struct {
	closed bool
	until  time.Duration
}

// aliasKept is how long authentication and logins may take.
const aliasKept = 30 * time.Second

// earlyKept is how long a name may take from loop to loop. Who has none then is told
// to connect again.
const earlyKept = 5 * time.Second

// Rename gives connections of an instance on this loop the ids that they have in its
// next process, with whatever is under way for them. One that is lost has closed. The
// process before has carried out all that it was given.
func (s *Shard) Rename(plugin int, names []Renamed) {
	i := &s.instances[plugin]
	s.Written(plugin, i.echo.batches)
	i.echo.batches = 0
	s.forgetAliases(plugin)
	for _, n := range names {
		from := connKey{plugin, n.From}
		if n.To == 0 {
			s.event(plugin, &sdk.Event{Kind: sdk.EventClosed, Conn: n.From})
			continue
		}
		to := connKey{plugin, n.To}
		if ses := s.conns[from]; ses != nil {
			delete(s.conns, from)
			s.renameSession(ses, to)
			s.alias(i, n, ses.Refreshing || ses.State == session.Attaching)
		}
		if a := s.arrivals[from]; a != nil {
			delete(s.arrivals, from)
			s.arrivals[to] = a
			s.alias(i, n, true)
			if a.asked && a.owner != s.cfg.ID {
				s.toPeer(a.owner, &LoginRenamed{Plugin: plugin, From: n.From, To: n.To})
			}
		}
		if d, found := s.doomed[from]; found {
			delete(s.doomed, from)
			s.doomed[to] = d
		}
		for k := range s.letIn {
			if s.letIn[k].key == from {
				s.letIn[k].key = to
				s.toPeer(s.letIn[k].owner, &LoginRenamed{Plugin: plugin, From: n.From, To: n.To})
			}
		}
	}
}

// renameSession gives a session's connection another name.
func (s *Shard) renameSession(ses *session.Session, to connKey) {
	from := connKey{ses.Plugin, ses.Conn}
	ses.Conn = to.conn
	s.conns[to] = ses
	for k := range s.moves.gone {
		if s.moves.gone[k].conn == from {
			s.moves.gone[k].conn = to
		}
	}
}

// loginRenamed goes on with a connection that got another name before it got here.
func (s *Shard) loginRenamed(m *LoginRenamed) {
	i := &s.instances[m.Plugin]
	if i.isOver(m.To) {
		return
	}
	from, to := connKey{m.Plugin, m.From}, connKey{m.Plugin, m.To}
	if d, found := s.doomed[from]; found {
		delete(s.doomed, from)
		s.doomed[to] = d
	}
	if ses := s.conns[from]; ses != nil {
		delete(s.conns, from)
		s.renameSession(ses, to)
		s.alias(i, Renamed{m.From, m.To}, true)
	}
	e, found := i.early[m.To]
	delete(i.early, m.To)
	switch {
	case found && e.closed:
		s.closedEarly(to)
		if ses := s.conns[to]; ses != nil {
			s.connectionLost(ses)
		}
	case found:
		s.event(m.Plugin, &sdk.Event{Kind: sdk.EventAttached, Conn: m.To})
	}
}

// attachedEarly notes a connection that may be here under a name which its session
// does not have yet.
func (s *Shard) attachedEarly(key connKey) {
	i := &s.instances[key.plugin]
	if incarnation(key.conn) == 0 || i.isOver(key.conn) {
		return
	}
	if i.early == nil {
		i.early = map[sdk.ConnID]early{}
	}
	until := s.now.Mono + earlyKept
	i.early[key.conn] = early{until: until}
	if s.chores == 0 || until < s.chores {
		s.chores = until
	}
}

// closedBefore notes that such a connection has ended.
func (s *Shard) closedBefore(key connKey) {
	i := &s.instances[key.plugin]
	if e, found := i.early[key.conn]; found {
		e.closed = true
		i.early[key.conn] = e
	}
}

// alias notes a later name, where something may be under way under the earlier one.
func (s *Shard) alias(i *instance, n Renamed, needed bool) {
	if !needed {
		return
	}
	if i.aliases == nil {
		i.aliases = map[sdk.ConnID]alias{}
	}
	i.aliases[n.From] = alias{n.To, s.now.Mono + aliasKept}
}

// keyOf is the key of a connection that may have another name by now.
func (s *Shard) keyOf(plugin int, conn sdk.ConnID) connKey {
	i := &s.instances[plugin]
	for range len(i.aliases) { // One after another: a name is given once.
		a, found := i.aliases[conn]
		if !found {
			break
		}
		conn = a.to
	}
	return connKey{plugin, conn}
}

// forgetAliases drops names that nothing can be under way for any more, and closes
// connections that nobody has named.
func (s *Shard) forgetAliases(plugin int) {
	i := &s.instances[plugin]
	for from, a := range i.aliases {
		if a.until <= s.now.Mono {
			delete(i.aliases, from)
		}
	}
	for conn, e := range i.early {
		if e.until > s.now.Mono {
			continue
		}
		if e.closed {
			delete(i.early, conn)
			continue
		}
		i.early[conn] = early{closed: true, until: s.now.Mono + aliasKept} // Its name may still come.
		s.tellClose(connKey{plugin, conn}, wire.CodePluginRestart, "its session is not known")
	}
}
