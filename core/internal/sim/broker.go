package sim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pushcore/pushcore/core/admit"
	"github.com/pushcore/pushcore/core/dispatch"
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// source is a fake broker's partition: a log, how far it is committed, and what
// the present epoch was handed.
type source struct {
	name      string
	log       []*record
	epoch     uint64
	next      int // the record to hand over next
	committed int // all before it are settled
	settled   map[int]bool
}

// record is one record of a source.
type record struct {
	source   *source
	position int
	id       string
	at       time.Time
	headers  []sdk.Header
	message  *envelope.Message // as parsed first; nil: an operation
	op       envelope.ControlOp
	users    []string // that it names

	plain    bool  // nothing in it is a reason for it not to arrive
	solo     bool  // addressed to solo users and their devices only
	withdraw bool  // an operation to withdraw it was published
	started  []int // the runs that it was handed to
	fates    map[envelope.Fate]int
	ended    map[string]bool // users for whom it has ended
}

func (s *source) assign(w *World) {
	s.epoch++
	s.next = s.committed
	s.settled = map[int]bool{}
	w.node.inputs = append(w.node.inputs, dispatch.Assigned{Source: s.name, Epoch: s.epoch})
}

// reassign is a rebalance: the epoch ends, and what is not committed comes again.
func (s *source) reassign(w *World) {
	w.log.add("%s is reassigned from %d", s.name, s.committed)
	w.node.inputs = append(w.node.inputs, dispatch.Revoked{Source: s.name, Epoch: s.epoch})
	s.assign(w)
}

var policy = &admit.Policy{Plugin: "orders", Push: true, Control: true, TTL: 3600e9, StoreAfter: 300e6, PayloadMax: 1 << 20, Receipt: true, DeadLetter: true}

// broker publishes a record or hands some over.
func (w *World) broker() {
	s := pick(w, w.sources)
	if w.chance(600) && !w.calm {
		for range 1 + w.random.IntN(4) {
			w.publish(s)
		}
	}
	w.handOver(s)
}

func (w *World) handOver(s *source) {
	most := min(1+w.random.IntN(5), len(s.log)-s.next)
	if most <= 0 || w.node.rejoining() {
		return
	}
	b := &dispatch.Batch{Source: s.name, Epoch: s.epoch}
	for _, r := range s.log[s.next : s.next+most] {
		b.Records = append(b.Records, w.parse(r))
		if n := len(r.started); n == 0 || r.started[n-1] != w.runs {
			r.started = append(r.started, w.runs)
		}
	}
	s.next += most
	w.node.inputs = append(w.node.inputs, b)
}

func (w *World) parse(r *record) admit.Parsed {
	p := admit.Parse(policy, admit.From{Source: r.source.name, Stable: true}, &sdk.Record{
		Position: uint64(r.position), Timestamp: r.at, Headers: r.headers, Body: []byte(r.id),
	}, w.wall())
	if p.Err != nil {
		panic(p.Err)
	}
	return p
}

// publish appends a record to a source.
func (w *World) publish(s *source) {
	r := &record{source: s, position: len(s.log), at: w.wall(), plain: true, fates: map[envelope.Fate]int{}, ended: map[string]bool{}}
	add := func(name, value string) { r.headers = append(r.headers, sdk.Header{Name: name, Value: []byte(value)}) }
	if w.chance(120) {
		w.publishOp(r, add)
	} else {
		w.publishMessage(r, add)
	}
	p := w.parse(r)
	s.log = append(s.log, r)
	w.log.add("%s %d: %s", s.name, r.position, showHeaders(r.headers))
	if p.Message != nil {
		r.id, r.message = p.ID, p.Message
		w.records[r.id] = r
		w.order = append(w.order, r)
	}
}

func (w *World) publishOp(r *record, add func(string, string)) {
	r.plain = false
	d := pick(w, w.devices)
	group := pick(w, []string{"m0", "m1", "j0"})
	switch n := w.random.IntN(10); {
	case n < 5:
		r.op = envelope.OpJoin
		add("push-op", "join")
		add("push-group", group)
		add("push-to", "user:"+d.user+",user:"+w.devices[0].user)
		w.member[[2]string{group, d.user}] = true
		w.member[[2]string{group, w.devices[0].user}] = true
	case n < 6:
		r.op, r.users = envelope.OpLeave, []string{d.user}
		add("push-op", "leave")
		add("push-group", group)
		add("push-to", "user:"+d.user)
	case n < 7:
		r.op = envelope.OpDissolve
		add("push-op", "dissolve")
		add("push-group", group)
	case n < 8:
		r.op, r.users = envelope.OpKick, []string{d.user}
		add("push-op", "kick")
		add("push-to", "user:"+d.user)
	default:
		if len(w.order) == 0 {
			r.op = envelope.OpDissolve
			add("push-op", "dissolve")
			add("push-group", group)
			return
		}
		target := w.order[max(0, len(w.order)-1-w.random.IntN(10))]
		target.withdraw = true
		target.plain = false
		add("push-op", "withdraw")
		add("push-id", target.id)
	}
}

func (w *World) publishMessage(r *record, add func(string, string)) {
	var to []string
	r.solo = true
	for range 1 + w.random.IntN(2) {
		d := pick(w, w.devices)
		switch n := w.random.IntN(100); {
		case w.chance(w.shape.chatty / 2):
			to = append(to, "group:"+chat)
			r.solo = false
		case n < 50:
			to = append(to, "user:"+d.user)
			r.solo = r.solo && d.kind == solo
		case n < 60 && d.id != "":
			to = append(to, "device:"+d.user+"/"+d.id)
			r.solo = r.solo && d.kind == solo
		case n < 90:
			to = append(to, "group:"+pick(w, []string{"m0", "m1", "j0", "c0"}))
			r.solo = false
		default:
			to = append(to, "all")
			r.solo = false
		}
	}
	add("push-to", strings.Join(to, ","))
	odd := func(name, value string) {
		add(name, value)
		r.plain = false
	}
	if w.chance(200) {
		odd("push-class", "fast")
	}
	if w.chance(100) {
		odd("push-except", pick(w, []string{"user:" + pick(w, w.devices).user, "group:m0", "group:j0"}))
	}
	if w.chance(80) {
		odd("push-platform", pick(w, []string{"phone", "web"}))
	}
	if w.chance(100) {
		odd("push-ttl", pick(w, []string{"0", "1s", "4s"}))
	}
	if w.chance(100) {
		odd("push-collapse", pick(w, []string{"a", "b"}))
	}
	if w.chance(200) {
		add("push-ack", "any")
	}
	if w.chance(200) {
		add("push-receipt", pick(w, []string{"final", "all"}))
	}
}

// settle takes what admission says to the broker.
func (w *World) settle(e *admit.Effects) {
	for i := range e.Settled {
		one := &e.Settled[i]
		s := w.source(one.Source)
		if one.Epoch != s.epoch {
			continue
		}
		at := int(one.Position)
		if s.settled[at] {
			w.broken("%s %d is settled twice", s.name, at)
		}
		s.settled[at] = true
		w.log.add("%s %d is settled", s.name, at)
		w.checkSafe(s.log[at])
		w.checkKept(s.log[at])
		for s.committed < len(s.log) && s.settled[s.committed] {
			s.committed++
		}
	}
	w.node.letters = append(w.node.letters, e.Letters...)
}

func (w *World) source(name string) *source {
	return w.sources[slices.IndexFunc(w.sources, func(s *source) bool { return s.name == name })]
}

// egress is the broker's other side: what was published to it.
type egress struct {
	receipts map[string]int     // of final events, by message id
	told     map[[2]string]bool // by message id and user: there was one
	letters  int
	uplinks  map[string]int
}

func (o *egress) take(p *shard.Publish) {
	if o.receipts == nil {
		o.receipts, o.told, o.uplinks = map[string]int{}, map[[2]string]bool{}, map[string]int{}
	}
	switch p.Output {
	case sdk.OutputReceipt:
		var body struct{ Event, ID, User string }
		if err := json.Unmarshal(p.Body, &body); err != nil {
			panic(err)
		}
		if body.Event != "stored" {
			o.receipts[body.ID]++
			o.told[[2]string{body.ID, body.User}] = true
		}
	case sdk.OutputDeadLetter:
		o.letters++
	case sdk.OutputUplink:
		o.uplinks[header(p.Headers, "push-id")]++
	}
}

func header(headers []sdk.Header, name string) string {
	for _, h := range headers {
		if h.Name == name {
			return string(h.Value)
		}
	}
	return ""
}

// concerns says whether a record may reach a device.
func (w *World) concerns(r *record, d *device) bool {
	m := r.message
	for _, a := range m.Except {
		if a.Kind == wire.User && a.ID == d.user {
			return false
		}
	}
	if len(m.Platforms) > 0 && !slices.Contains(m.Platforms, d.platform) {
		return false
	}
	for _, a := range m.To {
		switch a.Kind {
		case wire.User:
			if a.ID == d.user {
				return true
			}
		case wire.Device:
			if a.ID == d.user && a.Device == d.id {
				return true
			}
		case wire.Group:
			if w.member[[2]string{a.ID, d.user}] || d.joined[a.ID] {
				return true
			}
		case wire.All:
			return true
		}
	}
	return false
}

func showHeaders(headers []sdk.Header) string {
	var b strings.Builder
	for _, h := range headers {
		fmt.Fprintf(&b, "%s=%s ", strings.TrimPrefix(h.Name, "push-"), h.Value)
	}
	return b.String()
}
