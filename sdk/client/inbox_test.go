package client

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/pushcore/pushcore/sdk/wire"
)

// TestInboxAgreesWithASlowOne lets a node that keeps what is not acked, an
// inbox and a Handler that fails at times run against each other over breaks
// and lost sessions. Whatever happens, nothing is acked that was not handled,
// nothing that is remembered is handled twice, and in the end all is handled,
// in order where nothing failed.
func TestInboxAgreesWithASlowOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &inboxWorld{t: t, inbox: newInbox(4), handled: map[string]int{}, owed: map[uint64]string{}}
		w.inbox.handled.resize(1000)
		t.Repeat(map[string]func(*rapid.T){
			"push":   w.pushNew,
			"resend": w.resend,
			"take":   w.take,
			"finish": w.finish,
			"ack":    func(*rapid.T) { w.ack() },
			"resume": func(*rapid.T) { w.ack(); w.resendAll() },
			"lose":   w.lose,
			"":       w.check,
		})
		w.handleAll()
		for id := range w.ids {
			if n := w.handled[fmt.Sprint("m", id)]; n != 1 {
				t.Fatalf("m%d was handled %d times", id, n)
			}
		}
	})
}

type inboxWorld struct {
	t       *rapid.T
	inbox   inbox
	ids     int               // messages made
	seq     uint64            // the last number
	owed    map[uint64]string // the node's: by number, what is not acked
	busy    *item
	handled map[string]int
}

func (w *inboxWorld) send(seq uint64) {
	w.inbox.receive(&wire.Push{Seq: seq, ID: []byte(w.owed[seq])}, "", false)
}

func (w *inboxWorld) pushNew(t *rapid.T) {
	w.seq += uint64(rapid.IntRange(1, 3).Draw(t, "step")) // Numbers may be missing.
	w.owed[w.seq] = fmt.Sprint("m", w.ids)
	w.ids++
	w.send(w.seq)
}

func (w *inboxWorld) resend(t *rapid.T) {
	if len(w.owed) > 0 {
		w.send(rapid.SampledFrom(slices.Sorted(maps.Keys(w.owed))).Draw(t, "seq"))
	}
}

func (w *inboxWorld) resendAll() {
	for _, seq := range slices.Sorted(maps.Keys(w.owed)) {
		w.send(seq)
	}
}

func (w *inboxWorld) take(*rapid.T) {
	if w.busy == nil {
		w.busy = w.inbox.next()
	}
}

func (w *inboxWorld) finish(t *rapid.T) {
	if w.busy == nil {
		return
	}
	if rapid.IntRange(0, 3).Draw(t, "fails") == 0 {
		w.inbox.refuse(nack{item: w.busy})
	} else {
		w.handled[w.busy.message.ID]++
		w.inbox.done(w.busy)
	}
	w.busy = nil
}

// ack lets the node learn what the inbox would say.
func (w *inboxWorld) ack() {
	for {
		if _, more := w.inbox.nack(); !more {
			break
		}
	}
	for seq := range w.acked() {
		delete(w.owed, seq)
	}
}

// acked is what an ACK would say, after a way over the wire.
func (w *inboxWorld) acked() map[uint64]string {
	var a, b wire.Ack
	w.inbox.ack(&a)
	if err := b.Parse(a.Append(nil)); err != nil {
		w.t.Fatalf("%+v is no ack: %v", a, err)
	}
	acked := map[uint64]string{}
	for seq, id := range w.owed {
		in := func(r wire.SeqRange) bool { return r.First <= seq && seq <= r.Last }
		if seq <= b.Seq || slices.ContainsFunc(b.Ranges, in) {
			acked[seq] = id
		}
	}
	return acked
}

// lose begins another epoch: what is owed gets new numbers, in order.
func (w *inboxWorld) lose(*rapid.T) {
	w.inbox.begin()
	old := w.owed
	w.owed, w.seq = map[uint64]string{}, 0
	for _, seq := range slices.Sorted(maps.Keys(old)) {
		w.seq++
		w.owed[w.seq] = old[seq]
		w.send(w.seq)
	}
}

func (w *inboxWorld) check(t *rapid.T) {
	for seq, id := range w.acked() {
		if w.handled[id] == 0 {
			t.Fatalf("%s, number %d, is acked and was not handled", id, seq)
		}
	}
	for id, n := range w.handled {
		if n > 1 {
			t.Fatalf("%s was handled %d times", id, n)
		}
	}
}

// handleAll lets everything come again until it is handled.
func (w *inboxWorld) handleAll() {
	for {
		if w.busy != nil {
			w.handled[w.busy.message.ID]++
			w.inbox.done(w.busy)
		}
		if w.busy = w.inbox.next(); w.busy != nil {
			continue
		}
		w.ack()
		if len(w.owed) == 0 {
			return
		}
		w.resendAll()
	}
}

func TestMemoryForgetsTheOldestAndKeepsTheNewestWhenItShrinks(t *testing.T) {
	var m memory
	m.add("none")
	m.resize(3)
	for i := range 5 {
		m.add(fmt.Sprint(i))
	}
	m.add("4")
	want := func(known ...string) {
		t.Helper()
		for _, id := range []string{"none", "0", "1", "2", "3", "4", "5"} {
			if m.has(id) != slices.Contains(known, id) {
				t.Errorf("%q is known: %v", id, m.has(id))
			}
		}
	}
	want("2", "3", "4")
	m.resize(2)
	want("3", "4")
	m.resize(3)
	m.add("5")
	want("3", "4", "5")
	m.resize(0)
	want()
}
