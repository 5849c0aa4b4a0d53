package shard

import (
	"slices"
	"strings"
	"time"

	"github.com/pushcore/pushcore/core/group"
	"github.com/pushcore/pushcore/core/session"
	"github.com/pushcore/pushcore/sdk/wire"
)

// Answer answers a Query; which fields are set depends on its kind.
type Answer struct {
	Token    uint64
	Loop     int
	Sessions []SessionView
	User     *UserView // nil: not known here
	Group    *GroupView
	Stats    *Stats
	Count    int
	Left     Left
	Where    *WhereView
	Stored   *StoredView
}

// SessionView is a session as operators see it.
type SessionView struct {
	ID, User, Device, Platform string
	Plugin                     int
	Peer                       string
	Client                     session.Client
	Attached                   bool
	Since                      time.Time
	Groups                     []string
	Queued, Unacked            int
	QueuedBytes                int
	Congested                  bool // its connection takes no more for now
}

// UserView is what the shard knows of a user.
type UserView struct {
	Devices  []session.Device
	Groups   []string
	Sessions []SessionView
	Stored   int // pairs in the store or on their way to it, that have not ended
}

// GroupView is a group's audience in the shard.
type GroupView struct {
	Members []string
	Joined  int
}

func (s *Shard) query(q *Query) {
	a := Answer{Token: q.Token, Loop: s.cfg.ID}
	switch q.Kind {
	case QuerySessions:
		a.Sessions = s.sessionViews(q)
	case QueryUser:
		a.User = s.userView(q.User)
	case QueryGroup:
		a.Group = s.groupView(q.Group)
	case QueryKick:
		a.Count = s.kickUser(q.User, wire.Code(q.Code))
	case QueryErase, QueryForget:
		op := &operation{answer: &a, left: 1}
		if q.Kind == QueryErase {
			s.erase(q.User, op)
		} else {
			s.forget(q.User, q.Device, op)
		}
		s.operationDone(op)
		return
	case QueryLeft:
		a.Left = s.remainder()
	case QueryWhere:
		a.Where = s.where(q)
	case QueryStored:
		s.findStored(q)
		return
	case QueryStats:
		a.Stats = s.statsCopy()
	}
	s.effects.Answers = append(s.effects.Answers, a)
}

// sessionViews are the sessions behind After in the order of their ids.
func (s *Shard) sessionViews(q *Query) []SessionView {
	var chosen []*session.Session
	for _, ses := range s.slots {
		if ses != nil && ses.ID > q.After && (q.User == "" || q.User == ses.User.ID) &&
			(q.Plugin < 0 || (s.cfg.Plugins[q.Plugin] == s.cfg.Plugins[ses.Plugin] && ses.State != session.Detached)) {
			chosen = append(chosen, ses)
		}
	}
	slices.SortFunc(chosen, func(a, b *session.Session) int { return strings.Compare(a.ID, b.ID) })
	if q.Limit > 0 && len(chosen) > q.Limit {
		chosen = chosen[:q.Limit]
	}
	out := make([]SessionView, 0, len(chosen))
	for _, ses := range chosen {
		out = append(out, s.sessionView(ses))
	}
	return out
}

func (s *Shard) sessionView(ses *session.Session) SessionView {
	v := SessionView{
		ID: ses.ID, User: ses.User.ID, Device: ses.Device, Platform: ses.Platform, Plugin: ses.Plugin, Peer: ses.Peer,
		Client: ses.Client, Attached: ses.State == session.Attached, Since: ses.Since,
		Queued: ses.Queued(), QueuedBytes: ses.QueuedBytes(), Unacked: ses.Window.Len(),
		Congested: ses.Congested && ses.State == session.Attached,
	}
	v.Groups = namesOf(ses.Joined)
	return v
}

func namesOf(list session.Memberships) []string {
	var out []string
	for _, m := range list {
		out = append(out, m.Group.(*group.Group).Name)
	}
	slices.Sort(out)
	return out
}

func (s *Shard) userView(id string) *UserView {
	u := s.users[id]
	if u == nil {
		return nil
	}
	v := &UserView{Devices: slices.Clone(u.Devices), Stored: s.onlyStored(u)}
	v.Groups = namesOf(u.Members)
	for _, ses := range u.Sessions {
		v.Sessions = append(v.Sessions, s.sessionView(ses))
	}
	return v
}

func (s *Shard) groupView(name string) *GroupView {
	g := s.groups[name]
	if g == nil {
		return nil
	}
	v := &GroupView{Joined: g.Joined()}
	for i := range g.Members() {
		v.Members = append(v.Members, g.User(i).ID)
	}
	slices.Sort(v.Members)
	return v
}

func (s *Shard) kickUser(id string, code wire.Code) int {
	u := s.users[id]
	if u == nil {
		return 0
	}
	n := len(u.Sessions)
	for len(u.Sessions) > 0 {
		s.kick(u.Sessions[0], code, "kicked by the operator")
	}
	return n
}

// clientsMax bounds the kinds of device that are counted apart.
const clientsMax = 100

func (s *Shard) statsCopy() *Stats {
	c := s.stats
	c.Books = s.Books()
	c.Closes, c.Rejects = cloneCounts(s.stats.Closes), cloneCounts(s.stats.Rejects)
	c.Connections = make([]int, len(s.cfg.Plugins))
	for key := range s.conns {
		c.Connections[key.plugin]++
	}
	for key := range s.arrivals {
		c.Connections[key.plugin]++
	}
	c.Detached, c.NoticesWaiting = s.detached, s.notices
	c.Attached = len(s.slots) - len(s.free) - s.detached
	c.Users, c.Groups = len(s.users), len(s.groups)
	c.Clients = map[ClientOf]int{}
	for _, ses := range s.slots {
		if ses == nil {
			continue
		}
		k := ClientOf{ses.Platform, ses.Client.Version}
		if _, known := c.Clients[k]; !known && len(c.Clients) >= clientsMax {
			k = ClientOf{"other", "other"}
		}
		c.Clients[k]++
	}
	return &c
}

func cloneCounts(m map[CodeOf]uint64) map[CodeOf]uint64 {
	out := make(map[CodeOf]uint64, len(m))
	for k, n := range m {
		out[k] = n
	}
	return out
}
