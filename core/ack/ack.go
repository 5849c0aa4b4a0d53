package ack

import (
	"errors"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// Errors of a device's answers. They are the device's fault, nothing was
// changed, and its connection is to be closed.
var (
	// ErrAckAhead: the answer names a seq that was not given yet.
	ErrAckAhead = errors.New("ack: a seq that was not sent")

	// ErrAckRanges: a range ends before it begins, or ranges overlap so much
	// that together they cover more numbers than are open.
	ErrAckRanges = errors.New("ack: ranges that contradict each other")
)

// retryAfterMax bounds what a nack may ask for.
const retryAfterMax = time.Hour

// Ack ends all messages up to and including upTo, and those in ranges, and
// appends them to out: first the former in seq order, then range by range. What
// has ended before is ignored. Ranges may come in any order, and may overlap
// within reason; their cost is bounded by the window, whatever they say.
//
// The errors are ErrAckAhead and ErrAckRanges.
func (w *Window[M]) Ack(upTo uint64, ranges []sdk.SeqRange, out []Item[M]) ([]Item[M], error) {
	if err := w.check(upTo, ranges); err != nil {
		return out, err
	}
	out = w.endRange(w.base, upTo, out)
	for _, r := range ranges {
		out = w.endRange(r.First, r.Last, out)
	}
	w.trim()
	return out, nil
}

// Nack puts a message off that the device cannot take now: it is sent again
// after the time asked for, at most an hour, or after the first delay if none
// is given. The device has answered, so its list of delays begins anew; the
// attempt counts when that time has run out. It returns false if the message is
// no longer here.
//
// The error is ErrAckAhead.
func (w *Window[M]) Nack(seq uint64, after, now time.Duration) (bool, error) {
	if err := w.check(seq, nil); err != nil {
		return false, err
	}
	if seq < w.base || !w.at(seq).live {
		return false, nil
	}
	if after <= 0 {
		after = w.shared.config.delay(w.seed, seq, 1)
	}
	p := w.at(seq)
	p.sends = 0
	p.due = w.clock.read(now) + min(after, retryAfterMax)
	w.earliest = min(w.earliest, p.due)
	return true, nil
}

// Refuse ends a message that the device does not want at all: dead(refused).
// It returns false if the message is no longer here.
//
// The error is ErrAckAhead.
func (w *Window[M]) Refuse(seq uint64) (Item[M], bool, error) {
	if err := w.check(seq, nil); err != nil {
		return Item[M]{}, false, err
	}
	it, ok := w.Remove(seq)
	return it, ok, nil
}

// check finds out whether an answer makes sense, before anything is changed.
func (w *Window[M]) check(upTo uint64, ranges []sdk.SeqRange) error {
	if upTo >= w.next {
		return ErrAckAhead
	}
	room := w.next - w.base
	for _, r := range ranges {
		if r.Last >= w.next {
			return ErrAckAhead
		}
		if r.First > r.Last {
			return ErrAckRanges
		}
		if r.Last < w.base {
			continue
		}
		n := r.Last - max(r.First, w.base) + 1
		if n > room {
			return ErrAckRanges
		}
		room -= n
	}
	return nil
}

// endRange ends what is live from first to last. base stays, so that places
// keep their meaning until the caller trims.
func (w *Window[M]) endRange(first, last uint64, out []Item[M]) []Item[M] {
	for seq := max(first, w.base); seq <= last; seq++ {
		if w.at(seq).live {
			out = append(out, w.end(seq))
		}
	}
	return out
}
