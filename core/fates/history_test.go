package fates

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/sdk"
)

var begin = time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)

func message(id string, position uint64) *envelope.Message {
	return &envelope.Message{
		ID: id, Scope: "orders", Name: "shipped", Class: sdk.Reliable, AcceptedAt: begin,
		Origin: envelope.Origin{Plugin: "orders", Source: "push/3", Position: position},
	}
}

func TestHistoryTellsWhatBecameOfAMessage(t *testing.T) {
	h := New(1 << 20)
	m := message("a", 7)
	ref := h.Accepted(m, begin)
	h.Owes(ref, 3)
	h.Ended(ref, m, &End{User: "u1", Device: "phone", Fate: envelope.Acked, Attempts: 2}, begin.Add(time.Second))
	h.Ended(ref, m, &End{User: "u2", Fate: envelope.Dead, Reason: envelope.NoAck, Attempts: 30}, begin.Add(time.Minute))
	found := h.Find("a", "")
	if len(found) != 1 {
		t.Fatalf("found %+v", found)
	}
	f := found[0]
	if f.ID != "a" || f.Scope != "orders" || f.Name != "shipped" || f.Class != sdk.Reliable || f.Origin != m.Origin || !f.AcceptedAt.Equal(begin) || f.Late {
		t.Errorf("the message came back as %+v", f)
	}
	if f.Owed != 3 || f.Fates[envelope.Acked] != 1 || f.Fates[envelope.Dead] != 1 {
		t.Errorf("owed %d, fates %v", f.Owed, f.Fates)
	}
	want := []End{
		{User: "u2", Fate: envelope.Dead, Reason: envelope.NoAck, Attempts: 30, At: begin.Add(time.Minute)},
		{User: "u1", Device: "phone", Fate: envelope.Acked, Attempts: 2, At: begin.Add(time.Second)},
	}
	if !slices.Equal(f.Ends, want) {
		t.Errorf("ends %+v, want %+v", f.Ends, want)
	}
	if got := h.Find("a", "u1"); len(got[0].Ends) != 1 || got[0].Ends[0].User != "u1" {
		t.Errorf("of u1: %+v", got)
	}
	if got := h.FindOrigin(m.Origin, ""); len(got) != 1 || got[0].ID != "a" {
		t.Errorf("by its origin: %+v", got)
	}
	if got := h.FindOrigin(envelope.Origin{Plugin: "orders", Source: "push/4", Position: 7}, ""); len(got) != 0 {
		t.Errorf("another partition's record: %+v", got)
	}
}

func TestHistoryShowsAllScopesOfAnID(t *testing.T) {
	h := New(1 << 20)
	for _, scope := range []string{"orders", "http"} {
		m := message("a", 1)
		m.Scope = scope
		h.Accepted(m, begin)
	}
	if got := h.Find("a", ""); len(got) != 2 || got[0].Scope != "http" || got[1].Scope != "orders" {
		t.Errorf("found %+v", got)
	}
}

func TestHistoryOfALargeAudienceHasRowsForThoseWithoutIt(t *testing.T) {
	h := New(4 << 20)
	m := message("a", 1)
	ref := h.Accepted(m, begin)
	h.Owes(ref, 10_000)
	for i := range 10_000 {
		e := End{User: fmt.Sprint("u", i), Fate: envelope.Acked}
		if i%5 == 0 {
			e.Fate, e.Reason = envelope.Dropped, envelope.Slow
		}
		ref = h.Ended(ref, m, &e, begin)
	}
	f := h.Find("a", "")[0]
	if f.Fates[envelope.Acked] != 8000 || f.Fates[envelope.Dropped] != 2000 || len(f.Ends) != failedMax {
		t.Errorf("%v, %d rows", f.Fates, len(f.Ends))
	}
	for _, e := range f.Ends {
		if e.Fate == envelope.Acked {
			t.Fatalf("a row for %+v", e)
		}
	}
}

func TestHistoryRemembersTheEndOfWhatItForgot(t *testing.T) {
	h := New(1)
	m := message("old", 1)
	ref := h.Accepted(m, begin)
	h.Owes(ref, 2)
	if !h.Since().IsZero() {
		t.Errorf("nothing is forgotten yet, and Since is %v", h.Since())
	}
	fill(h)
	if got := h.Find("old", ""); len(got) != 0 {
		t.Fatalf("still there: %+v", got)
	}
	if !h.Since().After(begin) {
		t.Errorf("Since is %v", h.Since())
	}
	ref = h.Ended(ref, m, &End{User: "u", Fate: envelope.Acked}, begin.Add(time.Hour))
	h.Ended(Ref{}, m, &End{User: "v", Fate: envelope.Expired}, begin.Add(time.Hour)) // By another part of it.
	if got := h.Find("old", ""); len(got) != 1 || !got[0].Late || len(got[0].Ends) != 2 || !got[0].AcceptedAt.Equal(begin) {
		t.Errorf("found %+v (%v)", got, ref)
	}
}

// fill makes a history forget all that it has.
func fill(h *History) {
	for i := range 2 * len(h.log.chunks) * chunkBytes / messageBytes {
		h.Accepted(message(fmt.Sprint("filler", i), uint64(i)), begin.Add(time.Duration(i)*time.Millisecond)) //nolint:gosec // Small.
	}
}

func TestHistoryAllocatesNothingOnceItIsFull(t *testing.T) {
	h := New(1 << 20)
	fill(h)
	m := message("id", 1)
	step := func() {
		ref := h.Accepted(m, begin)
		h.Owes(ref, 1)
		h.Ended(ref, m, &End{User: "user", Device: "device", Fate: envelope.Acked}, begin)
	}
	if n := testing.AllocsPerRun(10_000, step); n != 0 {
		t.Errorf("%v allocations a message", n)
	}
}

func TestHistoryKeepsItsBound(t *testing.T) {
	const bytes = 3 << 20
	h := New(bytes)
	fill(h)
	used := 8 * (len(h.ids) + len(h.sources))
	for _, c := range h.log.chunks {
		used += len(c)
	}
	if used > bytes || used < bytes*8/10 {
		t.Errorf("%d bytes are used of %d", used, bytes)
	}
}

// TestHistoryAgreesWithAList compares a history with a list of all that happened,
// of which it may only have forgotten the oldest.
func TestHistoryAgreesWithAList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type told struct {
			m    *envelope.Message
			ref  Ref
			ends []End
		}
		h := New(1)
		var all []*told
		long := strings.Repeat("x", rapid.IntRange(0, 300).Draw(t, "long"))
		for i := range rapid.IntRange(1, 800).Draw(t, "steps") {
			now := begin.Add(time.Duration(i) * time.Second)
			if len(all) == 0 || rapid.Bool().Draw(t, "new") {
				m := message(fmt.Sprint("m", len(all)), uint64(len(all)%7)) //nolint:gosec // Small.
				m.Origin.Source = long
				m.AcceptedAt = now
				all = append(all, &told{m: m, ref: h.Accepted(m, now)})
				continue
			}
			one := rapid.SampledFrom(all).Draw(t, "one")
			e := End{User: fmt.Sprint("u", i, long[:min(250, len(long))]), Fate: envelope.Expired, Attempts: i}
			one.ref = h.Ended(one.ref, one.m, &e, now)
			e.At = now
			one.ends = append(one.ends, e)
		}
		for _, one := range all {
			for _, f := range h.Find(one.m.ID, "") {
				if f.ID != one.m.ID || !f.AcceptedAt.Equal(one.m.AcceptedAt) || f.Fates[envelope.Expired] > len(one.ends) {
					t.Fatalf("%+v, want %+v", f, one.m)
				}
				for i, e := range f.Ends {
					if want := one.ends[len(one.ends)-1-i]; e != want {
						t.Fatalf("%s: end %d is %+v, want %+v", one.m.ID, i, e, want)
					}
				}
			}
			if !one.m.AcceptedAt.Before(h.Since()) && len(h.Find(one.m.ID, "")) == 0 {
				t.Fatalf("%s is forgotten, and Since is %v", one.m.ID, h.Since())
			}
		}
	})
}

func BenchmarkPrivateMessage(b *testing.B) {
	h := New(8 << 20)
	m := message("0123456789012345", 1)
	b.ReportAllocs()
	for b.Loop() {
		m.Origin.Position++
		ref := h.Accepted(m, begin)
		h.Owes(ref, 1)
		h.Ended(ref, m, &End{User: "user", Device: "device", Fate: envelope.Acked}, begin)
	}
}

func BenchmarkPairOfALargeRoom(b *testing.B) {
	h := New(8 << 20)
	m := message("0123456789012345", 1)
	ref := h.Accepted(m, begin)
	h.Owes(ref, 10_000)
	b.ReportAllocs()
	for b.Loop() {
		ref = h.Ended(ref, m, &End{User: "user", Device: "device", Fate: envelope.Acked}, begin)
	}
}
