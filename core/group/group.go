// Package group holds the audience of groups within one shard: member users, who
// stay while they are away, and joined sessions. Its main type is Group. It is
// state of one loop; that the dispatcher routes to the loop, and when devices hear
// that they joined, is the shard's.
package group

import (
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/session"
)

// Group is a group's audience in one shard.
type Group struct {
	Name     string
	users    []userAt
	sessions []sessionAt

	Joins     uint64             // joins that the dispatcher knows of since it last heard that the group is empty
	Asked     uint64             // the report whose confirmation is awaited
	Confirmed bool               // the dispatcher routes to this shard
	Waiting   []*session.Session // to be told that they joined, once confirmed

	// Of a group with a history: how long it is kept, and how far it goes as this
	// shard knows. What is newer comes by Deliver from here on.
	Keeps   bool
	Age     time.Duration
	Reached envelope.Reached
}

// Reach notes how far the history goes.
func (g *Group) Reach(r envelope.Reached) {
	if r.Position > g.Reached.Position {
		g.Reached = r
	}
}

// userAt and sessionAt are places in a group, with the place of the membership in
// the other's list.
type userAt struct {
	user *session.User
	at   int
}

type sessionAt struct {
	session *session.Session
	at      int
}

// Empty says whether nobody is in the group.
func (g *Group) Empty() bool { return len(g.users)+len(g.sessions) == 0 }

// Members and Joined count the audience.
func (g *Group) Members() int { return len(g.users) }

// Joined is the number of joined sessions.
func (g *Group) Joined() int { return len(g.sessions) }

// User is member i.
func (g *Group) User(i int) *session.User { return g.users[i].user }

// Session is joined session i.
func (g *Group) Session(i int) *session.Session { return g.sessions[i].session }

// find returns the place of a group in a list of memberships, or -1.
func find(list session.Memberships, g *Group) int {
	for i := range list {
		if list[i].Group == any(g) {
			return i
		}
	}
	return -1
}

// HasUser says whether a user is a member.
func (g *Group) HasUser(u *session.User) bool { return find(u.Members, g) >= 0 }

// HasSession says whether a session has joined.
func (g *Group) HasSession(s *session.Session) bool { return find(s.Joined, g) >= 0 }

// AddUser makes a user a member; false if he is one already.
func (g *Group) AddUser(u *session.User) bool {
	if g.HasUser(u) {
		return false
	}
	g.users = append(g.users, userAt{u, len(u.Members)})
	u.Members = append(u.Members, session.Membership{Group: g, At: len(g.users) - 1})
	return true
}

// AddSession joins a session, by the claims of its credentials or not; false if it
// has joined already.
func (g *Group) AddSession(s *session.Session, claimed bool) bool {
	if g.HasSession(s) {
		return false
	}
	g.sessions = append(g.sessions, sessionAt{s, len(s.Joined)})
	s.Joined = append(s.Joined, session.Membership{Group: g, At: len(g.sessions) - 1, Claimed: claimed})
	return true
}

// RemoveUser ends a membership; false if there was none.
func (g *Group) RemoveUser(u *session.User) bool {
	i := find(u.Members, g)
	if i < 0 {
		return false
	}
	at := u.Members[i].At
	last := len(g.users) - 1
	g.users[at] = g.users[last]
	g.users[at].user.Members[g.users[at].at].At = at
	g.users[last] = userAt{}
	g.users = g.users[:last]

	end := len(u.Members) - 1
	if i != end {
		moved := u.Members[end]
		u.Members[i] = moved
		moved.Group.(*Group).users[moved.At].at = i
	}
	u.Members[end] = session.Membership{}
	u.Members = u.Members[:end]
	return true
}

// RemoveSession takes a session out; false if it was not in.
func (g *Group) RemoveSession(s *session.Session) bool {
	i := find(s.Joined, g)
	if i < 0 {
		return false
	}
	at := s.Joined[i].At
	last := len(g.sessions) - 1
	g.sessions[at] = g.sessions[last]
	g.sessions[at].session.Joined[g.sessions[at].at].At = at
	g.sessions[last] = sessionAt{}
	g.sessions = g.sessions[:last]

	end := len(s.Joined) - 1
	if i != end {
		moved := s.Joined[end]
		s.Joined[i] = moved
		moved.Group.(*Group).sessions[moved.At].at = i
	}
	s.Joined[end] = session.Membership{}
	s.Joined = s.Joined[:end]
	return true
}
