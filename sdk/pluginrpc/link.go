package pluginrpc

import (
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// recordMax is the length above which a batch is cut into several records.
const recordMax = 1 << 20

// link is the runtime's end of one loop's link.
type link struct {
	loop  sdk.Loop // immutable
	host  sdk.Host
	there *loop

	down *stream // runtime's loop → plugin's loop
	up   *stream // plugin's loop, and who posts → runtime's loop

	// Everything following is owned by the runtime's loop.
	turn     []byte // records of this turn, handed over by Flush
	batches  splitter
	consumed uint64 // payload bytes taken of the link
	told     Credit // what the plugin knows
	ended    bool
	taken    []byte
	events   []sdk.Event
}

func newLink(h sdk.Host, l sdk.Loop) *link {
	k := &link{loop: l, host: h, batches: splitter{bodyMax: recordMax}}
	k.down = &stream{wake: func() { k.there.poll.wake() }}
	k.up = &stream{wake: func() { h.Poller(l).Do(k) }}
	return k
}

func (k *link) deliver(b *sdk.Batch) { k.turn = k.batches.append(k.turn, b) }

func (k *link) command(c []sdk.Command) {
	for i := range c {
		k.turn = AppendCommand(k.turn, &c[i])
	}
}

// flush hands the turn over, in one piece and with the credit of this moment. A
// turn in which nothing happened is not worth a wake-up.
func (k *link) flush() {
	c := k.credit()
	if len(k.turn) == 0 && c == k.told {
		return
	}
	k.told = c
	k.turn = AppendFlush(k.turn, c)
	k.down.put(k.turn)
	k.turn = k.turn[:0]
}

func (k *link) credit() Credit {
	return Credit{Consumed: k.consumed, Bytes: uint64(max(k.host.Credit(k.loop), 0))}
}

// Run is the task that empties the link: all of it, each time, so that acks never
// wait behind uplinks for which there is no credit; those the host refuses.
func (k *link) Run(sdk.Loop) {
	k.taken = k.up.take(k.taken)
	before := k.consumed
	for b := k.taken; len(b) > 0; {
		r, rest, err := Next(b)
		if err != nil {
			k.host.Log().Error("link is broken", "loop", int(k.loop), "error", err)
			break
		}
		b = rest
		k.take(&r)
	}
	if len(k.events) > 0 {
		k.host.Emit(k.loop, k.events)
		clear(k.events)
		k.events = k.events[:0]
	}
	if k.consumed != before {
		k.host.Poller(k.loop).Do((*grant)(k))
	}
}

func (k *link) take(r *Record) {
	e, err := r.Event()
	if err != nil {
		k.host.Log().Error("event is dropped", "loop", int(k.loop), "error", err)
		return
	}
	k.consumed += uint64(len(e.Payload))
	k.events = append(k.events, e)
}

// grant is the task that renews the credit in the turn after events were taken:
// by then the host has some again, and if no other work made that turn, this did.
type grant link

// Run implements sdk.Task.
func (g *grant) Run(sdk.Loop) {
	k := (*link)(g)
	if k.ended {
		return
	}
	c := k.credit()
	if c.Bytes == 0 {
		k.host.Poller(k.loop).Do(g) // Next turn, then.
		return
	}
	if c != k.told {
		k.told = c
		k.down.put(AppendCredit(nil, c))
	}
}

// settle waits until the runtime's loop has emptied the link for the last time.
func (k *link) settle(deadline time.Time) {
	done := make(chan struct{})
	k.host.Poller(k.loop).Do(&last{k, done})
	select {
	case <-done:
	case <-time.After(time.Until(deadline)):
		k.host.Log().Warn("what the plugin emitted last is lost: the host's loop did not run", "loop", int(k.loop))
	}
}

// last is the task of settle.
type last struct {
	link *link
	done chan struct{}
}

// Run implements sdk.Task.
func (t *last) Run(l sdk.Loop) {
	t.link.Run(l)
	t.link.ended = true
	close(t.done)
}
