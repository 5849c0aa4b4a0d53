package store

import (
	"bytes"
	"slices"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/sdk/wire"
)

// MayTake tells whether a device of a user passes a message's filter and exclusions:
// whether it may take what waits for whichever device comes first.
func MayTake(m *envelope.Message, user, device, platform string) bool {
	if len(m.Platforms) > 0 && !slices.Contains(m.Platforms, platform) {
		return false
	}
	for _, a := range m.Except {
		if a.Kind == wire.All || a.Kind == wire.User && a.ID == user ||
			a.Kind == wire.Device && a.ID == user && a.Device == device {
			return false
		}
	}
	return true
}

// SameFilter tells whether two messages for whichever device comes first are for
// the same devices. Otherwise one does not replace the other.
func SameFilter(a, b *envelope.Message) bool {
	return slices.Equal(a.Platforms, b.Platforms) && slices.Equal(a.Except, b.Except)
}

// SameContent tells whether two messages of one scope and id are one, so that the
// later one is a redelivery.
func SameContent(a, b *envelope.Message) bool {
	return a.Class == b.Class && bytes.Equal(a.Payload, b.Payload)
}

// Ordered tells whether an operation takes its place in the order of its user: it
// fails behind one that failed. What only reads does not, nor what is about notices.
func (op *Op) Ordered() bool {
	switch op.Kind {
	case Page, Find, Owe, Told:
		return false
	}
	return op.User != ""
}

// Hold counts n more pairs of a loop's users; it grows held as is needed.
func Hold(held []int, loop, n int) []int {
	for len(held) <= loop {
		held = append(held, 0)
	}
	held[loop] += n
	return held
}

// Answers collects what is to be handed to each loop, and to the dispatcher. Its
// zero value is empty.
type Answers struct {
	byLoop     [][]Answer
	dispatcher []Answer
}

// Add adds an answer for a loop.
func (a *Answers) Add(loop int, one Answer) {
	if loop == Dispatcher {
		a.dispatcher = append(a.dispatcher, one)
		return
	}
	for len(a.byLoop) <= loop {
		a.byLoop = append(a.byLoop, nil)
	}
	a.byLoop[loop] = append(a.byLoop[loop], one)
}

// Deliver hands the answers over, whose slices are the sink's then. held counts the
// stored pairs by loop, see Answer.Held.
func (a *Answers) Deliver(sink Sink, held []int) {
	if len(a.dispatcher) > 0 {
		sink(Dispatcher, a.dispatcher)
		a.dispatcher = nil
	}
	for loop, some := range a.byLoop {
		if len(some) > 0 {
			if loop < len(held) {
				some[len(some)-1].Held = held[loop]
			}
			sink(loop, some)
			a.byLoop[loop] = nil
		}
	}
}

// Drop forgets the answers.
func (a *Answers) Drop() {
	a.dispatcher = nil
	clear(a.byLoop)
}
