package ack

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/pushcore/pushcore/sdk"
	"pgregory.net/rapid"
)

// slowWindow is the obvious implementation: a list of messages, each with the
// history of its sends and the time it still waits, run down step by step.
type slowWindow struct {
	config   Config
	seed     uint64
	max      int
	now      time.Duration
	holds    map[Hold]bool
	last     uint64
	messages []*slowMessage
}

type slowMessage struct {
	message    int
	seq        uint64
	size       int
	brought    int        // attempts counted in earlier windows
	sends      []slowSend // all in this window, and one for an open send before
	since      int        // sends[since:] went over this connection, for this list of delays
	waits      bool       // false: silent until the next connection
	left       time.Duration
	reconnects []time.Duration // when a reconnect's resend counted
}

type slowSend struct{ counted bool }

func (m *slowMessage) counted() int {
	n := m.brought
	for _, s := range m.sends {
		if s.counted {
			n++
		}
	}
	return n
}

func (m *slowMessage) open() bool {
	return len(m.sends) > 0 && !m.sends[len(m.sends)-1].counted
}

func (m *slowMessage) item(v Verdict) Item[int] {
	past := Past{Counted: m.counted(), Open: m.open() && v != Dead}
	if n := len(m.reconnects); n > 0 {
		past.ResentAt = m.reconnects[n-1]
	}
	return Item[int]{Message: m.message, Seq: m.seq, Past: past, Verdict: v}
}

func (s *slowWindow) running() bool { return len(s.holds) == 0 }

func (s *slowWindow) pass(d time.Duration) {
	s.now += d
	if !s.running() {
		return
	}
	for _, m := range s.messages {
		m.left -= d
	}
}

func (s *slowWindow) bytes() int {
	n := 0
	for _, m := range s.messages {
		n += m.size
	}
	return n
}

func (s *slowWindow) oldest() uint64 {
	if len(s.messages) == 0 {
		return s.last + 1
	}
	return s.messages[0].seq
}

func (s *slowWindow) full() bool {
	return len(s.messages) >= s.max || s.bytes() >= s.config.BytesMax ||
		s.last+1-s.oldest() >= uint64(spanFactor*s.max)
}

func (s *slowWindow) wait(m *slowMessage, n int) {
	m.waits = true
	m.left = s.config.delay(s.seed, m.seq, n)
}

// resend sends because of a reconnect, if the message has an attempt for it.
func (s *slowWindow) resend(m *slowMessage) bool {
	n := len(m.reconnects)
	counts := n == 0 || s.now-m.reconnects[n-1] >= time.Minute
	if counts && m.counted() >= s.config.AttemptsTotal {
		return false
	}
	if counts {
		m.reconnects = append(m.reconnects, s.now)
	}
	m.since = len(m.sends)
	m.sends = append(m.sends, slowSend{counted: counts})
	s.wait(m, 1)
	return true
}

func (s *slowWindow) push(message, size int, past Past) uint64 {
	if s.full() {
		return 0
	}
	s.last++
	m := &slowMessage{message: message, seq: s.last, size: size, brought: past.Counted}
	if past.Open {
		m.sends = append(m.sends, slowSend{})
	}
	if past.ResentAt != 0 {
		m.reconnects = append(m.reconnects, past.ResentAt)
	}
	s.messages = append(s.messages, m)
	if past.Open || past.Counted > 0 {
		s.resend(m)
	} else {
		m.sends = append(m.sends, slowSend{})
		s.wait(m, 1)
	}
	return s.last
}

func (s *slowWindow) take(seq uint64) (Item[int], bool) {
	i := slices.IndexFunc(s.messages, func(m *slowMessage) bool { return m.seq == seq })
	if i < 0 {
		return Item[int]{}, false
	}
	it := s.messages[i].item(None)
	s.messages = slices.Delete(s.messages, i, i+1)
	return it, true
}

func (s *slowWindow) ack(upTo uint64, ranges []sdk.SeqRange) ([]Item[int], error) {
	bad := upTo > s.last
	oldest, covered := s.oldest(), uint64(0)
	for _, r := range ranges {
		bad = bad || r.Last > s.last || r.First > r.Last
		for seq := oldest; seq <= s.last; seq++ {
			if r.First <= seq && seq <= r.Last {
				covered++
			}
		}
	}
	if bad || covered > s.last+1-oldest {
		return nil, errors.New("bad ack")
	}
	var out []Item[int]
	for _, r := range append([]sdk.SeqRange{{First: 0, Last: upTo}}, ranges...) {
		for seq := r.First; seq <= r.Last; seq++ {
			if it, ok := s.take(seq); ok {
				out = append(out, it)
			}
		}
	}
	return out, nil
}

func (s *slowWindow) due() []Item[int] {
	var out []Item[int]
	if !s.running() {
		return nil
	}
	for _, m := range slices.Clone(s.messages) {
		if !m.waits || m.left > 0 {
			continue
		}
		if m.counted() < s.config.AttemptsTotal {
			m.sends[len(m.sends)-1].counted = true
		}
		switch n := len(m.sends) - m.since; {
		case m.counted() >= s.config.AttemptsTotal:
			out = append(out, m.item(Dead))
			s.take(m.seq)
		case n > len(s.config.Delays):
			m.waits = false
			out = append(out, m.item(GiveUp))
		default:
			m.sends = append(m.sends, slowSend{})
			s.wait(m, n+1)
			out = append(out, m.item(Resend))
		}
	}
	return out
}

func (s *slowWindow) reconnect() []Item[int] {
	clear(s.holds)
	var out []Item[int]
	for _, m := range slices.Clone(s.messages) {
		if s.resend(m) {
			out = append(out, m.item(Resend))
		} else {
			out = append(out, m.item(Dead))
			s.take(m.seq)
		}
	}
	return out
}

func (s *slowWindow) all() []Item[int] {
	var out []Item[int]
	for _, m := range s.messages {
		out = append(out, m.item(None))
	}
	return out
}

// nextDue returns the exact instant at which a delay runs out.
func (s *slowWindow) nextDue() (time.Duration, bool) {
	first, ok := time.Duration(0), false
	for _, m := range s.messages {
		if at := s.now + m.left; m.waits && s.running() && (!ok || at < first) {
			first, ok = at, true
		}
	}
	return first, ok
}

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
		r := &race{w: &w, s: s, now: now}
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

// race runs both implementations side by side.
type race struct {
	w     *Window[int]
	s     *slowWindow
	now   time.Duration
	count int
}

func (r *race) items(t *rapid.T, what string, got, want []Item[int]) {
	if !slices.Equal(got, want) {
		t.Fatalf("%s:\ngot  %v\nwant %v", what, got, want)
	}
}

func (r *race) seq(t *rapid.T) uint64 { return rapid.Uint64Range(0, r.s.last+1).Draw(t, "seq") }

func (r *race) push(t *rapid.T) {
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
func (r *race) holes(t *rapid.T) {
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

func (r *race) ack(t *rapid.T) { r.answer(t, r.seq(t), nil) }

func (r *race) ackRanges(t *rapid.T) {
	ranges := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) sdk.SeqRange {
		first := r.seq(t)
		return sdk.SeqRange{First: first, Last: first + rapid.SampledFrom([]uint64{0, 0, 1, 2, 5}).Draw(t, "length")}
	}), 1, 4).Draw(t, "ranges")
	r.answer(t, rapid.Uint64Range(0, r.s.oldest()).Draw(t, "up to"), ranges)
}

func (r *race) answer(t *rapid.T, upTo uint64, ranges []sdk.SeqRange) {
	got, err := r.w.Ack(upTo, ranges, nil)
	want, wantErr := r.s.ack(upTo, ranges)
	if (err != nil) != (wantErr != nil) {
		t.Fatalf("Ack(%d, %v): error %v, want %v", upTo, ranges, err, wantErr)
	}
	r.items(t, "Ack", got, want)
}

func (r *race) nack(t *rapid.T) {
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

func (r *race) refuse(t *rapid.T) {
	seq := r.seq(t)
	got, ok, err := r.w.Refuse(seq)
	want, wantOK := r.s.take(seq)
	if got != want || ok != wantOK || (err != nil) != (seq > r.s.last) {
		t.Fatalf("Refuse(%d) = %v, %v, %v; want %v, %v", seq, got, ok, err, want, wantOK)
	}
}

func (r *race) remove(t *rapid.T) {
	seq := r.seq(t)
	got, ok := r.w.Remove(seq)
	if want, wantOK := r.s.take(seq); got != want || ok != wantOK {
		t.Fatalf("Remove(%d) = %v, %v; want %v, %v", seq, got, ok, want, wantOK)
	}
}

var holds = rapid.SampledFrom([]Hold{Congested, Detached, Unread})

func (r *race) hold(t *rapid.T) {
	h := holds.Draw(t, "hold")
	r.w.Suspend(h, r.now)
	r.s.holds[h] = true
}

func (r *race) release(t *rapid.T) {
	h := holds.Draw(t, "hold")
	r.w.Resume(h, r.now)
	delete(r.s.holds, h)
}

func (r *race) pause(t *rapid.T) {
	r.hold(t)
	r.time(t)
	r.release(t)
}

func (r *race) time(t *rapid.T) {
	d := rapid.SampledFrom([]time.Duration{0, 1, time.Millisecond, time.Second, 30 * time.Second, 2 * time.Minute}).Draw(t, "time")
	r.now += d
	r.s.pass(d)
	if rapid.Bool().Draw(t, "due") {
		r.items(t, "Due", r.w.Due(r.now, nil), r.s.due())
	}
}

func (r *race) toNextDue(t *rapid.T) {
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
func (r *race) silence(t *rapid.T) {
	for range rapid.IntRange(1, 20).Draw(t, "delays") {
		if _, ok := r.w.NextDue(); ok {
			r.toNextDue(t)
		}
	}
}

func (r *race) reconnect(t *rapid.T) {
	r.items(t, "Reconnect", r.w.Reconnect(r.now, nil), r.s.reconnect())
}

func (r *race) drain(t *rapid.T) {
	if rapid.IntRange(0, 4).Draw(t, "seldom") > 0 {
		t.Skip("most windows go on")
	}
	r.items(t, "Drain", r.w.Drain(nil), r.s.all())
	r.s.messages = nil
}

func (r *race) check(t *rapid.T) {
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
