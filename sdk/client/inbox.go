package client

import (
	"cmp"
	"slices"
	"time"

	"github.com/pushcore/pushcore/sdk/wire"
)

// inbox is what a device knows of the messages it was sent: which ones wait
// for the Handler, which ones are open (received, not handled), and so what
// there is to ack. It has no clock and no lock: the Client's mutex guards it.
type inbox struct {
	fastMax int

	highest uint64           // the highest seq received in this epoch
	open    []*item          // reliable and numbered in this epoch, by seq
	pending map[string]*item // reliable, not handled, by id; also those that lost their number
	queue   []*item          // for the Handler, in order of arrival
	fast    int              // of these in queue
	nacks   []nack           // to be written, before the next ack
	handled memory
	unacked int // handled or repeated since the last ack was written

	stats Stats
}

// item is a message on its way through the inbox.
type item struct {
	message  Message
	codec    string // its payload's compression; "": none
	seq      uint64 // 0: fast, or numbered in an epoch that is over
	reliable bool
	counts   bool // it moves its group's position on
	refused  bool // nacked, and expected to come again: in open, not in queue
}

// nack is what the Handler said of an item that it did not handle.
type nack struct {
	item  *item
	final bool
	after time.Duration
	text  string
}

// Stats count what a Client has received since it was made.
type Stats struct {
	Received    uint64 // Messages handed to the Handler, each time it came.
	Repeats     uint64 // Reliable messages that came again and were not handed on.
	FastDropped uint64 // Fast messages that the Handler was too slow for.
	Connections uint64 // Times that a node accepted the device.
	Resumed     uint64 // Of these, times that the session went on.
}

func newInbox(fastMax int) inbox {
	return inbox{fastMax: fastMax, pending: map[string]*item{}}
}

// begin opens another epoch: the node numbers anew. What waits for the Handler
// stays and gets its new number when it comes again.
func (b *inbox) begin() {
	for _, n := range b.nacks {
		if n.final { // It comes again, and is acked: the best that is left.
			delete(b.pending, n.item.message.ID)
			b.handled.add(n.item.message.ID)
		}
	}
	for _, it := range b.open {
		it.seq = 0
		if it.refused {
			delete(b.pending, it.message.ID)
		}
	}
	b.highest, b.open, b.nacks, b.unacked = 0, nil, nil, 0
}

// receive takes a message, whose payload is compressed with codec, or with
// none. p's slices stay the caller's. It returns one of a group's history that it had
// to drop for it, or nil.
func (b *inbox) receive(p *wire.Push, codec string, counts bool) (lost *item) {
	if p.Seq == 0 {
		return b.receiveFast(p, codec, counts)
	}
	b.highest = max(b.highest, p.Seq)
	if b.handled.has(string(p.ID)) {
		b.stats.Repeats++
		b.unacked++
		return nil
	}
	if it := b.pending[string(p.ID)]; it != nil {
		b.again(it, p, codec)
		return nil
	}
	it := &item{message: copyMessage(p), codec: codec, seq: p.Seq, reliable: true, counts: counts}
	b.pending[it.message.ID] = it
	b.number(it)
	b.queue = append(b.queue, it)
	return nil
}

// again takes a message that is not handled yet once more: it may have another
// number by now, and be wanted again.
func (b *inbox) again(it *item, p *wire.Push, codec string) {
	if it.seq != p.Seq {
		b.unnumber(it)
		it.seq, it.message.Seq = p.Seq, p.Seq
		b.number(it)
	}
	if !it.refused {
		b.stats.Repeats++
		return
	}
	it.refused = false
	it.message, it.codec = copyMessage(p), codec
	b.queue = append(b.queue, it)
}

func (b *inbox) receiveFast(p *wire.Push, codec string, counts bool) (lost *item) {
	// A group's history may bring as fast what came as reliable.
	if b.handled.has(string(p.ID)) || b.pending[string(p.ID)] != nil {
		return nil
	}
	if b.fast >= b.fastMax {
		lost = b.dropFast()
	}
	b.fast++
	b.queue = append(b.queue, &item{message: copyMessage(p), codec: codec, counts: counts})
	return lost
}

// dropFast drops the oldest fast message, one that is in no history if there is any;
// the other is returned.
func (b *inbox) dropFast() (lost *item) {
	at := slices.IndexFunc(b.queue, func(it *item) bool { return !it.reliable && it.message.Position == 0 })
	if at < 0 {
		at = slices.IndexFunc(b.queue, func(it *item) bool { return !it.reliable })
		lost = b.queue[at]
	}
	b.queue = slices.Delete(b.queue, at, at+1)
	b.fast--
	b.stats.FastDropped++
	return lost
}

// came says whether the message was handled since it was queued: a group's history
// brings again what has come otherwise, and the other way about.
func (b *inbox) came(it *item) bool {
	if !b.handled.has(it.message.ID) || (!it.reliable && it.message.Position == 0) {
		return false
	}
	b.stats.Repeats++
	return true
}

func (b *inbox) number(it *item) {
	at, _ := slices.BinarySearchFunc(b.open, it.seq, func(o *item, seq uint64) int { return cmp.Compare(o.seq, seq) })
	b.open = slices.Insert(b.open, at, it)
}

func (b *inbox) unnumber(it *item) {
	if at := slices.Index(b.open, it); at >= 0 {
		b.open = slices.Delete(b.open, at, at+1)
	}
}

// next takes the message that the Handler gets next, or nil.
func (b *inbox) next() *item {
	if len(b.queue) == 0 {
		return nil
	}
	it := b.queue[0]
	b.queue[0] = nil
	b.queue = b.queue[1:]
	if !it.reliable {
		b.fast--
	}
	return it
}

// done says that the item is handled.
func (b *inbox) done(it *item) {
	if !it.reliable {
		if it.message.Position > 0 {
			b.handled.add(it.message.ID) // It may come again, with the history.
		}
		return
	}
	delete(b.pending, it.message.ID)
	b.handled.add(it.message.ID)
	if it.seq != 0 {
		b.unnumber(it)
		b.unacked++
	}
}

// refuse says that the Handler has not handled the item. It stays open: until
// it comes again, or if that is final until the NACK is taken, so that no ack
// gets before it.
func (b *inbox) refuse(n nack) {
	switch {
	case !n.item.reliable:
	case n.item.seq != 0:
		n.item.refused = !n.final
		b.nacks = append(b.nacks, n)
	case n.final:
		b.done(n.item)
	default: // Its epoch is over, and the new one has not brought it yet.
		delete(b.pending, n.item.message.ID)
	}
}

// nack takes the next NACK to be written, and false if there is none.
func (b *inbox) nack() (wire.Nack, bool) {
	if len(b.nacks) == 0 {
		return wire.Nack{}, false
	}
	n := b.nacks[0]
	b.nacks = b.nacks[1:]
	frame := wire.Nack{Seq: n.item.seq, Final: n.final, Text: n.text}
	if n.final {
		b.done(n.item)
	} else {
		frame.RetryAfterMS = uint64(min(max(0, n.after.Milliseconds()), wire.QuantityMax))
	}
	return frame, true
}

// ack fills a with what is handled, for an ACK or a CONNECT.
func (b *inbox) ack(a *wire.Ack) {
	a.Seq, a.Ranges = b.highest, a.Ranges[:0]
	for i, it := range b.open {
		if i == 0 {
			a.Seq = it.seq - 1
		}
		end := b.highest
		if i+1 < len(b.open) {
			end = b.open[i+1].seq - 1
		}
		if end > it.seq && len(a.Ranges) < wire.AckRangesMax {
			a.Ranges = append(a.Ranges, wire.SeqRange{First: it.seq + 1, Last: end})
		}
	}
}
