package core

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/pushcore/pushcore/core/admin"
	"github.com/pushcore/pushcore/core/admit"
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/fates"
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/sdk/wire"
)

// found gathers what the parts of the node say of messages.
type found struct {
	runtime *Runtime
	user    string
	scope   string // only this one; empty: all
	out     admin.Whereabouts

	stored     []store.Pair
	storedMore bool
	pending    []shard.PendingView
	messages   map[acceptance]*foundMessage
}

// acceptance names a message each time it was accepted: an id may be pushed again
// when its window is over.
type acceptance struct {
	scope, id string
	at        int64
}

// foundMessage is a message as its parts come together.
type foundMessage struct {
	admin.Message
	owed, ended int
	pending     int // seen
}

func newFound(r *Runtime, q admin.WhereQuery) *found {
	return &found{
		runtime: r, user: q.User, messages: map[acceptance]*foundMessage{},
		out: admin.Whereabouts{Since: r.began.UTC()},
	}
}

// outcomes are the words for what became of a record at admission.
var outcomes = map[admit.What]string{
	admit.Open: "open", admit.Died: "dead", admit.Repeated: "repeat", admit.Joined: "joined", admit.Nobody: "nobody"}

// records takes what admission says.
func (f *found) records(list []admit.Brought) {
	names := f.runtime.instanceNames()
	for i := range list {
		b := &list[i]
		r := admin.Record{ID: b.ID, Source: admin.SourceOf(names[b.Instance], b.Source, b.Position), At: b.At.UTC(), Outcome: outcomes[b.What]}
		if b.Err != nil {
			r.Reason, r.Detail = b.Err.Reason.String(), b.Err.Error()
		}
		if b.Lettered {
			r.DeadLetter = f.runtime.deadLetterOf(names[b.Instance])
		}
		f.out.Records = append(f.out.Records, r)
	}
}

// shard takes what one shard says.
func (f *found) shard(v *shard.WhereView) {
	if v.Since.After(f.out.Since) {
		f.out.Since = v.Since
	}
	for i := range v.Past {
		if p := &v.Past[i]; f.scope == "" || f.scope == p.Scope {
			f.past(p)
		}
	}
	for i := range v.Pending {
		p := &v.Pending[i]
		if f.scope == "" || f.scope == p.Message.Scope {
			f.pending = append(f.pending, *p)
			m := f.of(p.Message)
			m.add(receiverOf(p))
			m.More = m.More || v.More
		}
	}
}

// past takes what a shard remembers of one message.
func (f *found) past(p *fates.Message) {
	m := f.of(&envelope.Message{ID: p.ID, Scope: p.Scope, Name: p.Name, Class: p.Class, Origin: p.Origin, AcceptedAt: p.AcceptedAt})
	m.owed += p.Owed
	for fate, n := range p.Fates {
		if n > 0 {
			m.Totals[envelope.Fate(fate).String()] += n
			m.ended += n
		}
	}
	for i := range p.Ends {
		e := &p.Ends[i]
		at := e.At
		row := admin.Receiver{
			To: addressOf(e.User, e.Device), User: e.User, Device: e.Device, Fate: e.Fate.String(), Reason: e.Reason.String(), Attempts: e.Attempts, At: &at}
		if e.Fate == envelope.Dead {
			row.DeadLetter = f.runtime.deadLetterOf(p.Origin.Plugin)
		}
		m.Rows = append(m.Rows, row)
	}
}

// of finds or begins a message.
func (f *found) of(e *envelope.Message) *foundMessage {
	key := acceptance{e.Scope, e.ID, e.AcceptedAt.UnixNano()}
	m := f.messages[key]
	if m == nil {
		m = &foundMessage{Message: admin.Message{
			ID: e.ID, Scope: e.Scope, Name: e.Name, Class: classNames[e.Class], AcceptedAt: e.AcceptedAt.UTC(),
			Source: admin.SourceOf(e.Origin.Plugin, e.Origin.Source, e.Origin.Position), Totals: map[string]int{}, Rows: []admin.Receiver{},
		}}
		f.messages[key] = m
	}
	return m
}

func (m *foundMessage) add(r admin.Receiver) {
	m.pending++
	m.Rows = append(m.Rows, r)
}

// receiverOf is a pending pair as a row.
func receiverOf(p *shard.PendingView) admin.Receiver {
	r := admin.Receiver{
		To: addressOf(p.User, p.Device), User: p.User, Device: p.Device, Fate: envelope.Pending.String(), Where: places[p.Where], Attempts: p.Attempts}
	if !p.Next.IsZero() {
		next := p.Next.UTC()
		r.NextAt = &next
	}
	return r
}

var places = [...]string{shard.Queued: "queued", shard.InFlight: "in_flight", shard.Storing: "storing", shard.Stored: "stored"}

func addressOf(user, device string) string {
	if device == "" {
		return wire.Address{Kind: wire.User, ID: user}.String()
	}
	return wire.Address{Kind: wire.Device, ID: user, Device: device}.String()
}

// takeStored takes what only the store has: what has ended meanwhile, or is in
// memory as well, is known already.
func (f *found) takeStored() {
	for i := range f.stored {
		p := &f.stored[i]
		device := p.Receiver.Device
		if strings.HasPrefix(device, store.SessionPrefix) {
			device = ""
		}
		m := f.of(p.Message)
		over := slices.ContainsFunc(m.Rows, func(r admin.Receiver) bool {
			return device != "" && r.User == p.User && r.Device == device && r.Fate != envelope.Pending.String()
		})
		if !over && !inMemory(p, f.pending) {
			m.add(receiverOf(&shard.PendingView{User: p.User, Device: device, Where: shard.Stored, Attempts: p.Receiver.Attempts}))
		}
		m.More = m.More || f.storedMore
	}
}

// answer puts it together, the latest first.
func (f *found) answer() admin.Whereabouts {
	f.takeStored()
	for _, m := range f.messages {
		late := f.out.Since.After(m.AcceptedAt) // So a shard may have forgotten what it owed.
		f.out.Messages = append(f.out.Messages, m.finish(f.user, late))
	}
	slices.SortFunc(f.out.Messages, func(a, b admin.Message) int {
		return cmp.Or(b.AcceptedAt.Compare(a.AcceptedAt), cmp.Compare(a.Scope, b.Scope))
	})
	slices.SortStableFunc(f.out.Records, func(a, b admin.Record) int { return b.At.Compare(a.At) })
	return f.out
}

// finish counts what is pending and leaves out the rows of those who got it where
// there are too many.
func (m *foundMessage) finish(user string, late bool) admin.Message {
	if !late {
		m.pending = max(m.pending, m.owed-m.ended) // Some may have no row.
	}
	if m.pending > 0 {
		m.Totals[envelope.Pending.String()] = m.pending
	}
	receivers := m.pending + m.ended
	if !late {
		receivers = m.owed
		m.Receivers = &receivers
	}
	if receivers > fates.RowsMax && user == "" {
		m.Rows = slices.DeleteFunc(m.Rows, func(r admin.Receiver) bool {
			return r.Fate == envelope.Acked.String() || r.Fate == envelope.Sent.String() || r.Fate == envelope.Withdrawn.String()
		})
	}
	m.More = m.More || user == "" && receivers > len(m.Rows)
	slices.SortStableFunc(m.Rows, func(a, b admin.Receiver) int {
		return cmp.Or(cmp.Compare(rank(&a), rank(&b)), cmp.Compare(a.To, b.To), cmp.Compare(instantOf(a.At), instantOf(b.At)))
	})
	return m.Message
}

// rank puts what is pending first, then what failed.
func rank(r *admin.Receiver) int {
	switch r.Fate {
	case envelope.Pending.String():
		return 0
	case envelope.Dead.String(), envelope.Dropped.String(), envelope.Expired.String():
		return 1
	}
	return 2
}

func instantOf(t *time.Time) int64 {
	if t == nil {
		return 0
	}
	return t.UnixNano()
}
