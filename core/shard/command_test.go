package shard_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// args are the words of a command behind its name.
type args []string

// text is the value of key=value, or empty.
func (a args) text(key string) string {
	for _, word := range a {
		if v, ok := strings.CutPrefix(word, key+"="); ok {
			return v
		}
	}
	return ""
}

func (a args) list(key string) []string {
	if v := a.text(key); v != "" {
		return strings.Split(v, ",")
	}
	return nil
}

func (a args) number(key string, otherwise int) int {
	if n, err := strconv.Atoi(a.text(key)); err == nil {
		return n
	}
	return otherwise
}

func (a args) duration(key string) time.Duration {
	d, _ := sdk.ParseDuration(a.text(key))
	return time.Duration(d)
}

func (a args) has(word string) bool { return slices.Contains(a, word) }

// do carries out commands; those parted by " ; " come in one turn.
func (s *stage) do(commands string) {
	s.out = s.out[:0]
	for command := range strings.SplitSeq(commands, " ; ") {
		s.shard.Begin(s.now())
		s.doOne(command)
	}
	s.turn()
}

func (s *stage) doOne(command string) {
	words := strings.Fields(command)
	a := args(words[1:])
	switch words[0] {
	case "config":
		s.config(a)
	case "push":
		s.push(a)
	case "member", "unmember", "kick", "dissolve", "withdraw":
		s.control(words[0], a)
	case "storenow":
		s.shard.Handle(&envelope.StoreNow{UpTo: s.records})
	case "store":
		s.storeDoes(a)
	case "broker":
		s.away = a[0] == "away"
	case "serve":
		s.budget, _ = strconv.Atoi(a[0])
	case "erase":
		s.shard.Handle(&shard.Query{Kind: shard.QueryErase, User: a[0]})
	case "drain":
		s.shard.Handle(&shard.Drain{Code: uint16(wire.CodeDraining)})
	case "move":
		rate, _ := strconv.ParseFloat(a.text("rate"), 64) // None: 0.
		s.shard.Handle(&shard.Move{Rate: rate, Busy: a.duration("busy"), Within: a.duration("within"), Grace: a.duration("grace")})
	case "down":
		s.shard.Handle(&shard.PluginDown{Incarnation: uint16(a.number("process", 0))})
	case "die", "rejoin", "block", "unblock", "written", "rename":
		s.outside(words[0], a)
	case "crash":
		s.crash()
	case "run":
		d, err := sdk.ParseDuration(a[0])
		if err != nil {
			s.t.Fatalf("%v", err)
		}
		s.run(time.Duration(d))
	case "show":
		s.show()
	default:
		s.event(words[0], a)
	}
}

func (s *stage) storeDoes(a args) {
	switch a[0] {
	case "hold":
		s.held = true
	case "step":
		n := len(s.ops)
		if len(a) > 1 {
			n, _ = strconv.Atoi(a[1])
		}
		s.storeStep(n)
	case "release":
		s.held = false
		s.storeStep(len(s.ops))
	case "fail":
		s.failing = true
	case "full":
		s.full = true
	case "mend":
		s.failing, s.full = false, false
	}
}

// event lets something happen on a connection.
func (s *stage) event(what string, a args) {
	conn, known := s.conns[a[0]]
	if !known && what != "connect" {
		s.t.Fatalf("no connection %s", a[0])
	}
	e := sdk.Event{Conn: conn}
	switch what {
	case "connect":
		s.connect(a)
		return
	case "attach":
		e.Kind = sdk.EventAttached
	case "close":
		e.Kind = sdk.EventClosed
	case "congested":
		e.Kind = sdk.EventCongested
	case "writable":
		e.Kind = sdk.EventWritable
	case "ack":
		e.Kind = sdk.EventAck
		e.Seq, _ = strconv.ParseUint(a[1], 10, 64)
		for _, r := range a[2:] {
			var one sdk.SeqRange
			if _, err := fmt.Sscanf(r, "%d-%d", &one.First, &one.Last); err != nil {
				s.t.Fatalf("range %s", r)
			}
			e.Ranges = append(e.Ranges, one)
		}
	case "nack":
		e.Kind, e.Final, e.RetryAfter = sdk.EventNack, a.has("final"), a.duration("after")
		e.Seq, _ = strconv.ParseUint(a[1], 10, 64)
	case "join":
		e.Kind, e.Group, e.Position = sdk.EventJoin, a[1], uint64(a.number("at", 0))
	case "leave":
		e.Kind, e.Group = sdk.EventLeave, a[1]
	case "uplink":
		e.Kind, e.ID, e.Payload = sdk.EventUplink, a[1], []byte("up")
	case "refresh":
		e.Kind, e.Credentials = sdk.EventRefresh, &sdk.Credentials{}
		s.auth[conn].Expires = s.wall().Add(a.duration("expires"))
	default:
		s.t.Fatalf("no command %s", what)
	}
	s.shard.Events(0, []sdk.Event{e})
}

func (s *stage) connect(a args) {
	conn := sdk.ConnID(len(s.names)+1) | sdk.ConnID(a.number("process", 0))<<48
	s.conns[a[0]], s.names[conn] = conn, a[0]
	s.manual[conn] = a.text("move") == "no"
	s.auth[conn] = &shard.AuthResult{
		Conn: conn, User: a.text("user"), Device: a.text("device"), Platform: a.text("platform"), Groups: a.list("claims"),
	}
	if d := a.duration("expires"); d > 0 {
		s.auth[conn].Expires = s.wall().Add(d)
	}
	c := &sdk.Connect{Groups: a.list("groups"), Window: a.number("window", 0)}
	if old := s.accepts[a.text("resume")]; old != nil {
		c.Resume = &sdk.Resume{Token: old.Token, Epoch: old.Epoch, Seq: uint64(a.number("seq", 0))}
		if a.text("epoch") == "wrong" {
			c.Resume.Epoch++
		}
	}
	s.shard.Events(0, []sdk.Event{{Kind: sdk.EventConnect, Conn: conn, Connect: c}})
}

// addresses reads a list of receivers.
func (s *stage) addresses(words []string) (out []wire.Address) {
	for _, w := range words {
		one, err := wire.ParseAddress(w)
		if err != nil {
			s.t.Fatalf("%v", err)
		}
		out = append(out, one)
	}
	return out
}

func (s *stage) push(a args) {
	s.records++
	s.ids[s.records], s.open[s.records] = a[0], true
	m := &envelope.Message{
		ID: a[0], Scope: "orders", To: s.addresses(a.list("to")), Except: s.addresses(a.list("except")), Platforms: a.list("platform"),
		Collapse: a.text("collapse"), AcceptedAt: s.wall(), ExpiresAt: s.wall().Add(7 * 24 * time.Hour), StoreAfter: 2 * time.Second,
		Origin: envelope.Origin{Plugin: "orders", Source: "push/0", Position: uint64(s.records)}, Record: s.records,
		Payload: make([]byte, a.number("size", 8)), MemorySafe: a.text("memory") == "safe", SessionsOnly: a.text("ttl") == "0",
	}
	if a.text("class") == "fast" {
		m.Class = sdk.Fast
	}
	if a.text("ack") == "any" {
		m.Ack = envelope.AckAny
	}
	m.Receipt = map[string]envelope.ReceiptMode{"final": envelope.ReceiptFinal, "all": envelope.ReceiptAll}[a.text("receipt")]
	if d := a.duration("ttl"); d > 0 {
		m.ExpiresAt = s.wall().Add(d)
	}
	if d := a.duration("store_after"); d > 0 {
		m.StoreAfter = d
	}
	s.keep(m)
	d := &envelope.Deliver{Message: m}
	for i := range m.To {
		d.To = append(d.To, uint16(i))
	}
	s.shard.Handle(d)
}

// control is an operation of the backend; its record is named by it.
func (s *stage) control(what string, a args) {
	s.records++
	s.ids[s.records], s.open[s.records] = what, true
	c := &envelope.Control{Record: s.records}
	switch what {
	case "member":
		c.Op, c.Group, c.To, c.Reached = envelope.OpJoin, a[0], s.addresses(a[1:]), s.histories.reached[a[0]]
	case "unmember":
		c.Op, c.Group, c.To = envelope.OpLeave, a[0], s.addresses(a[1:])
	case "kick":
		c.Op, c.To = envelope.OpKick, s.addresses(a[1:])
		if a[0] != "-" {
			c.Group = a[0]
		}
	case "dissolve":
		c.Op, c.Group = envelope.OpDissolve, a[0]
	case "withdraw":
		c.Op, c.Scope, c.ID = envelope.OpWithdraw, "orders", a[0]
	}
	s.shard.Handle(c)
}

// show lists what is pending, and what of a session.
func (s *stage) show() {
	s.shard.Handle(&shard.Query{Kind: shard.QuerySessions, Plugin: -1})
	for _, answer := range s.shard.Effects().Answers {
		for _, v := range answer.Sessions {
			state := "detached"
			if v.Attached {
				state = "attached"
			}
			s.say("session %s %s: %d queued, %d unacked", s.receiverName(v.User, v.Device), state, v.Queued, v.Unacked)
		}
	}
	var stored []string
	s.store.Scan(func(p store.Pair) {
		stored = append(stored, p.Message.ID+" for "+s.receiverName(p.User, p.Receiver.Device))
	})
	slices.Sort(stored)
	for _, one := range stored {
		s.say("stored: %s", one)
	}
	b := s.shard.Books()
	s.say("carried %d, owed %d, ended %d, pending %d", b.Carried, b.Owed, b.Ended(), len(s.pending()))
	if h := s.shard.Held(); len(s.open) > 0 || h.Parts > 0 {
		s.say("open records %d", h.Parts)
	}
}
