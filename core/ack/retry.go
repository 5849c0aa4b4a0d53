package ack

import "time"

// NextDue returns an instant at which to call Due, and false if there is none:
// the window is empty or its clock stands still. It is never late, so the owner
// needs one timer per session. It may be early, where the message it stood for
// has been acked: Due then returns nothing and NextDue moves on. So an ack
// costs no search, and a busy session is searched about once per first delay.
func (w *Window[M]) NextDue() (time.Duration, bool) {
	if w.clock.holds != 0 || w.earliest == never {
		return 0, false
	}
	return w.earliest + w.clock.behind, true
}

// Due counts the attempts whose delay has run out and appends their messages to
// out in seq order, each with its verdict. It returns nothing while the clock
// stands still.
func (w *Window[M]) Due(now time.Duration, out []Item[M]) []Item[M] {
	clock := w.clock.read(now)
	if w.clock.holds != 0 || clock < w.earliest {
		return out
	}
	w.earliest = never
	for seq := w.base; seq < w.next; seq++ {
		p := w.at(seq)
		switch {
		case !p.live:
		case p.due > clock:
			w.earliest = min(w.earliest, p.due)
		default:
			out = append(out, w.runOut(p, seq, clock))
		}
	}
	w.trim()
	return out
}

// runOut decides on a message whose delay ran out.
func (w *Window[M]) runOut(p *place[M], seq uint64, clock time.Duration) Item[M] {
	c := &w.shared.config
	past := p.past()
	left := past.runOut(c.AttemptsTotal)
	var v Verdict
	switch {
	case !left:
		v = Dead
	case int(p.sends) > len(c.Delays):
		v = GiveUp
		p.due = never
	default:
		v = Resend
		past.Open = true
		w.arm(p, seq, int(p.sends)+1, clock)
	}
	p.setPast(past)
	return w.verdict(seq, v)
}

// Reconnect starts a new connection: no hold of the old one is left, and all
// messages are appended to out in seq order to be sent again, those without an
// attempt left as Dead.
//
// A device that resumes says what it has seen, which counts as a cumulative
// ack: the owner calls Ack with it first, and takes the session for unknown if
// that fails.
func (w *Window[M]) Reconnect(now time.Duration, out []Item[M]) []Item[M] {
	w.clock.release(w.clock.holds, now)
	clock := w.clock.read(now)
	w.earliest = never
	for seq := w.base; seq < w.next; seq++ {
		p := w.at(seq)
		if !p.live {
			continue
		}
		past, v := p.past(), Resend
		if past.resend(w.shared.config.AttemptsTotal, now) {
			w.arm(p, seq, 1, clock)
		} else {
			past.Open, v = false, Dead
		}
		p.setPast(past)
		out = append(out, w.verdict(seq, v))
	}
	w.trim()
	return out
}

// Resent says that a message which was to be sent again is sent now: its delay begins
// here, however long the send had to wait for its turn.
func (w *Window[M]) Resent(seq uint64, now time.Duration) {
	if seq < w.base || seq >= w.next || !w.at(seq).live || w.at(seq).sends == 0 || w.at(seq).due == never {
		return
	}
	p := w.at(seq)
	w.arm(p, seq, int(p.sends), w.clock.read(now))
}

// arm starts the delay of the n-th send on this connection.
func (w *Window[M]) arm(p *place[M], seq uint64, n int, clock time.Duration) {
	p.sends = uint8(n)
	p.due = clock + w.shared.config.delay(w.seed, seq, n)
	w.earliest = min(w.earliest, p.due)
}

// verdict returns the message with what is decided; a dead one leaves. The
// caller trims.
func (w *Window[M]) verdict(seq uint64, v Verdict) Item[M] {
	it := w.item(seq)
	if v == Dead {
		w.end(seq)
	}
	it.Verdict = v
	return it
}
