package pluginrpc

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/pushcore/pushcore/sdk"
)

const (
	// recordMax is the length above which a batch is cut into several records.
	recordMax = 1 << 20
	// linkMax bounds what the runtime has sent on a link and the plugin has not
	// taken, in bytes: at half of it nothing more is delivered, so that the other
	// half is for commands; beyond it the plugin is taken to be stuck.
	linkMax = 16 << 20
	// overrunMax is how far a plugin may send uplinks beyond its credit, in bytes:
	// what it had read when the credit ended.
	overrunMax = 16 << 20
)

// Owner is the runtime's loop as its end of a link needs it. All methods are
// called on that loop.
type Owner interface {
	// Credit is the payload that may come in this turn, in bytes.
	Credit() int
	// Emit takes events; the slice and what it refers to are valid during the call.
	Emit(e []sdk.Event)
	// Table takes what the plugin kept while it had no runtime, before any event;
	// the slice and what it refers to are valid during the call.
	Table(conns []Conn)
	// Block stops deliveries, or lets them go on.
	Block(blocked bool)
	// Written says that so many batches were carried out since the link began.
	Written(batches uint64)
	// Frozen says that the plugin has handed over its connections.
	Frozen()
	// Adopted says which ids the connections of the process before have now.
	Adopted(names []Renamed)
	// Broken says why the link is of no use any more, once; nothing follows it.
	Broken(err error)
	// Poller is the loop's.
	Poller() sdk.Poller
}

// Link is the runtime's end of one loop's link. It belongs to that loop.
type Link struct {
	owner  Owner
	out    carrier
	prefix sdk.ConnID // of the process, above its connections' ids

	turn    []byte // records of this turn, handed over by Flush
	batches splitter
	batched bool // turn has a batch

	sent      uint64 // bytes
	progress  Progress
	flushes   uint64
	delivered uint64 // batches
	echoes    []echo // of flushes with a batch that are not carried out; oldest first
	barriers  []barrier
	blocked   bool

	consumed uint64 // payload bytes taken of the link
	told     Credit // what the plugin knows
	granting bool   // a grant is on its way
	ended    bool
	events   []sdk.Event
	table    []Conn
}

// echo is a Flush whose carrying out completes a batch.
type echo struct{ flush, batch uint64 }

// barrier is a Flush whose carrying out is waited for.
type barrier struct {
	flush uint64
	f     func()
}

// newLink makes the end of a link to a process of the given incarnation; its
// carrier is set by who makes it.
func newLink(o Owner, incarnation uint16) *Link {
	return &Link{owner: o, prefix: sdk.ConnID(incarnation) << 48, batches: splitter{bodyMax: recordMax}}
}

// Deliver appends pushes to the turn.
func (k *Link) Deliver(b *sdk.Batch) {
	k.turn = k.batches.append(k.turn, b)
	k.batched = true
}

// Command appends commands to the turn.
func (k *Link) Command(c []sdk.Command) {
	for i := range c {
		k.turn = AppendCommand(k.turn, &c[i])
	}
}

// Freeze appends the last record of a link to a process that is replaced.
func (k *Link) Freeze() { k.turn = AppendFreeze(k.turn) }

// Barrier ends the turn and has f called, on the loop, when the plugin has carried
// out all that it was sent. It is not called if the link ends before.
func (k *Link) Barrier(f func()) {
	k.turn = AppendCredit(k.turn, k.credit()) // A turn with nothing in it would not leave.
	k.Flush()
	k.barriers = append(k.barriers, barrier{k.flushes, f})
}

// Drain takes at once what has come on the link, before it is closed. Over a pipe
// what is still on its way is not waited for.
func (k *Link) Drain() {
	if !k.ended {
		k.out.drain()
	}
}

// Delivered is how many batches were sent since the link began.
func (k *Link) Delivered() uint64 { return k.delivered }

// Flush hands the turn over, in one piece and with the credit of this moment. A
// turn in which nothing happened is not worth a wake-up.
func (k *Link) Flush() {
	c := k.credit()
	if k.ended || len(k.turn) == 0 && c == k.told {
		return
	}
	k.told = c
	k.turn = AppendFlush(k.turn, c)
	k.flushes++
	if k.batched {
		k.delivered++
		k.echoes = append(k.echoes, echo{k.flushes, k.delivered})
		k.batched = false
	}
	k.send(k.turn)
	if k.turn = k.turn[:0]; cap(k.turn) > outKeep {
		k.turn = nil
	}
}

func (k *Link) send(records []byte) {
	k.sent += uint64(len(records))
	k.out.send(records)
	k.out.flush()
	k.pressure()
}

// pressure blocks deliveries while the plugin is behind, and gives it up when it
// is too far behind.
func (k *Link) pressure() {
	behind := k.sent - k.progress.Bytes
	switch {
	case k.ended:
	case behind > linkMax && k.blocked:
		k.broken(fmt.Errorf("the plugin is stuck: it has not taken %d bytes that were sent to it", behind))
	case behind > linkMax/2 && !k.blocked:
		k.blocked = true
		k.owner.Block(true)
	case behind < linkMax/4 && k.blocked:
		k.blocked = false
		k.owner.Block(false)
	}
}

func (k *Link) credit() Credit {
	return Credit{Consumed: k.consumed, Bytes: uint64(max(k.owner.Credit(), 0))}
}

// receive takes the whole records at the front of b and returns their length.
func (k *Link) receive(b []byte) (taken int, err error) {
	before := k.consumed
	for !k.ended {
		r, rest, e := Next(b[taken:])
		if e != nil {
			if !errors.Is(e, ErrShort) {
				err = e
			}
			break
		}
		if err = k.take(&r); err != nil {
			break
		}
		taken = len(b) - len(rest)
	}
	k.give()
	if k.consumed != before && !k.ended {
		k.grantSoon()
	}
	return taken, err
}

// take applies one record. Events are gathered, to be emitted together.
func (k *Link) take(r *Record) error {
	if r.IsEvent() {
		e, err := r.Event()
		if err != nil {
			return err
		}
		if e.Conn == 0 || e.Conn > ConnMax {
			return r.malformed("an id that no connection can have")
		}
		e.Conn |= k.prefix
		k.consumed += uint64(len(e.Payload))
		if k.consumed > k.told.Consumed+k.told.Bytes+overrunMax {
			return r.malformed("far more than there was credit for")
		}
		k.events = append(k.events, e)
		return nil
	}
	k.give()
	switch r.Kind {
	case KindFlushed:
		return k.flushed(r)
	case KindConn:
		c, err := r.Conn()
		if err == nil {
			c.Conn |= k.prefix
			c.Keep = bytes.Clone(c.Keep) // The table waits for its end.
			k.table = append(k.table, c)
		}
		return err
	case KindTableEnd:
		return k.tableEnd(r)
	case KindFrozen:
		_, err := r.Frozen()
		if err == nil {
			k.owner.Frozen()
		}
		return err
	case KindAdopted:
		names, err := r.Adopted()
		if err == nil {
			k.owner.Adopted(names)
		}
		return err
	}
	return r.malformed("a transport sends no such record")
}

// give emits the events gathered so far.
func (k *Link) give() {
	if len(k.events) > 0 {
		k.owner.Emit(k.events)
		clear(k.events)
		k.events = k.events[:0]
	}
}

func (k *Link) flushed(r *Record) error {
	p, err := r.Flushed()
	if err != nil {
		return err
	}
	if p.Flushes > k.flushes || p.Bytes > k.sent || p.Flushes < k.progress.Flushes || p.Bytes < k.progress.Bytes {
		return r.malformed("progress that cannot be")
	}
	k.progress = p
	n := 0
	for n < len(k.echoes) && k.echoes[n].flush <= p.Flushes {
		n++
	}
	if n > 0 {
		batches := k.echoes[n-1].batch
		k.echoes = append(k.echoes[:0], k.echoes[n:]...)
		k.owner.Written(batches)
	}
	for len(k.barriers) > 0 && k.barriers[0].flush <= p.Flushes {
		f := k.barriers[0].f
		k.barriers = k.barriers[1:]
		f()
	}
	k.pressure()
	return nil
}

// tableEnd hands over the table.
func (k *Link) tableEnd(r *Record) error {
	rows, err := r.TableEnd()
	if err != nil {
		return err
	}
	if rows != uint64(len(k.table)) {
		return r.malformed("a table of another length")
	}
	k.owner.Table(k.table)
	k.table = nil
	return nil
}

// grantSoon renews the credit in the turn after events were taken: by then the
// owner has some again.
func (k *Link) grantSoon() {
	if !k.granting {
		k.granting = true
		k.owner.Poller().Do((*grant)(k))
	}
}

// grant is the task of grantSoon.
type grant Link

// Run implements sdk.Task.
func (g *grant) Run(sdk.Loop) {
	k := (*Link)(g)
	k.granting = false
	if k.ended {
		return
	}
	c := k.credit()
	if c.Bytes == 0 {
		k.grantSoon() // Next turn, then.
		return
	}
	if c != k.told {
		k.told = c
		k.send(AppendCredit(nil, c))
	}
}

// broken ends the link and says why.
func (k *Link) broken(err error) {
	if k.ended {
		return
	}
	k.Close()
	k.owner.Broken(err)
}

// Close ends the link. Nothing is told.
func (k *Link) Close() {
	k.ended = true
	k.out.close()
	k.turn, k.table = nil, nil
}
