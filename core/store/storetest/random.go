package storetest

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
)

// testRandom does random operations on an engine and on a model and compares each
// answer, the census, and in the end a scan by pages.
func testRandom(t *testing.T, open Open) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench(rt, open)
		defer b.close()
		m := &model{durable: b.engine.Durable(), acked: map[modelMessage]bool{}}
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			if rapid.IntRange(0, 9).Draw(rt, "time") == 0 {
				b.advance(time.Duration(rapid.IntRange(1, 20).Draw(rt, "minutes")) * time.Minute)
			}
			b.expireWith(m)
			op := drawOp(rt)
			got, want := b.do(op), m.apply(&op)
			if pairs(got.Removed) != pairs(want.Removed) || entries(got.Entries) != entries(want.Entries) || got.More != want.More {
				rt.Fatalf("%+v:\n got removed %q, page %q, more %v\nwant removed %q, page %q, more %v", op,
					pairs(got.Removed), entries(got.Entries), got.More, pairs(want.Removed), entries(want.Entries), want.More)
			}
			b.expireWith(m) // what was put may have expired already
			b.census(len(m.pairs))
			b.checkHeld(m)
		}
		b.scan(m)
	})
}

// expireWith compares what has expired.
func (b *bench) expireWith(m *model) {
	b.t.Helper()
	if got, want := pairs(b.expired()), pairs(m.expire(b.clock())); got != want {
		b.t.Fatalf("expired %q\n   want %q", got, want)
	}
}

// scan reads all mailboxes and compares the number of pairs with the census.
func (b *bench) scan(m *model) {
	found := 0
	for _, user := range randomUsers {
		for _, device := range randomDevices {
			op := page(user, device, 0)
			op.Platform = "phone"
			got := b.do(op)
			found += len(got.Entries)
			m.apply(&op)
		}
	}
	left := 0 // placeholders that no device of a phone may take
	for i := range m.pairs {
		if m.pairs[i].receiver.Device == "" {
			left++
		}
	}
	if census := b.engine.Census(); found+left != census {
		b.t.Fatalf("a scan finds %d pairs and %d placeholders, Census says %d", found, left, census)
	}
}

// sessionKey is the receiver of a session without a device id.
const sessionKey = store.SessionPrefix + "s"

var (
	randomUsers   = []string{"u1", "u2"}
	randomDevices = []string{"x", "y", sessionKey}
)

func drawOp(rt *rapid.T) store.Op {
	op := store.Op{
		User:   rapid.SampledFrom(randomUsers).Draw(rt, "user"),
		Order:  uint64(rapid.IntRange(1, 12).Draw(rt, "order")),
		Device: rapid.SampledFrom(randomDevices).Draw(rt, "device"),
		Kind: rapid.SampledFrom([]store.OpKind{store.Put, store.Put, store.Put, store.Put, store.Remove, store.RemoveMessage,
			store.Page, store.Page, store.ForgetDevice, store.EraseUser, store.Touch, store.PutDevice, store.EndSession}).Draw(rt, "kind"),
		Fate: envelope.Withdrawn,
	}
	switch op.Kind {
	case store.Put:
		drawPut(rt, &op)
	case store.EndSession:
		op.Device = sessionKey
	case store.Remove:
		op.Fate = rapid.SampledFrom([]envelope.Fate{envelope.Acked, envelope.Withdrawn}).Draw(rt, "fate")
		if rapid.Bool().Draw(rt, "some") {
			op.Receivers = drawReceivers(rt)
		}
	case store.RemoveMessage:
		op.Scope, op.ID = "orders", fmt.Sprint("m", op.Order)
		op.Except = rapid.SampledFrom([]string{"", "x"}).Draw(rt, "except")
	case store.Page:
		op.Order, op.Max = op.Order-1, rapid.IntRange(1, 4).Draw(rt, "max")
		op.Platform = rapid.SampledFrom([]string{"phone", "till"}).Draw(rt, "platform")
	case store.Touch:
		op.Until = begin.Add(time.Duration(rapid.IntRange(1, 60).Draw(rt, "until")) * time.Minute)
	}
	return op
}

// drawPut draws a message whose nature follows from its order, as an order names
// one message.
func drawPut(rt *rapid.T, op *store.Op) {
	order := op.Order
	op.Message = message(fmt.Sprint("m", order), func(m *envelope.Message) {
		if order%3 == 0 {
			m.Collapse = "key"
		}
		if order%4 == 0 {
			m.Platforms = []string{"phone"}
		}
		m.ExpiresAt = begin.Add(time.Duration(10*order) * time.Minute)
	})
	op.Receivers = drawReceivers(rt)
	op.Again = rapid.IntRange(0, 4).Draw(rt, "again") == 0
	op.Limit.Messages = rapid.SampledFrom([]int{0, 0, 5}).Draw(rt, "limit")
	if rapid.Bool().Draw(rt, "waits") {
		op.Until = begin.Add(time.Duration(rapid.IntRange(1, 60).Draw(rt, "until")) * time.Minute)
	}
}

func drawReceivers(rt *rapid.T) (some []store.Receiver) {
	for _, device := range []string{"x", "y", sessionKey, ""} {
		if rapid.Bool().Draw(rt, "receiver "+device) {
			some = append(some, store.Receiver{Device: device, Attempts: max(0, rapid.IntRange(-3, 2).Draw(rt, "attempts")), Here: rapid.IntRange(0, 3).Draw(rt, "here") == 0})
		}
	}
	if some == nil {
		some = []store.Receiver{{Device: "x"}}
	}
	return some
}
