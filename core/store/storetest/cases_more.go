package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
)

func receipt(mode envelope.ReceiptMode) func(m *envelope.Message) {
	return func(m *envelope.Message) { m.Receipt = mode }
}

// owed writes the notices that a store carries, in its order.
func (b *bench) owed() string {
	var lines []string
	for p := range b.engine.CarriedOwed() {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%d %s/%s %v %v", p.Order, p.User, p.Receiver.Device, p.Fate, p.Reason)))
	}
	return strings.Join(lines, "; ")
}

func (b *bench) owes(rule, want string) {
	b.t.Helper()
	if !b.engine.Durable() {
		want = "" // Who asks has them in memory.
	}
	if got := b.owed(); got != want {
		b.t.Fatalf("%s:\n owed %q\n want %q", rule, got, want)
	}
}

func noticesAreKeptUntilTold(b *bench) {
	a := b.do(put("u1", 1, message("all", receipt(envelope.ReceiptAll)), "x", "y"))
	b.do(put("u1", 2, message("final", receipt(envelope.ReceiptFinal)), "x"))
	b.do(put("u1", 3, message("none"), "x"))
	b.owes("with receipt all, being stored is told, once for each receiver", "1 u1/x pending; 1 u1/y pending")
	if again := b.do(put("u1", 1, message("all", receipt(envelope.ReceiptAll)), "x")); len(again.Owed) > 0 {
		b.t.Fatalf("a Put of what is there owes %d notices", len(again.Owed))
	}
	end := func(order uint64, fate envelope.Fate, reason envelope.Reason) store.Answer {
		return b.do(store.Op{Kind: store.Remove, User: "u1", Order: order, Fate: fate, Reason: reason})
	}
	final := end(2, envelope.Acked, envelope.NoReason)
	end(3, envelope.Acked, envelope.NoReason)
	b.owes("a receipt is owed of the end, in the order of the user's ends", "1 u1/x pending; 1 u1/y pending; 2 u1/x acked")
	b.do(put("u1", 4, message("none"), "x"))
	dead := end(4, envelope.Dead, envelope.NoAck)
	b.owes("a dead letter is owed of any message", "1 u1/x pending; 1 u1/y pending; 2 u1/x acked; 4 u1/x dead no_ack")
	for _, p := range slices.Concat(a.Owed, final.Removed, dead.Removed) {
		if b.engine.Durable() != (p.Owed != 0) {
			b.t.Fatalf("%d %s is owed as %d: a store that is durable, and no other, keeps a notice", p.Order, p.Receiver.Device, p.Owed)
		}
		b.do(store.Op{Kind: store.Told, User: "u1", Owed: p.Owed})
	}
	b.owes("what was told is owed no more", "")
}

func oweIsIdempotent(b *bench) {
	op := store.Op{Kind: store.Owe, User: "u1", Order: 5, Fate: envelope.Acked, Message: message("m", receipt(envelope.ReceiptFinal)),
		Receivers: []store.Receiver{{Device: "x"}}}
	first := b.do(op).Owed
	again := b.do(op).Owed
	if len(first) != 1 || len(again) != 1 || first[0].Owed != again[0].Owed || first[0].Order != 5 {
		b.t.Fatalf("Owe owes %+v, asked again %+v: it keeps one notice and names it", first, again)
	}
	b.owes("Owe keeps a notice", "5 u1/x acked")
	op.Order = 6
	b.do(op)
	b.owes("another order is another notice", "5 u1/x acked; 6 u1/x acked")
	b.do(store.Op{Kind: store.Told, User: "u1", Owed: first[0].Owed})
	b.owes("Told forgets the one", "6 u1/x acked")
	b.census(0)
}

func findNamesAndChangesNothing(b *bench) {
	m := message("a")
	b.do(put("u1", 1, m, "x", "y"))
	b.do(put("u2", 2, m, "x"))
	b.do(put("u1", 3, message("b"), "x"))
	b.do(put("u1", 4, message("a", func(m *envelope.Message) { m.Scope = "other" }), "x"))
	find := store.Op{Kind: store.Find, Scope: "orders", ID: "a", Max: 10}
	for _, want := range []struct {
		user  string
		max   int
		pairs string
		more  bool
	}{
		{"", 10, "1 u1/x pending; 1 u1/y pending; 2 u2/x pending", false},
		{"u1", 10, "1 u1/x pending; 1 u1/y pending", false},
		{"u1", 2, "1 u1/x pending; 1 u1/y pending", false},
		{"u2", 10, "2 u2/x pending", false},
		{"u3", 10, "", false},
	} {
		find.User, find.Max = want.user, want.max
		if a := b.do(find); pairs(a.Found) != want.pairs || a.More != want.more {
			b.t.Fatalf("Find for user %q finds %q, more %v, want %q", want.user, pairs(a.Found), a.More, want.pairs)
		}
	}
	find.User, find.Max = "", 2
	if a := b.do(find); len(a.Found) != 2 || !a.More {
		b.t.Fatalf("Find of two finds %q, more %v", pairs(a.Found), a.More)
	}
	b.census(5)
}

func idsAreKeptUntilTheirTime(b *bench) {
	for i, id := range []string{"first", "second"} {
		b.do(store.Op{Kind: store.Remember, Loop: store.Dispatcher, Scope: "orders", ID: id, Fingerprint: uint64(7 + i), //nolint:gosec // Not negative.
			How: envelope.HowStored, Until: begin.Add(time.Duration(1+i) * time.Hour)})
	}
	kept := func(want string) {
		b.t.Helper()
		var lines []string
		for r := range b.engine.CarriedIDs() {
			lines = append(lines, fmt.Sprintf("%s/%s %d %v %v", r.Scope, r.ID, r.Fingerprint, r.How == envelope.HowStored, r.Until.Sub(begin)))
		}
		if got := strings.Join(lines, "; "); got != want {
			b.t.Fatalf("kept are %q, want %q", got, want)
		}
	}
	kept("orders/first 7 true 1h0m0s; orders/second 8 true 2h0m0s")
	b.advance(time.Hour)
	kept("orders/second 8 true 2h0m0s")
	b.do(store.Op{Kind: store.Remember, Loop: store.Dispatcher, Scope: "orders", ID: "third", Until: begin.Add(3 * time.Hour)})
	kept("orders/second 8 true 2h0m0s; orders/third 0 false 3h0m0s")
}

func historyIsBoundedAndReplayed(b *bench) {
	add := func(group string, position uint64, age time.Duration, since time.Time) {
		m := message(fmt.Sprint("m", position), func(m *envelope.Message) { m.AcceptedAt = begin.Add(-age) })
		b.do(store.Op{Kind: store.Append, Loop: store.Dispatcher, Group: group, Order: position, Message: m, Since: since, Limit: store.Limit{Messages: 3}})
	}
	replayed := func(op store.Op, first uint64, more bool, want string) {
		b.t.Helper()
		op.Kind, op.Loop, op.Group = store.Replay, store.Dispatcher, "g"
		if op.Max == 0 {
			op.Max = 100
		}
		a := b.do(op)
		var lines []string
		for _, e := range a.Entries {
			lines = append(lines, fmt.Sprintf("%d %s", e.Order, e.Message.ID))
		}
		if got := strings.Join(lines, "; "); got != want || a.First != first || a.More != more {
			b.t.Fatalf("Replay after %d: %q from %d, more %v; want %q from %d, more %v", op.Order, got, a.First, a.More, want, first, more)
		}
	}
	replayed(store.Op{}, 0, false, "")
	for position := uint64(1); position <= 5; position++ {
		add("g", position, time.Duration(10-position)*time.Minute, time.Time{}) //nolint:gosec // Small.
	}
	add("h", 1, 0, time.Time{})
	replayed(store.Op{}, 3, false, "3 m3; 4 m4; 5 m5")
	add("g", 4, 0, time.Time{})
	replayed(store.Op{Order: 3}, 3, false, "4 m4; 5 m5")
	replayed(store.Op{Max: 2}, 3, true, "3 m3; 4 m4")
	replayed(store.Op{MaxBytes: 1}, 3, true, "3 m3")
	replayed(store.Op{Since: begin.Add(-6 * time.Minute)}, 4, false, "4 m4; 5 m5")
	add("g", 6, 0, begin.Add(-5*time.Minute))
	replayed(store.Op{}, 5, false, "5 m5; 6 m6")
	positions := map[string]uint64{}
	for group, position := range b.engine.CarriedGroups() {
		positions[group] = position
	}
	if len(positions) != 2 || positions["g"] != 6 || positions["h"] != 1 {
		b.t.Fatalf("positions %v: they are carried", positions)
	}
	b.do(store.Op{Kind: store.Dissolve, Group: "g"})
	replayed(store.Op{}, 0, false, "")
	for group := range b.engine.CarriedGroups() {
		if group == "g" {
			b.t.Fatalf("a group that was dissolved has a position")
		}
	}
	add("g", 1, 0, time.Time{})
	replayed(store.Op{}, 1, false, "1 m1")
}

func highestOrderOutlivesWhatWasPut(b *bench) {
	b.do(put("u1", 7, message("a"), "x"))
	b.do(put("u2", 3, message("b"), "x"))
	b.do(store.Op{Kind: store.Remove, User: "u1", Order: 7, Fate: envelope.Acked})
	if got := b.engine.HighestOrder(); got != 7 {
		b.t.Fatalf("HighestOrder is %d after a Put at 7", got)
	}
	if err := b.engine.Err(); err != nil {
		b.t.Fatalf("Err of an engine that works: %v", err)
	}
}
