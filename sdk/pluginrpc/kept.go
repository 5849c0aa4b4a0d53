package pluginrpc

import (
	"sync"

	"github.com/pushcore/pushcore/sdk"
)

// kept is what a plugin's side remembers of its connections on one loop, to tell a
// runtime that comes back. It belongs to the loop, passing excepted.
type kept struct {
	conns   map[sdk.ConnID]*keptConn
	passing *passing
}

// keptConn is one connection.
type keptConn struct {
	keep     []byte // of Accept or Keep; nil before
	seq      uint64
	acked    uint64
	queued   int
	attached bool
	gone     bool     // it has ended while there was no runtime
	asked    []asking // what the runtime has not answered
}

// asking is an event that wants an answer, as a record.
type asking struct {
	kind   sdk.EventKind
	group  string
	record []byte
}

// passing holds what is kept of connections on their way between two loops.
type passing struct {
	mu    sync.Mutex // guards conns
	conns map[sdk.ConnID]*keptConn
}

func (p *passing) put(id sdk.ConnID, c *keptConn) {
	p.mu.Lock()
	p.conns[id] = c
	p.mu.Unlock()
}

func (p *passing) take(id sdk.ConnID) *keptConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.conns[id]
	delete(p.conns, id)
	return c
}

func newKept(p *passing) *kept { return &kept{conns: map[sdk.ConnID]*keptConn{}, passing: p} }

// event notes what a connection reports. away says that there is no runtime to
// hear it.
func (k *kept) event(e *sdk.Event, away bool) {
	c := k.conns[e.Conn]
	switch e.Kind {
	case sdk.EventConnect:
		c = &keptConn{}
		k.conns[e.Conn] = c
		c.ask(e)
		return
	case sdk.EventAttached:
		if c == nil {
			if c = k.passing.take(e.Conn); c == nil {
				return
			}
			k.conns[e.Conn] = c
		}
		c.attached = true
		return
	case sdk.EventClosed:
		if c == nil {
			k.passing.take(e.Conn)
		} else if away && c.attached {
			c.gone = true
		} else {
			delete(k.conns, e.Conn)
		}
		return
	}
	if c == nil {
		return
	}
	switch e.Kind {
	case sdk.EventAck:
		c.acked = max(c.acked, e.Seq)
	case sdk.EventCongested:
		c.queued = max(e.Queued, 1)
	case sdk.EventWritable:
		c.queued = 0
	case sdk.EventJoin, sdk.EventRefresh:
		c.ask(e)
	case sdk.EventLeave:
		c.answered(sdk.EventJoin, e.Group)
	}
}

// askedMax bounds the questions of a connection that are kept; the oldest go, and
// their device asks again when it reconnects.
const askedMax = 64

func (c *keptConn) ask(e *sdk.Event) {
	if len(c.asked) == askedMax {
		c.asked = c.asked[1:]
	}
	c.asked = append(c.asked, asking{e.Kind, e.Group, AppendEvent(nil, e)})
}

func (c *keptConn) answered(kind sdk.EventKind, group string) {
	for i := range c.asked {
		if c.asked[i].kind == kind && c.asked[i].group == group {
			c.asked = append(c.asked[:i], c.asked[i+1:]...)
			return
		}
	}
}

// command notes what the runtime answers; l is the loop.
func (k *kept) command(l sdk.Loop, cmd *sdk.Command) {
	c := k.conns[cmd.Conn]
	if c == nil {
		return
	}
	switch cmd.Kind {
	case sdk.CommandAccept:
		c.answered(sdk.EventConnect, "")
		c.keep = append([]byte(nil), cmd.Accept.Keep...)
		if cmd.Accept.Owner != l {
			delete(k.conns, cmd.Conn)
			k.passing.put(cmd.Conn, c)
		}
	case sdk.CommandReject:
		c.answered(sdk.EventConnect, "")
	case sdk.CommandClose:
		delete(k.conns, cmd.Conn) // Its session is not to come back, whenever it says Closed.
	case sdk.CommandJoinResult:
		c.answered(sdk.EventJoin, cmd.Group)
	case sdk.CommandRefreshResult:
		c.answered(sdk.EventRefresh, "")
	case sdk.CommandKeep:
		c.keep = append(c.keep[:0], cmd.Keep...)
	}
}

// batch notes the numbers that connections are given.
func (k *kept) batch(b *sdk.Batch) {
	for i := range b.Items {
		if item := &b.Items[i]; item.Seq != 0 {
			if c := k.conns[item.Conn]; c != nil {
				c.seq = max(c.seq, item.Seq)
			}
		}
	}
}

// pauses are commands that stop all reading while there is no runtime.
func (k *kept) pauses(out []sdk.Command) []sdk.Command {
	for id, c := range k.conns {
		if c.attached && !c.gone {
			out = append(out, sdk.Command{Kind: sdk.CommandPause, Conn: id})
		}
	}
	return out
}

// table appends what a runtime that comes back is told: the connections, then what
// was asked and not answered. What has gone is forgotten with it.
func (k *kept) table(b []byte) []byte {
	rows := 0
	for id, c := range k.conns {
		if !c.attached {
			continue
		}
		rows++
		b = AppendConn(b, &Conn{Conn: id, Seq: c.seq, Acked: c.acked, Queued: c.queued, Gone: c.gone, Keep: c.keep})
		if c.gone {
			delete(k.conns, id)
		}
	}
	b = AppendTableEnd(b, rows)
	for _, c := range k.conns {
		for i := range c.asked {
			b = append(b, c.asked[i].record...)
		}
	}
	return b
}
