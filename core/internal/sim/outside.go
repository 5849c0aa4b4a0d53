package sim

import (
	"slices"

	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/sdk"
)

// outside is the process of plugin "one", which outlives the node.
type outside struct {
	incarnation uint16
}

// link is the way between one loop and the process.
type link struct {
	rows    []shard.Rejoined // what the process has kept and the loop has not heard
	tabled  bool             // it has heard
	downs   []uint16         // processes that have ended, of which it has not heard
	given   uint64           // batches, since the process or the core began
	written uint64           // of these, as the loop was told
	blocked bool             // by the host
	jammed  bool             // by the process

	held     bool          // a successor is to take over: commands wait
	commands []sdk.Command // these
}

// outsidePlugin is the plugin that may be a process.
const outsidePlugin = 0

// populateOutside chooses whether it is one.
func (w *World) populateOutside() {
	w.outside.incarnation = 1
	if w.shape.outside = w.chance(600); !w.shape.outside {
		return
	}
	same := func(b []byte) []byte { return slices.Clone(b) }
	w.shape.config.Outlives, w.shape.config.Echoes = []bool{true, false}, []bool{true, false}
	w.shape.config.Seal, w.shape.config.Unseal = same, func(b []byte) ([]byte, error) { return same(b), nil }
}

func (w *World) isOutside(plugin int) bool { return w.shape.outside && plugin == outsidePlugin }

// nextConn names a connection. Its process's number is above it.
func (w *World) nextConn(plugin int) sdk.ConnID {
	w.lastID++
	id := sdk.ConnID(w.lastID)
	if w.isOutside(plugin) {
		id |= sdk.ConnID(w.outside.incarnation) << 48
	}
	return id
}

// isDead says whether a connection was of a process that has ended.
func (w *World) isDead(plugin int, id sdk.ConnID) bool {
	return w.isOutside(plugin) && uint16(id>>48) < w.outside.incarnation
}

// links says whether what a connection has to say can reach its loop.
func (w *World) links(c *conn) bool {
	l := &w.node.links[c.loop]
	if !w.isOutside(c.plugin) {
		return true
	}
	return l.tabled && len(l.downs) == 0 && (!l.held || !w.isDead(c.plugin, c.id))
}

// connect opens the links of a run.
func (n *node) connect() {
	n.links = make([]link, len(n.shards))
	for _, c := range n.world.conns {
		if c.accepted {
			l := &n.links[c.loop]
			l.rows = append(l.rows, shard.Rejoined{Conn: c.id, Keep: c.keep, Seq: c.top, Queued: len(c.held), Gone: c.closing})
		}
	}
	n.world.conns = slices.DeleteFunc(n.world.conns, func(c *conn) bool { return c.accepted && c.closing })
}

// rejoining says whether a loop has not heard what the process has kept.
func (n *node) rejoining() bool {
	return slices.ContainsFunc(n.links, func(l link) bool { return !l.tabled })
}

// ready begins ingress when all have.
func (n *node) ready() {
	if n.world.runs == 0 || n.world.options.Plant == RejoinBeforeLoad || !n.world.shape.outside {
		for loop := range n.links {
			n.links[loop].tabled = true
		}
	}
	if !n.begun && !n.rejoining() {
		n.begun = true
		for _, s := range n.world.sources {
			s.assign(n.world)
		}
	}
}

// rejoin tells one loop what the process has kept.
func (n *node) rejoin(loop int) {
	w, l := n.world, &n.links[loop]
	s := n.shards[loop]
	s.Begin(n.now())
	for i := range l.rows {
		if w.options.Plant == RejoinFromOne {
			l.rows[i].Seq = 0
		}
		w.log.add("loop %d rejoins connection %d up to %d, gone %v", loop, l.rows[i].Conn, l.rows[i].Seq, l.rows[i].Gone)
	}
	s.Rejoin(outsidePlugin, l.rows)
	l.rows, l.tabled = nil, true
	w.apply(loop)
}

func (n *node) rejoinAll() {
	for loop := range n.links {
		n.rejoin(loop)
	}
}

// survive is the end of the core: connections in it are lost, those of the process
// stay, with what devices have sent lost on the way.
func (w *World) survive() {
	alive := w.shape.outside && w.chance(850) && !w.upgrading()
	var kept []*conn
	for _, c := range w.conns {
		if !alive || c.plugin != outsidePlugin || c.ended {
			c.lost()
			continue
		}
		kept = append(kept, c)
		c.stay()
	}
	if !alive {
		w.outside.incarnation++
	}
	w.conns = kept
}

// stay is what becomes of a connection while there is no core.
func (c *conn) stay() {
	c.over, c.touched = c.closing, false
	if !c.accepted {
		c.up = nil
		if !c.closing {
			c.up = []sdk.Event{{Kind: sdk.EventConnect, Conn: c.id, Connect: c.hello}}
		}
		return
	}
	c.up, c.attached, c.jammed = nil, true, len(c.held) > 0
	if link := &c.chat; !link.joined {
		*link = chatLink{}
	}
}

// moveOutside moves one thing between the node and the process.
func (w *World) moveOutside() {
	if !w.shape.outside {
		return
	}
	n := w.node
	loop := w.random.IntN(len(n.links))
	l, s := &n.links[loop], n.shards[loop]
	if !l.tabled {
		if len(l.downs) == 0 {
			n.rejoin(loop)
			n.ready()
		}
		return
	}
	if l.held {
		w.adopt(loop)
		return
	}
	s.Begin(n.now())
	switch w.random.IntN(4) {
	case 0:
		if l.blocked = !l.blocked; true {
			w.log.add("loop %d is blocked: %v", loop, l.blocked)
			s.Block(outsidePlugin, l.blocked)
		}
	case 1:
		kind := sdk.EventCongested
		if l.jammed = !l.jammed; !l.jammed {
			kind = sdk.EventWritable
		}
		w.log.add("loop %d hears of a jam: %v", loop, l.jammed)
		s.Events(outsidePlugin, []sdk.Event{{Kind: kind}})
	default:
		l.written += uint64(w.random.Int64N(int64(l.given-l.written) + 1))
		s.Written(outsidePlugin, l.written)
	}
	w.apply(loop)
}

// countBatch counts what the process is given.
func (w *World) countBatch(loop, plugin int, b *sdk.Batch) {
	if !w.isOutside(plugin) || len(b.Items) == 0 {
		return
	}
	l := &w.node.links[loop]
	if l.blocked || l.jammed || l.held {
		w.broken("loop %d gives something to a process that takes nothing", loop)
	}
	l.given++
}

// calmOutside ends all that disturbs.
func (w *World) calmOutside() {
	if !w.shape.outside {
		return
	}
	n := w.node
	for loop := range n.links {
		l, s := &n.links[loop], n.shards[loop]
		s.Begin(n.now())
		w.hearDown(loop)
		if !l.tabled {
			n.rejoin(loop)
			n.ready()
		}
		if l.held {
			w.adopt(loop)
		}
		if l.blocked {
			s.Block(outsidePlugin, false)
		}
		if l.jammed {
			s.Events(outsidePlugin, []sdk.Event{{Kind: sdk.EventWritable}})
		}
		l.blocked, l.jammed, l.written = false, false, l.given
		s.Written(outsidePlugin, l.written)
		w.apply(loop)
	}
}

// processDies ends the process; the loops hear of it one after another, before
// anything of the next one.
func (w *World) processDies() {
	for _, c := range slices.Clone(w.conns) {
		if c.plugin == outsidePlugin {
			c.lost()
			w.conns = remove(w.conns, c)
		}
	}
	for loop := range w.node.links {
		l := &w.node.links[loop]
		l.rows = nil                                     // If the link had not begun.
		l.downs = append(l.downs, w.outside.incarnation) // Then, too: devices may be on their way to the loop.
	}
	w.outside.incarnation++
}

// hearDown lets a loop hear of a process's end, at last.
func (w *World) hearDown(loop int) {
	l := &w.node.links[loop]
	if len(l.downs) == 0 || !w.calm && !w.chance(300) {
		return
	}
	defer w.node.ready()
	for len(l.downs) > 0 {
		w.log.add("loop %d hears that process %d is down", loop, l.downs[0])
		w.node.shards[loop].Handle(&shard.PluginDown{Plugin: outsidePlugin, Incarnation: l.downs[0]})
		*l = link{tabled: true, downs: l.downs[1:]}
	}
}

// upgrade has another process take over: on each loop nothing is given to the old one
// from now on, and what the new one has adopted is told in a later step.
func (w *World) upgrade() {
	n := w.node
	if w.upgrading() || n.rejoining() || slices.ContainsFunc(n.links, func(l link) bool { return len(l.downs) > 0 }) {
		return
	}
	w.log.add("the process is to be replaced")
	w.outside.incarnation++
	for loop, s := range n.shards {
		s.Begin(n.now())
		s.Block(outsidePlugin, true)
		w.apply(loop)
		n.links[loop].held = true
	}
}

// upgrading says whether a loop has not heard from the successor.
func (w *World) upgrading() bool {
	return slices.ContainsFunc(w.node.links, func(l link) bool { return l.held })
}

// adopt has one loop go on with the successor.
func (w *World) adopt(loop int) {
	var names []shard.Renamed
	now := map[sdk.ConnID]sdk.ConnID{}
	for _, c := range slices.Clone(w.conns) {
		if c.plugin != outsidePlugin || c.loop != loop || !w.isDead(c.plugin, c.id) {
			continue
		}
		name := shard.Renamed{From: c.id}
		if w.chance(50) {
			c.lost()
			w.conns = remove(w.conns, c)
		} else {
			name.To = w.nextConn(outsidePlugin)
			c.rename(name.To)
		}
		w.log.add("connection %d is %d now", name.From, name.To)
		names, now[name.From] = append(names, name), name.To
	}
	s, l := w.node.shards[loop], &w.node.links[loop]
	s.Begin(w.node.now())
	s.Rename(outsidePlugin, names)
	if l.jammed { // By the process before.
		s.Events(outsidePlugin, []sdk.Event{{Kind: sdk.EventWritable}})
	}
	commands := l.commands
	l.given, l.written, l.jammed, l.held, l.commands = 0, 0, false, false, nil
	s.Block(outsidePlugin, l.blocked)
	for i := range commands {
		if to, moved := now[commands[i].Conn]; moved {
			commands[i].Conn = to
		}
		w.command(loop, outsidePlugin, &commands[i])
	}
	w.apply(loop)
}

func (c *conn) rename(id sdk.ConnID) {
	c.id = id
	for i := range c.up {
		c.up[i].Conn = id
	}
	for i := range c.soon {
		c.soon[i].Conn = id
	}
}
