package dispatch

import (
	"github.com/pushcore/pushcore/core/admit"
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/sdk/wire"
)

// splitter divides messages and operations into the parts of the loops. What it
// hands out is cut from chunks, so that a part costs a fraction of an allocation; a
// chunk is garbage when the shards have handled its last part.
type splitter struct {
	table    *Table
	indices  [][]uint16         // by loop: of the message at hand
	users    [][]wire.Address   // by loop: of the operation at hand
	delivers []envelope.Deliver // rest of a chunk
	lists    []uint16           // rest of a chunk
}

const (
	deliverChunk = 64
	listChunk    = 1024
)

// onlyFirst are the indices of a message with a single address.
var onlyFirst = []uint16{0}

func newSplitter(t *Table) splitter {
	return splitter{table: t, indices: make([][]uint16, t.loops), users: make([][]wire.Address, t.loops)}
}

// loopsOf is the set of loops that an address concerns.
func (p *splitter) loopsOf(a *wire.Address) (set admit.LoopSet) {
	switch a.Kind {
	case wire.User, wire.Device:
		set.Add(p.table.Owner(a.ID))
	case wire.Group:
		set = p.table.Members(a.ID)
	case wire.All:
		set = p.table.All()
	}
	return set
}

// message puts a Deliver for each loop that the message concerns into out, and
// returns these loops.
func (p *splitter) message(m *envelope.Message, out [][]envelope.Input) (to admit.LoopSet) {
	if len(m.To) == 1 {
		to = p.loopsOf(&m.To[0])
		for loop := to.Next(0); loop >= 0; loop = to.Next(loop + 1) {
			out[loop] = append(out[loop], p.deliver(m, onlyFirst))
		}
		return to
	}
	for i := range m.To {
		set := p.loopsOf(&m.To[i])
		for loop := set.Next(0); loop >= 0; loop = set.Next(loop + 1) {
			p.indices[loop] = append(p.indices[loop], uint16(i))
			to.Add(loop)
		}
	}
	for loop := to.Next(0); loop >= 0; loop = to.Next(loop + 1) {
		out[loop] = append(out[loop], p.deliver(m, p.list(p.indices[loop])))
		p.indices[loop] = p.indices[loop][:0]
	}
	return to
}

func (p *splitter) deliver(m *envelope.Message, to []uint16) *envelope.Deliver {
	if len(p.delivers) == 0 {
		p.delivers = make([]envelope.Deliver, deliverChunk)
	}
	d := &p.delivers[0]
	p.delivers = p.delivers[1:]
	d.Message, d.To = m, to
	return d
}

// list copies indices into a chunk.
func (p *splitter) list(indices []uint16) []uint16 {
	if len(indices) > len(p.lists) {
		p.lists = make([]uint16, max(listChunk, len(indices)))
	}
	n := copy(p.lists, indices)
	cut := p.lists[:n:n]
	p.lists = p.lists[n:]
	return cut
}

// control puts an operation's part for each loop that it concerns into out, and
// returns these loops. Joins count in the table from here on.
func (p *splitter) control(c *envelope.Control, out [][]envelope.Input) (to admit.LoopSet) {
	switch c.Op {
	case envelope.OpDissolve:
		to = p.table.Members(c.Group)
	case envelope.OpWithdraw:
		to = p.table.All()
	default:
		for _, a := range c.To {
			loop := p.table.Owner(a.ID)
			p.users[loop] = append(p.users[loop], a)
			to.Add(loop)
		}
	}
	for loop := to.Next(0); loop >= 0; loop = to.Next(loop + 1) {
		part := new(envelope.Control)
		*part = *c
		part.To = append([]wire.Address(nil), p.users[loop]...)
		clear(p.users[loop])
		p.users[loop] = p.users[loop][:0]
		out[loop] = append(out[loop], part)
		if c.Op == envelope.OpJoin {
			p.table.Join(c.Group, loop)
		}
	}
	return to
}
