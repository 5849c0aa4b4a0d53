package ack

import "time"

// Past is what is remembered of a message's attempts. It goes with the message
// from window to window; the zero Past is that of a message never sent.
//
// A Past that comes back from the store has only its Counted: store Attempts
// there, so that the last send of a session that ended counts too.
type Past struct {
	// Counted is the number of attempts that have counted.
	Counted int

	// Open says that the latest send has not counted (yet).
	Open bool

	// ResentAt is when a resend after a reconnect counted last, 0 if never.
	ResentAt time.Duration
}

// Attempts returns the attempts counted and the open one: what a receipt says.
func (p Past) Attempts() int {
	if p.Open {
		return p.Counted + 1
	}
	return p.Counted
}

func (p Past) sent() bool { return p.Open || p.Counted > 0 }

// resend counts a resend that a reconnect causes. It returns false, and changes
// nothing, if the message has no attempt left for it.
func (p *Past) resend(total int, now time.Duration) bool {
	if p.ResentAt != 0 && now-p.ResentAt < resendUnit {
		p.Open = true // counts when its delay runs out
		return true
	}
	if p.Counted >= total {
		return false
	}
	p.Counted++
	p.Open = false
	p.ResentAt = max(now, 1)
	return true
}

// runOut counts an attempt whose delay ran out and reports whether the message
// has another one left.
func (p *Past) runOut(total int) bool {
	if p.Open && p.Counted < total {
		p.Counted++
	}
	p.Open = false
	return p.Counted < total
}
