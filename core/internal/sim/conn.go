package sim

import (
	"fmt"
	"slices"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// conn is a connection of a fake transport: the device's end and the node's, with a
// queue in each direction.
type conn struct {
	world  *World
	id     sdk.ConnID
	plugin int
	device *device // nil when it has let go
	loop   int     // where its events go

	up   []sdk.Event // not yet emitted
	soon []sdk.Event // behind Attached
	down []frame     // not yet with the device
	held []frame     // in the write buffer of a jammed socket

	accepted bool // Accept has been applied
	let      bool // the device has read it
	attached bool // Attached has been emitted
	closing  bool // Closed is among up, or has been emitted
	over     bool // the shard may give it nothing any more
	stalled  bool // the device reads nothing
	jammed   bool // Congested has been emitted
	touched  bool // something was given since the last flush

	hello  *sdk.Connect    // of CONNECT
	keep   []byte          // for the core
	top    uint64          // the highest number handed over
	ended  bool            // the core knows that it is over, or wants it
	sentAt map[uint64]send // by seq
	chat   chatLink
}

// send is when a seq was given last, and how often on this connection.
type send struct {
	at    int64
	times int
}

// frame is what goes to the device.
type frame struct {
	accept *sdk.Accept
	seq    uint64
	push   *sdk.Message
	joined string // a JOINED

	position uint64 // JOINED
	gap      bool   // JOINED
	ok       bool   // SENT, JOINED: taken
	sent     string // id of an uplink
	close    uint16
	early    bool // given by a core that has crashed since
}

func (w *World) conn(plugin int, id sdk.ConnID) *conn {
	for _, c := range w.conns {
		if c.plugin == plugin && c.id == id {
			return c
		}
	}
	return nil
}

// lost is a connection without a word to the node.
func (c *conn) lost() {
	c.closing, c.over = true, true
	c.up, c.held = nil, nil
	if d := c.device; d != nil {
		c.down = nil
		d.conn, c.device = nil, nil
	}
}

// emit hands one event of a random connection to a loop.
func (w *World) emit(loop int) bool {
	var ready []*conn
	for _, c := range w.conns {
		if c.loop == loop && len(c.up) > 0 && w.links(c) {
			ready = append(ready, c)
		}
	}
	if len(ready) == 0 {
		return false
	}
	c := pick(w, ready)
	e := c.up[0]
	c.up = c.up[1:]
	w.log.add("loop %d hears %s", loop, c.show(&e))
	switch e.Kind {
	case sdk.EventAttached:
		c.attached = true
	case sdk.EventClosed:
		c.over = true
		w.conns = remove(w.conns, c)
	case sdk.EventWritable:
		c.jammed = false
	}
	w.node.shards[loop].Events(c.plugin, []sdk.Event{e})
	return true
}

// command applies one command.
func (w *World) command(loop, plugin int, cmd *sdk.Command) {
	if l := &w.node.links[loop]; w.isOutside(plugin) && l.held {
		l.commands = append(l.commands, *cmd)
		return
	}
	c := w.conn(plugin, cmd.Conn)
	if c == nil {
		return // It has emitted Closed.
	}
	w.log.add("loop %d commands %s", loop, c.showCommand(cmd))
	if cmd.Kind != sdk.CommandAccept && c.loop != loop {
		if c.closing {
			c.ended = c.ended || cmd.Kind == sdk.CommandClose
			return
		}
		w.broken("loop %d commands connection %d of loop %d", loop, c.id, c.loop)
	}
	switch cmd.Kind {
	case sdk.CommandAccept:
		if c.closing {
			return // It died before; the node was told there.
		}
		if c.accepted {
			w.broken("connection %d is accepted twice", c.id)
		}
		c.accepted, c.loop, c.keep = true, int(cmd.Accept.Owner), cmd.Accept.Keep
		c.up = append(append(c.up, sdk.Event{Kind: sdk.EventAttached, Conn: c.id}), c.soon...)
		a := *cmd.Accept
		a.Token = slices.Clone(a.Token)
		c.down = append(c.down, frame{accept: &a})
	case sdk.CommandReject, sdk.CommandClose:
		if c.over {
			w.broken("connection %d is closed twice", c.id)
		}
		c.over, c.ended = true, true
		c.down = append(c.down, c.held...)
		c.held = nil
		c.down = append(c.down, frame{close: cmd.Code})
		c.end(0)
	case sdk.CommandKeep:
		c.keep = cmd.Keep
	case sdk.CommandUplinkResult:
		c.give(frame{sent: cmd.ID, ok: cmd.Code == 0})
	case sdk.CommandJoinResult:
		c.give(frame{joined: cmd.Group, ok: cmd.Code == 0, position: cmd.Position, gap: cmd.Gap})
	}
}

func (c *conn) give(f frame) {
	if c.stalled {
		c.held = append(c.held, f)
		return
	}
	c.down = append(c.down, f)
}

// end makes the transport emit Closed, once.
func (c *conn) end(code uint16) {
	if c.closing {
		return
	}
	c.closing = true
	c.up = append(c.up, sdk.Event{Kind: sdk.EventClosed, Conn: c.id, Code: code})
}

// deliver takes a batch.
func (w *World) deliver(loop, plugin int, b *sdk.Batch) {
	w.countBatch(loop, plugin, b)
	for i := range b.Items {
		item := &b.Items[i]
		c := w.conn(plugin, item.Conn)
		if c == nil && w.isDead(plugin, item.Conn) {
			continue // The loop has not heard of the process's end.
		}
		m := b.Messages[item.Message]
		if c == nil {
			w.broken("loop %d gives %s to connection %d, which has said Closed or never was", loop, m.ID, item.Conn)
		}
		w.log.add("loop %d gives %s seq %d to %s", loop, m.ID, item.Seq, c)
		switch {
		case c.over:
			w.broken("%s is given to %s after its end", m.ID, c)
		case !c.attached || c.loop != loop:
			w.broken("%s is given to %s by loop %d before Attached", m.ID, c, loop)
		case c.jammed:
			w.broken("%s is given to %s while it is congested", m.ID, c)
		case (item.Seq == 0) != (m.Class == sdk.Fast):
			w.broken("%s has seq %d and class %d", m.ID, item.Seq, m.Class)
		}
		w.checkResend(c, item.Seq)
		c.top = max(c.top, item.Seq)
		m.Payload = slices.Clone(m.Payload)
		if c.closing {
			continue
		}
		c.touched = true
		c.give(frame{seq: item.Seq, push: &m})
	}
}

// checkResend holds resends on one connection to the schedule.
func (w *World) checkResend(c *conn, seq uint64) {
	if seq == 0 {
		return
	}
	before, again := c.sentAt[seq]
	now := int64(w.elapsed)
	if again && c.device != nil && !c.device.nacked[seq] {
		delays := w.shape.config.Ack.Delays
		delay := delays[min(before.times, len(delays))-1]
		if least := int64(delay) * 9 / 10; now-before.at < least {
			w.broken("seq %d is sent to %s again after %d ms, the delay is %v", seq, c, (now-before.at)/1e6, delay)
		}
		if before.times > len(delays) {
			w.broken("seq %d is sent to %s %d times, %d delays are configured", seq, c, before.times+1, len(delays))
		}
	}
	c.sentAt[seq] = send{now, before.times + 1}
}

// flush writes; jammed sockets say so.
func (w *World) flush(loop int) {
	for _, c := range slices.Clone(w.conns) {
		if c.loop != loop || !c.touched {
			continue
		}
		c.touched = false
		if c.stalled && !c.jammed && !c.closing {
			c.jammed = true
			w.log.add("%s is congested", c)
			w.node.shards[loop].Events(c.plugin, []sdk.Event{{Kind: sdk.EventCongested, Conn: c.id, Queued: len(c.held)}})
		}
	}
}

// unstall lets the device read again.
func (c *conn) unstall() {
	if !c.stalled {
		return
	}
	c.stalled = false
	c.down = append(c.down, c.held...)
	c.held = nil
	if c.jammed && !c.closing {
		c.up = append(c.up, sdk.Event{Kind: sdk.EventWritable, Conn: c.id})
	}
}

func (c *conn) String() string {
	who := "nobody"
	if c.device != nil {
		who = c.device.String()
	}
	return fmt.Sprintf("connection %d/%d (%s)", c.plugin, c.id, who)
}

var eventNames = [...]string{"", "connect", "attached", "refresh", "uplink", "ack", "nack", "join", "leave", "congested", "writable", "closed"}

func (c *conn) show(e *sdk.Event) string {
	s := fmt.Sprintf("%s of %s", eventNames[e.Kind], c)
	switch e.Kind {
	case sdk.EventAck:
		s += fmt.Sprintf(" %d %v", e.Seq, e.Ranges)
	case sdk.EventNack:
		s += fmt.Sprintf(" %d final %v", e.Seq, e.Final)
	case sdk.EventConnect:
		if r := e.Connect.Resume; r != nil {
			s += fmt.Sprintf(" resume %x from %d", r.Epoch, r.Seq)
		}
	}
	return s
}

var commandNames = [...]string{"", "accept", "reject", "uplink result", "join result", "refresh result", "pause", "resume", "move", "close", "keep", "listen", "stop"}

func (c *conn) showCommand(cmd *sdk.Command) string {
	s := fmt.Sprintf("%s of %s", commandNames[cmd.Kind], c)
	if cmd.Code != 0 {
		s += " " + wire.Code(cmd.Code).String() + " " + cmd.Text
	}
	if a := cmd.Accept; a != nil {
		s += fmt.Sprintf(" resumed %v epoch %x owner %d", a.Resumed, a.Epoch, a.Owner)
	}
	return s
}
