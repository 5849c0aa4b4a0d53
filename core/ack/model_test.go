package ack

import (
	"errors"
	"slices"
	"time"

	"github.com/pushcore/pushcore/sdk"
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
