package shard

import (
	"slices"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/group"
	"github.com/pushcore/pushcore/core/session"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/sdk/wire"
)

// operation is an operation of the backend until all its effects are stored.
type operation struct {
	record envelope.RecordID
	answer *Answer // to an operator; Count is of the pairs that end
	left   int
}

// control applies an operation of the backend and reports it safe when the store
// has it.
func (s *Shard) control(c *envelope.Control) {
	op := &operation{record: c.Record, left: 1}
	switch c.Op {
	case envelope.OpJoin:
		s.membersJoin(c, op)
	case envelope.OpLeave:
		s.membersLeave(c, op)
	case envelope.OpDissolve:
		s.dissolve(c, op)
	case envelope.OpKick:
		s.kickAll(c)
	case envelope.OpWithdraw:
		s.withdraw(c, op)
	}
	s.operationDone(op)
}

// operationDone takes one hold off an operation.
func (s *Shard) operationDone(op *operation) {
	op.left--
	switch {
	case op.left > 0:
	case op.answer != nil:
		s.effects.Answers = append(s.effects.Answers, *op.answer)
	case op.record != 0:
		s.effects.Reports = append(s.effects.Reports, envelope.Report{Kind: envelope.ReportSafe, Loop: s.cfg.ID, Record: op.record})
	}
}

// alsoStore adds an operation of the store to one of the backend.
func (s *Shard) alsoStore(op *operation, u *session.User, o store.Op) {
	op.left++
	s.submit(&job{op: o, user: u, order: op})
}

// membersJoin makes users members. The dispatcher routes the group here since it
// dispatched the operation, so it counts as confirmed.
func (s *Shard) membersJoin(c *envelope.Control, op *operation) {
	g := s.group(c.Group)
	g.Joins++
	g.Reach(c.Reached)
	s.confirm(g)
	most := s.cfg.Group(c.Group).MembersMax
	for i := range c.To {
		u := s.user(c.To[i].ID)
		if most > 0 && g.Members() >= most && !g.HasUser(u) {
			s.stats.MembersRefused++
			s.forgetIdle(u)
			continue
		}
		if g.AddUser(u) {
			s.alsoStore(op, u, store.Op{Kind: store.PutMember, Group: c.Group})
		}
	}
	s.left(g)
}

func (s *Shard) membersLeave(c *envelope.Control, op *operation) {
	for i := range c.To {
		if u := s.users[c.To[i].ID]; u != nil {
			s.userLeaves(u, c.Group, op)
		}
	}
}

func (s *Shard) userLeaves(u *session.User, name string, op *operation) {
	g := s.groups[name]
	if g == nil {
		return
	}
	if g.RemoveUser(u) && op != nil {
		s.alsoStore(op, u, store.Op{Kind: store.RemoveMember, Group: name})
	}
	for _, ses := range u.Sessions {
		s.deviceLeaves(ses, name)
	}
	s.left(g)
	s.forgetIdle(u)
}

// dissolve empties a group.
func (s *Shard) dissolve(c *envelope.Control, op *operation) {
	if g := s.groups[c.Group]; g != nil {
		for g.Members() > 0 {
			u := g.User(0)
			g.RemoveUser(u)
			s.alsoStore(op, u, store.Op{Kind: store.RemoveMember, Group: c.Group})
		}
		for g.Joined() > 0 {
			ses := g.Session(0)
			g.RemoveSession(ses)
			s.leaveHistory(ses, g.Name)
		}
		for _, ses := range g.Waiting {
			s.joinResult(ses, g.Name, wire.CodeUnavailable)
		}
		g.Waiting = nil
		s.left(g)
	}
}

// kickAll closes sessions for good, or takes them out of a group.
func (s *Shard) kickAll(c *envelope.Control) {
	for i := range c.To {
		a := &c.To[i]
		u := s.users[a.ID]
		if u == nil {
			continue
		}
		for j := len(u.Sessions) - 1; j >= 0; j-- {
			ses := u.Sessions[j]
			switch {
			case a.Kind == wire.Device && a.Device != ses.Device:
			case c.Group != "":
				s.deviceLeaves(ses, c.Group)
			default:
				s.kick(ses, wire.CodeKicked, "kicked by the backend")
			}
		}
	}
}

// withdraw ends a message for all that have not acked it.
func (s *Shard) withdraw(c *envelope.Control, op *operation) {
	m := &envelope.Message{Scope: c.Scope, ID: c.ID}
	for _, ses := range s.slots {
		if ses != nil {
			s.withdrawFrom(ses, m)
		}
	}
	if s.cfg.ID == 0 { // The store is one for all shards.
		s.alsoStore(op, nil, store.Op{Kind: store.RemoveMessage, Scope: c.Scope, ID: c.ID, Fate: envelope.Withdrawn})
	}
	s.withdrawPuts(m, op)
}

// withdrawPuts ends a message also for users whose Puts of it may reach the store
// behind the operation for all: those of this shard under way, or to be tried again.
func (s *Shard) withdrawPuts(m *envelope.Message, op *operation) {
	var tokens []uint64
	for token, j := range s.jobs {
		if j.op.Kind == store.Put && !j.void && session.SameMessage(j.op.Message, m) {
			tokens = append(tokens, token)
		}
	}
	slices.Sort(tokens)
	for _, token := range tokens {
		s.alsoStore(op, s.jobs[token].user, store.Op{Kind: store.RemoveMessage, Scope: m.Scope, ID: m.ID, Fate: envelope.Withdrawn})
	}
}

// erase forgets a user altogether.
func (s *Shard) erase(id string, op *operation) {
	u := s.users[id]
	if u == nil {
		return
	}
	before := s.stats.Books.Ended()
	for len(u.Sessions) > 0 {
		ses := u.Sessions[0]
		s.endReceiver(ses, envelope.UserErased)
		s.kick(ses, wire.CodeUserErased, "the user was erased")
	}
	for len(u.Members) > 0 {
		g := u.Members[0].Group.(*group.Group)
		g.RemoveUser(u)
		s.left(g)
	}
	for i := range u.Devices {
		s.tellForgotten(u, u.Devices[i].ID, wire.CodeUserErased.String())
	}
	u.Devices = nil
	op.answer.Count += int(s.stats.Books.Ended() - before) //nolint:gosec // A count of pairs.
	s.alsoStore(op, u, store.Op{Kind: store.EraseUser, Fate: envelope.Dropped, Reason: envelope.UserErased})
}
