package ack

import (
	"slices"
	"testing"
	"time"

	"github.com/pushcore/pushcore/sdk"
	"pgregory.net/rapid"
)

func TestWindowAgreesWithAListOfHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := DefaultConfig()
		c.Delays = rapid.SliceOfN(rapid.SampledFrom([]time.Duration{delayMin, time.Second, 40 * time.Second}), 1, 4).Draw(t, "delays")
		c.JitterPercent = rapid.SampledFrom([]int{0, 10, 50}).Draw(t, "jitter")
		c.AttemptsTotal = rapid.SampledFrom([]int{1, 2, 5, 12, 30}).Draw(t, "total")
		c.MessagesMax = rapid.IntRange(1, 12).Draw(t, "messages")
		c.BytesMax = rapid.IntRange(1, 300).Draw(t, "bytes")
		shared, err := NewWindows[int](c)
		if err != nil {
			t.Fatal(err)
		}
		wish := rapid.IntRange(0, 12).Draw(t, "wish")
		now := time.Hour
		seed := rapid.Uint64().Draw(t, "seed")
		w := shared.Open(seed, wish)
		s := &slowWindow{config: c, seed: seed, max: c.MessagesMax, now: now, holds: map[Hold]bool{}}
		if wish > 0 {
			s.max = min(wish, c.MessagesMax)
		}
		r := &pair{w: &w, s: s, now: now}
		t.Repeat(map[string]func(*rapid.T){
			"push":        r.push,
			"push more":   r.push,
			"holes":       r.holes,
			"ack":         r.ack,
			"ack ranges":  r.ackRanges,
			"nack":        r.nack,
			"refuse":      r.refuse,
			"remove":      r.remove,
			"hold":        r.hold,
			"release":     r.release,
			"pause":       r.pause,
			"time":        r.time,
			"to next due": r.toNextDue,
			"silence":     r.silence,
			"reconnect":   r.reconnect,
			"drain":       r.drain,
			"":            r.check,
		})
	})
}

// pair runs both implementations side by side.
type pair struct {
	w     *Window[int]
	s     *slowWindow
	now   time.Duration
	count int
}

func (r *pair) items(t *rapid.T, what string, got, want []Item[int]) {
	if !slices.Equal(got, want) {
		t.Fatalf("%s:\ngot  %v\nwant %v", what, got, want)
	}
}

func (r *pair) seq(t *rapid.T) uint64 { return rapid.Uint64Range(0, r.s.last+1).Draw(t, "seq") }

func (r *pair) push(t *rapid.T) {
	var past Past
	if rapid.Bool().Draw(t, "sent before") {
		past.Counted = rapid.IntRange(0, r.s.config.AttemptsTotal+1).Draw(t, "counted")
		past.Open = rapid.Bool().Draw(t, "open")
		past.ResentAt = rapid.SampledFrom([]time.Duration{0, 1, r.now - time.Minute, r.now - time.Minute + 1}).Draw(t, "resent")
	}
	spent := past.sent() && past.Counted >= r.s.config.AttemptsTotal && (past.ResentAt == 0 || r.now-past.ResentAt >= time.Minute)
	if got := r.w.Spent(past, r.now); got != spent {
		t.Fatalf("Spent(%+v) = %v", past, got)
	}
	if spent {
		return
	}
	size := rapid.IntRange(0, 80).Draw(t, "size")
	r.count++
	if got, want := r.w.Push(r.count, size, past, r.now), r.s.push(r.count, size, past); got != want {
		t.Fatalf("Push = %d, want %d", got, want)
	}
}

// holes sends messages that the device acks by range, an older one before them
// not being acked.
func (r *pair) holes(t *rapid.T) {
	for range rapid.IntRange(1, 40).Draw(t, "holes") {
		r.count++
		got, want := r.w.Push(r.count, 1, Past{}, r.now), r.s.push(r.count, 1, Past{})
		if got != want {
			t.Fatalf("Push = %d, want %d", got, want)
		}
		if want != 0 && want > r.s.oldest() {
			r.answer(t, 0, []sdk.SeqRange{{First: want, Last: want}})
		}
	}
}

func (r *pair) ack(t *rapid.T) { r.answer(t, r.seq(t), nil) }

func (r *pair) ackRanges(t *rapid.T) {
	ranges := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) sdk.SeqRange {
		first := r.seq(t)
		return sdk.SeqRange{First: first, Last: first + rapid.SampledFrom([]uint64{0, 0, 1, 2, 5}).Draw(t, "length")}
	}), 1, 4).Draw(t, "ranges")
	r.answer(t, rapid.Uint64Range(0, r.s.oldest()).Draw(t, "up to"), ranges)
}

func (r *pair) answer(t *rapid.T, upTo uint64, ranges []sdk.SeqRange) {
	got, err := r.w.Ack(upTo, ranges, nil)
	want, wantErr := r.s.ack(upTo, ranges)
	if (err != nil) != (wantErr != nil) {
		t.Fatalf("Ack(%d, %v): error %v, want %v", upTo, ranges, err, wantErr)
	}
	r.items(t, "Ack", got, want)
}

func (r *pair) nack(t *rapid.T) {
	seq, after := r.seq(t), rapid.SampledFrom([]time.Duration{0, 1, time.Second, 2 * time.Hour}).Draw(t, "after")
	ok, err := r.w.Nack(seq, after, r.now)
	if (err != nil) != (seq > r.s.last) {
		t.Fatalf("Nack(%d): %v", seq, err)
	}
	i := slices.IndexFunc(r.s.messages, func(m *slowMessage) bool { return m.seq == seq })
	if ok != (i >= 0) {
		t.Fatalf("Nack(%d) = %v", seq, ok)
	}
	if !ok {
		return
	}
	m := r.s.messages[i]
	m.since = len(m.sends) // the resend to come is the first of a new list
	m.waits, m.left = true, min(after, time.Hour)
	if after == 0 {
		m.left = r.s.config.delay(r.s.seed, seq, 1)
	}
}

func (r *pair) refuse(t *rapid.T) {
	seq := r.seq(t)
	got, ok, err := r.w.Refuse(seq)
	want, wantOK := r.s.take(seq)
	if got != want || ok != wantOK || (err != nil) != (seq > r.s.last) {
		t.Fatalf("Refuse(%d) = %v, %v, %v; want %v, %v", seq, got, ok, err, want, wantOK)
	}
}

func (r *pair) remove(t *rapid.T) {
	seq := r.seq(t)
	got, ok := r.w.Remove(seq)
	if want, wantOK := r.s.take(seq); got != want || ok != wantOK {
		t.Fatalf("Remove(%d) = %v, %v; want %v, %v", seq, got, ok, want, wantOK)
	}
}

var holds = rapid.SampledFrom([]Hold{Congested, Detached, Unread})

func (r *pair) hold(t *rapid.T) {
	h := holds.Draw(t, "hold")
	r.w.Suspend(h, r.now)
	r.s.holds[h] = true
}

func (r *pair) release(t *rapid.T) {
	h := holds.Draw(t, "hold")
	r.w.Resume(h, r.now)
	delete(r.s.holds, h)
}

func (r *pair) pause(t *rapid.T) {
	r.hold(t)
	r.time(t)
	r.release(t)
}

func (r *pair) time(t *rapid.T) {
	d := rapid.SampledFrom([]time.Duration{0, 1, time.Millisecond, time.Second, 30 * time.Second, 2 * time.Minute}).Draw(t, "time")
	r.now += d
	r.s.pass(d)
	if rapid.Bool().Draw(t, "due") {
		r.items(t, "Due", r.w.Due(r.now, nil), r.s.due())
	}
}

func (r *pair) toNextDue(t *rapid.T) {
	next, ok := r.w.NextDue()
	if !ok {
		t.Skip("nothing armed")
	}
	d := max(next-r.now, 0)
	r.now += d
	r.s.pass(d)
	r.items(t, "Due", r.w.Due(r.now, nil), r.s.due())
	if after, ok := r.w.NextDue(); ok && after <= r.now {
		t.Fatalf("NextDue stays at %v, now is %v: the owner would spin", after, r.now)
	}
}

// silence is a device that answers nothing for a while.
func (r *pair) silence(t *rapid.T) {
	for range rapid.IntRange(1, 20).Draw(t, "delays") {
		if _, ok := r.w.NextDue(); ok {
			r.toNextDue(t)
		}
	}
}

func (r *pair) reconnect(t *rapid.T) {
	r.items(t, "Reconnect", r.w.Reconnect(r.now, nil), r.s.reconnect())
}

func (r *pair) drain(t *rapid.T) {
	if rapid.IntRange(0, 4).Draw(t, "seldom") > 0 {
		t.Skip("most windows go on")
	}
	r.items(t, "Drain", r.w.Drain(nil), r.s.all())
	r.s.messages = nil
}

func (r *pair) check(t *rapid.T) {
	w, s := r.w, r.s
	r.items(t, "All", slices.Collect(w.All()), s.all())
	if w.Len() != len(s.messages) || w.Bytes() != s.bytes() || w.Last() != s.last || w.Full() != s.full() {
		t.Fatalf("len %d, bytes %d, last %d, full %v; want %d, %d, %d, %v",
			w.Len(), w.Bytes(), w.Last(), w.Full(), len(s.messages), s.bytes(), s.last, s.full())
	}
	if w.base != s.oldest() {
		t.Fatalf("base %d, but the oldest message is %d", w.base, s.oldest())
	}
	want, armed := s.nextDue()
	if got, ok := w.NextDue(); armed && (!ok || got > want) {
		t.Fatalf("NextDue = %v, %v, but a delay runs out at %v", got, ok, want)
	}
	if _, ok := w.NextDue(); ok && (!s.running() || len(s.messages) == 0) {
		t.Fatal("NextDue while the clock stands still, or of an empty window")
	}
	if (w.places == nil) != (w.Len() == 0) {
		t.Fatalf("%d messages in %d places", w.Len(), len(w.places))
	}
}
