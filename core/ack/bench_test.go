package ack

import (
	"testing"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// BenchmarkPushAck is one private message: sent, acked, its window empty
// before and after.
func BenchmarkPushAck(b *testing.B) {
	w := open[*int](b, DefaultConfig())
	m := new(int)
	var out []Item[*int]
	b.ReportAllocs()
	for b.Loop() {
		seq := w.Push(m, 100, Past{}, 0)
		out, _ = w.Ack(seq, nil, out[:0])
	}
}

// BenchmarkPushAckStream is a session with 64 messages under way whose device
// acks every eighth. One op is one message.
func BenchmarkPushAckStream(b *testing.B) {
	w := open[*int](b, DefaultConfig())
	m := new(int)
	var out []Item[*int]
	b.ReportAllocs()
	for b.Loop() {
		if seq := w.Push(m, 100, Past{}, 0); seq%8 == 0 && seq > 64 {
			out, _ = w.Ack(seq-64, nil, out[:0])
		}
	}
}

// BenchmarkRoom is one reliable message to 10,000 sessions and their acks. One
// op is one session.
func BenchmarkRoom(b *testing.B) {
	shared, err := NewWindows[*int](DefaultConfig())
	if err != nil {
		b.Fatal(err)
	}
	windows := make([]Window[*int], 10_000)
	for i := range windows {
		windows[i] = shared.Open(uint64(i), 0)
	}
	m := new(int)
	var out []Item[*int]
	b.ReportAllocs()
	for n := 0; n < b.N; n += len(windows) {
		for i := range windows {
			windows[i].Push(m, 100, Past{}, 0)
		}
		for i := range windows {
			out, _ = windows[i].Ack(windows[i].Last(), nil, out[:0])
		}
	}
}

// BenchmarkDue is the search of a window of 256 messages for those to resend.
func BenchmarkDue(b *testing.B) {
	w := open[*int](b, DefaultConfig())
	for range 256 {
		w.Push(new(int), 100, Past{}, 0)
	}
	var out []Item[*int]
	b.ReportAllocs()
	for b.Loop() {
		w.earliest = 0
		out = w.Due(1, out[:0])
	}
}

func TestSteadyStateDoesNotAllocate(t *testing.T) {
	w := open[*int](t, DefaultConfig())
	m := new(int)
	ranges := make([]sdk.SeqRange, 1)
	now := time.Duration(0)
	var out []Item[*int]
	turn := func() {
		for range 100 {
			w.Push(m, 100, Past{}, now)
		}
		now += 1200 * time.Millisecond
		w.Suspend(Congested, now)
		w.Resume(Congested, now)
		out = w.Due(now, out[:0])
		last := w.Last()
		w.Nack(last, time.Second, now)
		w.Remove(last - 10)
		ranges[0] = sdk.SeqRange{First: last - 5, Last: last - 2}
		out, _ = w.Ack(last-20, ranges, out[:0])
		for it := range w.All() {
			now += time.Duration(it.Seq & 1)
		}
		out = w.Reconnect(now, out[:0])
		out = w.Drain(out[:0])
	}
	turn()
	if n := testing.AllocsPerRun(100, turn); n != 0 {
		t.Fatalf("%v allocations per turn", n)
	}
}
