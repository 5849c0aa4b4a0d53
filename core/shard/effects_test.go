package shard_test

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/sdk"
)

// apply takes the shard's effects to where they go, and tells of them; whether there
// were any.
func (s *stage) apply() bool {
	said := len(s.out)
	e := s.shard.Effects()
	ops, auth, published := append([]store.Op(nil), e.Store...), append([]shard.AuthRequest(nil), e.Auth...), append([]shard.Publish(nil), e.Publish...)
	p := &e.Plugins[0]
	for i := range p.Commands {
		s.command(&p.Commands[i])
	}
	for i := range p.Batch.Items {
		s.item(&p.Batch, p.Batch.Items[i])
	}
	for i := range p.Closing {
		s.command(&p.Closing[i])
	}
	reports := append([]envelope.Report(nil), e.Reports...)
	s.shard.Reset()
	for i := range reports {
		s.report(&reports[i])
	}
	for i := range ops {
		s.orders[ops[i].Order] = idOf(ops[i].Message)
		s.say("store %s", s.showOp(&ops[i]))
	}
	s.ops = append(s.ops, ops...)
	if !s.held {
		s.storeStep(len(s.ops))
	}
	for i := range auth {
		s.answerAuth(&auth[i])
	}
	for i := range published {
		s.publish(&published[i])
	}
	return len(s.out) > said || len(ops)+len(auth)+len(published)+len(reports) > 0
}

func idOf(m *envelope.Message) string {
	if m == nil {
		return ""
	}
	return m.ID
}

func (s *stage) command(c *sdk.Command) {
	conn := s.names[c.Conn]
	code := ""
	if c.Code != 0 {
		code = fmt.Sprintf(" %d %s", c.Code, c.Text)
	}
	switch c.Kind {
	case sdk.CommandAccept:
		s.accepts[conn] = c.Accept
		s.left[conn] = &shard.Rejoined{Conn: c.Conn, Keep: c.Accept.Keep}
		how := "new session"
		if c.Accept.Resumed {
			how = "resumed"
		}
		s.say("%s accepted: %s", conn, how)
		if s.acceptedAs != nil {
			s.acceptedAs(c.Accept.Resumed)
		}
		if !s.manual[c.Conn] {
			s.attach = append(s.attach, c.Conn)
		}
	case sdk.CommandKeep:
		s.left[conn].Keep = c.Keep
		s.say("%s is kept anew", conn)
	case sdk.CommandResume:
		s.say("%s goes on", conn)
	case sdk.CommandReject:
		s.say("%s rejected:%s", conn, code)
	case sdk.CommandMove:
		s.say("%s is asked to move within %v", conn, c.Within)
	case sdk.CommandClose:
		s.say("%s closed:%s", conn, code)
		if s.closed != nil {
			s.closed(conn)
		}
	case sdk.CommandJoinResult:
		s.say("%s joined %s%s%s", conn, c.Group, code, positionOf(c))
	case sdk.CommandUplinkResult:
		s.say("%s uplink %s taken%s", conn, c.ID, code)
	case sdk.CommandRefreshResult:
		s.say("%s refreshed%s", conn, code)
	}
}

func positionOf(c *sdk.Command) (text string) {
	if c.Position > 0 {
		text = fmt.Sprintf(" at %d", c.Position)
	}
	if c.Gap {
		text += ", a gap"
	}
	return text
}

func (s *stage) item(b *sdk.Batch, i sdk.Item) {
	m := &b.Messages[i.Message]
	from := ""
	if m.FromGroup != "" {
		from = " from group:" + m.FromGroup
	}
	if m.Position > 0 {
		from += fmt.Sprintf(" at %d", m.Position)
	}
	number := "fast"
	if i.Seq > 0 {
		number = fmt.Sprintf("#%d", i.Seq)
	}
	s.say("%s gets %s %s%s", s.names[i.Conn], number, m.ID, from)
	if left := s.left[s.names[i.Conn]]; left != nil {
		left.Seq = max(left.Seq, i.Seq)
	}
	if s.delivered != nil {
		s.delivered(s.names[i.Conn], i, m)
	}
}

var howNames = [...]string{"acked", "ended", "stored", "memory"}

func (s *stage) report(r *envelope.Report) {
	switch r.Kind {
	case envelope.ReportOwed:
		s.say("%s is owed to %d", s.ids[r.Record], r.Pairs)
	case envelope.ReportSafe:
		if !s.open[r.Record] {
			s.t.Fatalf("%s is reported safe twice\n%v", s.ids[r.Record], s.out)
		}
		delete(s.open, r.Record)
		s.say("%s is safe: %s", s.ids[r.Record], howNames[r.How])
	case envelope.ReportGroupJoin:
		s.say("route group %s", r.Group)
		s.shard.Handle(&envelope.GroupConfirmed{Group: r.Group, Joins: r.Joins, Reached: s.histories.reached[r.Group]})
	case envelope.ReportGroupEmpty:
		s.say("group %s is empty, %d joins", r.Group, r.Joins)
	}
}

var opNames = map[store.OpKind]string{
	store.Put: "put", store.Remove: "remove", store.RemoveMessage: "remove message", store.Page: "page", store.PutDevice: "put device",
	store.ForgetDevice: "forget device", store.PutMember: "put member", store.RemoveMember: "remove member", store.EraseUser: "erase",
	store.Touch: "touch", store.EndSession: "end session", store.Append: "keep", store.Replay: "replay", store.Owe: "owe", store.Told: "told",
}

// receiverName is a receiver's key for people: "user" for whoever comes first.
func (s *stage) receiverName(user, key string) string {
	switch {
	case key == "":
		return user
	case strings.HasPrefix(key, store.SessionPrefix):
		return user + "/(no id)"
	}
	return user + "/" + key
}

func (s *stage) showOp(o *store.Op) string {
	var b strings.Builder
	b.WriteString(opNames[o.Kind])
	switch o.Kind {
	case store.Put, store.Remove:
		id := idOf(o.Message)
		if o.Kind == store.Remove {
			id = s.orderName(o)
		}
		b.WriteString(" " + id)
		for _, r := range o.Receivers {
			b.WriteString(" " + s.receiverName(o.User, r.Device))
		}
		if !o.Until.IsZero() {
			fmt.Fprintf(&b, " for %v", o.Until.Sub(s.wall()))
		}
		if o.Again {
			b.WriteString(" again")
		}
	case store.Owe:
		fmt.Fprintf(&b, " %s of %s for %s", o.Fate, idOf(o.Message), s.receiverName(o.User, o.Receivers[0].Device))
	case store.Told:
		fmt.Fprintf(&b, " %d", o.Owed)
	case store.RemoveMessage:
		b.WriteString(" " + o.ID + " " + o.User)
	case store.Touch:
		if o.Until.IsZero() {
			b.WriteString(" " + s.receiverName(o.User, o.Device) + " lifted")
		} else {
			fmt.Fprintf(&b, " %s for %v", s.receiverName(o.User, o.Device), o.Until.Sub(s.wall()))
		}
	case store.PutMember, store.RemoveMember:
		b.WriteString(" " + o.User + " " + o.Group)
	case store.EraseUser:
		b.WriteString(" " + o.User)
	case store.Replay:
		fmt.Fprintf(&b, " %s from %d", o.Group, o.Order+1)
	default:
		b.WriteString(" " + s.receiverName(o.User, o.Device))
	}
	if s.failing && !s.held {
		b.WriteString(" (fails)")
	}
	return b.String()
}

// orderName names the message of a Remove, which has only its order.
func (s *stage) orderName(o *store.Op) string {
	name := "?"
	s.store.Scan(func(p store.Pair) {
		if p.Order == o.Order {
			name = p.Message.ID
		}
	})
	return name
}

func (s *stage) answerAuth(a *shard.AuthRequest) {
	r := s.auth[a.Conn]
	if r == nil {
		return
	}
	answer := *r
	answer.Refresh = a.Refresh
	s.shard.Handle(&answer)
}

func (s *stage) publish(p *shard.Publish) {
	what := string(p.Output)
	switch p.Output {
	case sdk.OutputReceipt:
		var r struct{ Event, ID, To, Reason string }
		if err := json.Unmarshal(p.Body, &r); err != nil {
			s.t.Fatalf("receipt %s: %v", p.Body, err)
		}
		what = strings.TrimSpace(fmt.Sprintf("receipt: %s %s for %s %s", r.ID, r.Event, r.To, r.Reason))
	case sdk.OutputDeadLetter:
		what = "dead letter:"
		for _, h := range p.Headers {
			if h.Name == "push-dead-to" || h.Name == "push-dead-reason" {
				what += " " + string(h.Value)
			}
		}
	case sdk.OutputEvents:
		var e struct{ Event, User, Device, Reason string }
		if err := json.Unmarshal(p.Body, &e); err != nil {
			s.t.Fatalf("event %s: %v", p.Body, err)
		}
		what = strings.TrimSpace(fmt.Sprintf("event: %s %s/%s %s", e.Event, e.User, e.Device, e.Reason))
	case sdk.OutputUplink:
		what = "uplink:"
		for _, h := range p.Headers {
			if h.Name == "push-from" || h.Name == "push-id" {
				what += " " + string(h.Value)
			}
		}
	}
	result := shard.PublishResult{Token: p.Token}
	if s.away {
		result.Err, result.Retryable = "the broker is away", true
		what += " (not taken)"
	}
	s.say("publish %s", what)
	s.shard.Handle(&shard.Published{Results: []shard.PublishResult{result}})
}

func (s *stage) tellFate(f shard.Fated) {
	end := f.Fate.String()
	if f.Reason != envelope.NoReason {
		end += "(" + f.Reason.String() + ")"
	}
	s.say("%s for %s: %s", f.Message.ID, s.receiverName(f.User, f.Device), end)
	if s.fated != nil {
		s.fated(f)
	}
}
