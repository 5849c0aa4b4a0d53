package shard

import (
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/fates"
	"github.com/pushcore/pushcore/core/session"
	"github.com/pushcore/pushcore/core/store"
)

// WhereView is what a shard knows of the messages that were asked for.
type WhereView struct {
	Past    []fates.Message // what is remembered, the latest first
	Pending []PendingView   // what has not ended, at most Query.Limit
	More    bool            // there are others
	Since   time.Time       // nothing has been forgotten from then on; zero: in this run
}

// PendingView is a (message, receiver) that has not ended.
type PendingView struct {
	Message      *envelope.Message
	User, Device string // no device: a session without an id, or whoever comes first
	Key          string // of the receiver, see store.Receiver
	Where        Where
	Attempts     int
	Next         time.Time // InFlight: when it is sent again; zero: not while things stay as they are
}

// Where is where a pending pair is.
type Where uint8

// The places.
const (
	Queued   Where = iota + 1 // in the outbox of a session
	InFlight                  // sent, without an ack; or with its transport
	Storing                   // on its way to the store
	Stored                    // in the store only
)

// StoredView is what the store has of a message.
type StoredView struct {
	Pairs []store.Pair
	More  bool
	Err   error // it could not say
}

// where looks for messages in memory and in what is remembered.
func (s *Shard) where(q *Query) *WhereView {
	v := &WhereView{Since: s.past.Since()}
	if q.Origin.Plugin != "" {
		v.Past = s.past.FindOrigin(q.Origin, q.User)
	} else {
		v.Past = s.past.Find(q.ID, q.User)
	}
	l := look{q: q, view: v}
	for _, ses := range s.slots {
		if ses != nil && (q.User == "" || q.User == ses.User.ID) {
			s.lookAt(&l, ses)
		}
	}
	for _, j := range s.jobs {
		if storing(j) == 0 || !l.wants(j.op.Message) || (q.User != "" && q.User != j.user.ID) {
			continue
		}
		for _, r := range j.op.Receivers {
			l.add(PendingView{Message: j.op.Message, User: j.user.ID, Device: deviceOf(r.Device), Key: r.Device, Where: Storing, Attempts: r.Attempts})
		}
	}
	return v
}

// look is one search.
type look struct {
	q    *Query
	view *WhereView
}

func (l *look) wants(m *envelope.Message) bool {
	if l.q.Origin.Plugin != "" {
		return m.Origin == l.q.Origin
	}
	return m.ID == l.q.ID
}

func (l *look) add(p PendingView) {
	if l.view.More = len(l.view.Pending) >= l.q.Limit; !l.view.More {
		l.view.Pending = append(l.view.Pending, p)
	}
}

// lookAt looks at what a session has in memory.
func (s *Shard) lookAt(l *look, ses *session.Session) {
	for item := range ses.Window.All() {
		if m := item.Message.Part.Message; l.wants(m) {
			p := PendingView{Message: m, User: ses.User.ID, Device: ses.Device, Key: ses.Key(), Where: InFlight, Attempts: item.Past.Attempts()}
			if wait, known := ses.Window.Wait(item.Seq, s.now.Mono); known {
				p.Next = s.now.Wall.Add(wait)
			}
			l.add(p)
		}
	}
	for i := range ses.Out.Len() {
		if e := ses.Out.At(i); l.wants(e.Part.Message) {
			p := PendingView{Message: e.Part.Message, User: ses.User.ID, Device: ses.Device, Key: ses.Key(), Where: Queued}
			if e.Pair != nil {
				p.Attempts = e.Pair.Attempts
			}
			l.add(p)
		}
	}
	for _, e := range ses.Handed {
		if m := e.Part.Message; l.wants(m) {
			l.add(PendingView{Message: m, User: ses.User.ID, Device: ses.Device, Key: ses.Key(), Where: InFlight, Attempts: 1})
		}
	}
}

// findStored asks the store, whose answer is the query's.
func (s *Shard) findStored(q *Query) {
	s.submit(&job{query: q.Token, op: store.Op{Kind: store.Find, User: q.User, Scope: q.Scope, ID: q.ID, Max: q.Limit}})
}

func (s *Shard) foundStored(query uint64, a *store.Answer) {
	s.effects.Answers = append(s.effects.Answers, Answer{
		Token: query, Loop: s.cfg.ID, Stored: &StoredView{Pairs: a.Found, More: a.More, Err: a.Err}})
}
