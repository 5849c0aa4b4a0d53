package shard

import (
	"slices"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/group"
	"github.com/pushcore/pushcore/core/session"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

const (
	// joinedMax bounds the groups that one session may join.
	joinedMax = 1000
	// waitingMax bounds the joins of one group that wait for the dispatcher; its
	// answer takes a moment, so only a device that floods gets there.
	waitingMax = 100_000
)

// group returns the group of a name, new or known.
func (s *Shard) group(name string) *group.Group {
	g := s.groups[name]
	if g == nil {
		rule := s.cfg.Group(name)
		g = &group.Group{Name: name, Keeps: rule.History, Age: rule.HistoryAge}
		s.groups[name] = g
	}
	return g
}

// addMember makes a user a member and, if he is the shard's first, tells the
// dispatcher.
func (s *Shard) addMember(g *group.Group, u *session.User) bool {
	first := g.Empty()
	if !g.AddUser(u) {
		return false
	}
	s.announce(g, first)
	return true
}

// announce asks the dispatcher to route a group here that has its first member.
func (s *Shard) announce(g *group.Group, first bool) {
	if first && !g.Confirmed {
		g.Joins++
		g.Asked = s.nextToken()
		s.effects.Reports = append(s.effects.Reports, envelope.Report{
			Kind: envelope.ReportGroupJoin, Loop: s.cfg.ID, Group: g.Name, Joins: g.Asked})
	}
}

// confirmed takes the dispatcher's answer to a report. One to a report of before
// the group was empty last says nothing.
func (s *Shard) confirmed(in *envelope.GroupConfirmed) {
	if g := s.groups[in.Group]; g != nil && g.Asked == in.Joins {
		g.Reach(in.Reached)
		s.confirm(g)
	}
}

// confirm tells those who joined that they did: from now on nothing that is pushed
// to the group passes this shard by.
func (s *Shard) confirm(g *group.Group) {
	g.Confirmed = true
	for i := range g.Joined() {
		if g.Keeps {
			s.keepAnew(g.Session(i)) // Its position is known now.
		}
	}
	for _, ses := range g.Waiting {
		s.joined(ses, g)
	}
	g.Waiting = nil
	for i := range g.Joined() {
		if ses := g.Session(i); len(ses.CatchUps) > 0 {
			s.catchUp(ses) // It has rejoined.
		}
	}
}

// left forgets a group that nobody is in any more.
func (s *Shard) left(g *group.Group) {
	if !g.Empty() || s.groups[g.Name] != g {
		return
	}
	delete(s.groups, g.Name)
	if g.Joins > 0 {
		s.effects.Reports = append(s.effects.Reports, envelope.Report{
			Kind: envelope.ReportGroupEmpty, Loop: s.cfg.ID, Group: g.Name, Joins: g.Joins})
	}
}

// deviceJoins joins a session to a group as its device asked, if the group's rule
// allows it, and sees to it that it gets what came after the position it has.
func (s *Shard) deviceJoins(ses *session.Session, name string, position uint64) {
	switch g := s.groups[name]; {
	case !wire.ValidID(name):
		s.joinResult(ses, name, wire.CodeBadRequest)
	case g != nil && g.HasSession(ses):
		s.wish(ses, g, position)
		s.tellJoined(ses, g)
	case !s.mayJoin(ses, name):
		s.joinResult(ses, name, wire.CodeForbidden)
	default:
		g = s.join(ses, name, false)
		s.wish(ses, g, position)
		s.tellJoined(ses, g)
	}
}

// mayJoin says whether a device may join a group by itself.
func (s *Shard) mayJoin(ses *session.Session, name string) bool {
	return wire.ValidID(name) && s.cfg.Group(name).Join == JoinDevice && len(ses.Joined) < joinedMax
}

// joinByClaim joins a session to a group that its credentials name.
func (s *Shard) joinByClaim(ses *session.Session, name string) {
	if wire.ValidID(name) && s.cfg.Group(name).Join != JoinBackend {
		s.join(ses, name, true)
	}
}

func (s *Shard) join(ses *session.Session, name string, claimed bool) *group.Group {
	g := s.group(name)
	first := g.Empty()
	if g.AddSession(ses, claimed) {
		s.keepAnew(ses)
	}
	s.announce(g, first)
	return g
}

// tellJoined answers a join, at once or when the dispatcher has confirmed it.
func (s *Shard) tellJoined(ses *session.Session, g *group.Group) {
	if g.Confirmed {
		s.joined(ses, g)
		return
	}
	if len(g.Waiting) >= waitingMax {
		s.joinResult(ses, g.Name, wire.CodeRateExceeded)
		return
	}
	g.Waiting = append(g.Waiting, ses)
}

func (s *Shard) joinResult(ses *session.Session, name string, code wire.Code) {
	if ses.State != session.Attached {
		return // It asks again when it comes back.
	}
	c := sdk.Command{Kind: sdk.CommandJoinResult, Conn: ses.Conn, Group: name, Code: uint16(code)}
	if code != 0 {
		c.Text = code.String()
	}
	s.command(ses.Plugin, c)
}

// deviceLeaves takes a session out of a group.
func (s *Shard) deviceLeaves(ses *session.Session, name string) {
	if g := s.groups[name]; g != nil && g.RemoveSession(ses) {
		s.keepAnew(ses)
		s.leaveHistory(ses, name)
		g.Waiting = slices.DeleteFunc(g.Waiting, func(w *session.Session) bool {
			if w == ses {
				s.joinResult(ses, name, wire.CodeUnavailable) // It left before it was in; each Join has its answer.
			}
			return w == ses
		})
		s.left(g)
	}
}

// leaveAll takes a session that ends out of all its groups.
func (s *Shard) leaveAll(ses *session.Session) {
	for len(ses.Joined) > 0 {
		s.deviceLeaves(ses, ses.Joined[0].Group.(*group.Group).Name)
	}
}
