package shard

import (
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/session"
	"github.com/pushcore/pushcore/core/store"
)

// Place is where a shard knows a pair to be.
type Place uint8

// The places.
const (
	InMemory  Place = iota + 1 // in an outbox or window, or handed to a transport
	UnderWay                   // in a Put without an answer, and nowhere else in memory
	EndedHere                  // it has its fate; the store has not answered its Remove
)

// PairAt is a (message, receiver) that a shard knows of.
type PairAt struct {
	Place   Place
	Message *envelope.Message
	User    string
	Key     string // of the receiver, see store.Receiver
	Order   uint64
	Token   uint64 // UnderWay: of the operation; 0 while it waits to be tried again
}

// Census names every pair that the shard knows of, one by one: what Books only
// counts. It is for tests and for finding out what a difference in the books is.
func (s *Shard) Census(f func(PairAt)) {
	for _, ses := range s.slots {
		if ses == nil {
			continue
		}
		at := func(part *session.Part) {
			f(PairAt{Place: InMemory, Message: part.Message, User: ses.User.ID, Key: ses.Key(), Order: part.Order})
		}
		for item := range ses.Window.All() {
			at(item.Message.Part)
		}
		for i := range ses.Queued() {
			at(ses.QueuedAt(i).Part)
		}
		for _, e := range ses.Handed {
			at(e.Part)
		}
	}
	for token, j := range s.jobs {
		if j.waits {
			token = 0
		}
		j.census(token, f)
	}
	for key := range s.removing {
		f(PairAt{Place: EndedHere, User: key.user, Key: key.device, Order: key.order})
	}
}

func (j *job) census(token uint64, f func(PairAt)) {
	if j.op.Kind != store.Put || storing(j) == 0 {
		return
	}
	for _, r := range j.op.Receivers {
		f(PairAt{Place: UnderWay, Message: j.op.Message, User: j.user.ID, Key: r.Device, Order: j.op.Order, Token: token})
	}
}

// Held counts what a shard holds; all of it is 0 when nothing is left to do and
// nobody is here or known.
type Held struct {
	Users, Groups, Sessions, Conns, Arrivals, Doomed int
	Parts, Jobs, Failed, Removing, Told, Untold, Ups int
	Outside                                          int // what waits for processes of plugins
}

// Held counts what the shard holds.
func (s *Shard) Held() Held {
	return Held{
		Users: len(s.users), Groups: len(s.groups), Sessions: len(s.slots) - len(s.free), Conns: len(s.conns), Arrivals: len(s.arrivals), Doomed: len(s.doomed),
		Parts: len(s.parts), Jobs: len(s.jobs), Failed: len(s.failed), Removing: len(s.removing),
		Told: len(s.told), Untold: len(s.untold), Ups: len(s.uplinks), Outside: s.outside(),
	}
}
