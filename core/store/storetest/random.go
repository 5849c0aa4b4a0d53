package storetest

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// testRandom does random operations on an engine and on a model and compares each
// answer, the census, and in the end a scan by pages.
func testRandom(t *testing.T, open Open) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench(rt, open)
		defer b.close()
		m := newModel(b.engine.Durable())
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			if rapid.IntRange(0, 9).Draw(rt, "time") == 0 {
				b.advance(time.Duration(rapid.IntRange(1, 20).Draw(rt, "minutes")) * time.Minute)
			}
			b.expireWith(m)
			op := drawOp(func(label string, n int) int { return rapid.IntRange(0, n-1).Draw(rt, label) })
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
