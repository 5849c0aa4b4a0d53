package ack

import (
	"iter"
	"math"
	"time"
)

const never = time.Duration(math.MaxInt64)

// Window holds a session's reliable messages from their first send to their
// end, under the seqs of one epoch: 1, 2, 3, … without reuse. A message that
// ends other than by an ack (Remove) leaves a hole.
//
// A Window is made by Windows.Open and must not be copied once it is in use.
type Window[M any] struct {
	shared *Windows[M]
	seed   uint64

	// places[seq & (len-1)] holds the message with that seq, for all seqs from
	// base to before next; nil while the window is empty.
	places []place[M]
	base   uint64 // the oldest seq that has not ended, next if there is none
	next   uint64 // the seq to give next

	messagesMax int32
	messages    int32
	bytes       int

	clock    clock
	earliest time.Duration // on the clock; no delay runs out before it
}

// place is one message. The fields behind it are packed since a busy loop has
// hundreds of thousands of them: 32 bytes where M is a pointer.
type place[M any] struct {
	message  M
	due      time.Duration // on the window's clock: when the delay runs out
	resentAt time.Duration // see Past
	size     uint32        // bytes
	counted  uint8         // see Past
	sends    uint8         // on this connection; 0 after a nack
	open     bool          // see Past
	live     bool          // false: a hole
}

func (p *place[M]) past() Past {
	return Past{Counted: int(p.counted), Open: p.open, ResentAt: p.resentAt}
}

func (p *place[M]) setPast(past Past) {
	p.counted, p.open, p.resentAt = uint8(past.Counted), past.Open, past.ResentAt
}

// Len returns the number of messages.
func (w *Window[M]) Len() int { return int(w.messages) }

// Bytes returns the sum of the messages' sizes.
func (w *Window[M]) Bytes() int { return w.bytes }

// Last returns the highest seq given, 0 before the first.
func (w *Window[M]) Last() uint64 { return w.next - 1 }

// Full reports whether a bound is reached, so that Push takes nothing.
func (w *Window[M]) Full() bool {
	return w.messages >= w.messagesMax ||
		w.bytes >= w.shared.config.BytesMax ||
		w.next-w.base >= uint64(w.messagesMax)*spanFactor
}

// Spent reports whether a message with this past has no attempt left for
// another connection. It must not be pushed: it is dead(no_ack).
func (w *Window[M]) Spent(past Past, now time.Duration) bool {
	return past.sent() && !past.resend(w.shared.config.AttemptsTotal, now)
}

// Push takes a message that is sent now, gives it its seq and arms its delay.
// Of a full window it returns 0, and the message was not taken.
//
// A message sent before, in an earlier session, brings its past with it: this
// send is then one that a reconnect causes and counts as such.
func (w *Window[M]) Push(m M, sizeBytes int, past Past, now time.Duration) (seq uint64) {
	if w.Full() {
		return 0
	}
	seq = w.next
	w.makeRoom()
	w.next++
	past.Counted = min(past.Counted, totalMax)
	if past.sent() {
		past.resend(w.shared.config.AttemptsTotal, now)
	} else {
		past.Open = true
	}
	p := w.at(seq)
	*p = place[M]{message: m, size: uint32(min(uint64(max(sizeBytes, 0)), math.MaxUint32)), live: true}
	p.setPast(past)
	w.messages++
	w.bytes += int(p.size)
	w.arm(p, seq, 1, w.clock.read(now))
	return seq
}

// Remove takes out a message that ended otherwise: expired, withdrawn, refused
// by policy. It returns false if the message is not, or no longer, here.
func (w *Window[M]) Remove(seq uint64) (Item[M], bool) {
	if seq < w.base || seq >= w.next || !w.at(seq).live {
		return Item[M]{}, false
	}
	it := w.end(seq)
	w.trim()
	return it, true
}

// All ranges over the messages in seq order. The window must not change
// meanwhile.
func (w *Window[M]) All() iter.Seq[Item[M]] {
	return func(yield func(Item[M]) bool) {
		for seq := w.base; seq < w.next; seq++ {
			if w.at(seq).live && !yield(w.item(seq)) {
				return
			}
		}
	}
}

// Drain takes out all messages, appending them to out in seq order: the session
// has ended. The window is empty after it and goes on with the next seq.
func (w *Window[M]) Drain(out []Item[M]) []Item[M] {
	for seq := w.base; seq < w.next; seq++ {
		if w.at(seq).live {
			out = append(out, w.end(seq))
		}
	}
	w.trim()
	return out
}

func (w *Window[M]) at(seq uint64) *place[M] {
	return &w.places[seq&uint64(len(w.places)-1)]
}

func (w *Window[M]) item(seq uint64) Item[M] {
	p := w.at(seq)
	return Item[M]{Message: p.message, Seq: seq, Past: p.past()}
}

// end makes a hole of a live message and returns it. The caller trims.
func (w *Window[M]) end(seq uint64) Item[M] {
	it := w.item(seq)
	p := w.at(seq)
	w.messages--
	w.bytes -= int(p.size)
	*p = place[M]{} // lets go of the message
	return it
}

// trim moves base past holes and gives the memory of an empty window back.
func (w *Window[M]) trim() {
	if w.messages == 0 {
		w.base = w.next
		w.earliest = never
		w.shared.give(w.places)
		w.places = nil
		return
	}
	for !w.at(w.base).live {
		w.base++
	}
}

// makeRoom makes sure that the next seq has a place of its own.
func (w *Window[M]) makeRoom() {
	if w.next-w.base < uint64(len(w.places)) {
		return
	}
	old := w.places
	w.places = w.shared.take(max(2*len(old), placesMin))
	for seq := w.base; seq < w.next; seq++ {
		from := &old[seq&uint64(len(old)-1)]
		*w.at(seq) = *from
		*from = place[M]{}
	}
	w.shared.give(old)
}
