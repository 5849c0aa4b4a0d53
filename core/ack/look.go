package ack

import "time"

// Wait is how long it is until a message's delay runs out, and false if that is not
// known: the clock stands still, or it is not sent again on this connection.
func (w *Window[M]) Wait(seq uint64, now time.Duration) (time.Duration, bool) {
	if seq < w.base || seq >= w.next || w.clock.holds != 0 {
		return 0, false
	}
	p := w.at(seq)
	if !p.live || p.due == never {
		return 0, false
	}
	return max(0, p.due-w.clock.read(now)), true
}
