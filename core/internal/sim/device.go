package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// userKind says how orderly the devices of a user are.
type userKind uint8

const (
	solo    userKind = iota // one device with an id
	several                 // several, each with an id
	wild                    // some without one; the user may be erased
)

// device is a device with its client library: it resumes, acks what it has handled
// and drops repeats by id. Its memory outlives connections; that of a device without
// an id ends with the session.
type device struct {
	world              *World
	user, id, platform string
	kind               userKind
	conn               *conn

	token  []byte
	epoch  uint64
	got    map[uint64]string // by seq, of this epoch
	done   map[uint64]bool   // handled
	nacked map[uint64]bool   // of this epoch
	top    uint64            // the highest seq received

	seen   map[string]bool
	last   map[orderKey]uint64
	joined map[string]bool // asked to join, at some time
	pushed int

	position uint64 // of chat's history: all up to it has come, or a gap was told
	fresh    bool   // something was received since the last ack
	beaten   bool   // by another device of its platform: told not to come back, as it heeds at last
}

// orderKey names what keeps its order on the way to one device. run is 0 where the
// order holds over crashes of the node.
type orderKey struct {
	source *source
	class  sdk.Class
	run    int
}

func (d *device) String() string { return fmt.Sprintf("%s/%s", d.user, d.id) }

// reset begins a new run of numbers.
func (d *device) reset() {
	d.got, d.done, d.nacked, d.top = map[uint64]string{}, map[uint64]bool{}, map[uint64]bool{}, 0
}

// handled is the highest seq up to which all that was received is handled.
func (d *device) handled() uint64 {
	n := d.top
	for seq := range d.got {
		if !d.done[seq] {
			n = min(n, seq-1)
		}
	}
	return n
}

// liveDevice lets a device do one thing.
func (w *World) liveDevice(d *device) {
	c := d.conn
	if c == nil {
		if (w.chance(300) || w.calm) && !(w.calm && d.beaten) {
			d.connect()
		}
		return
	}
	if w.chance(700) || w.calm {
		for range 1 + w.random.IntN(4) {
			d.read()
		}
	}
	if d.conn == nil || !d.conn.let {
		if d.conn != nil && w.chance(50) && !w.calm {
			d.drop()
		}
		return
	}
	if w.calm {
		c.unstall()
		if d.fresh {
			d.fresh = false
			for seq := range d.got {
				d.done[seq] = true
			}
			d.ack(false)
		}
		return
	}
	switch n := w.random.IntN(100); {
	case n < 40:
		d.ack(w.chance(300))
	case n < 45:
		d.nack()
	case n < 52:
		d.drop()
	case n < 60:
		c.stalled = true
	case n < 70:
		c.unstall()
	case n < 74:
		d.joinChat()
	case n < 75:
		c.chat = chatLink{waits: c.chat.waits}
		c.send(sdk.Event{Kind: sdk.EventLeave, Group: "j0"})
	case n < 80:
		d.pushed++
		c.send(sdk.Event{Kind: sdk.EventUplink, ID: fmt.Sprintf("%s-%d", d, d.pushed), Payload: []byte("up")})
	}
}

// send puts an event of the device on its way.
func (c *conn) send(e sdk.Event) {
	if c.closing {
		return
	}
	e.Conn = c.id
	if !c.accepted {
		c.soon = append(c.soon, e)
		return
	}
	c.up = append(c.up, e)
}

// connect opens a connection, mostly asking for the session it had.
func (d *device) connect() {
	w := d.world
	plugin, loop := w.random.IntN(2), w.random.IntN(w.shape.loops)
	if w.node.links[loop].held {
		plugin = 1 // The process listens to nobody.
	}
	c := &conn{world: w, id: w.nextConn(plugin), plugin: plugin, loop: loop, device: d, sentAt: map[uint64]send{}}
	d.conn = c
	w.conns = append(w.conns, c)
	hello := &sdk.Connect{User: d.user, Device: d.id, Platform: d.platform}
	switch {
	case d.token != nil && (w.chance(900) || w.calm):
		hello.Resume = &sdk.Resume{Token: d.token, Epoch: d.epoch, Seq: d.handled()}
	case d.id == "":
		d.forget()
	}
	c.hello = hello
	c.up = append(c.up, sdk.Event{Kind: sdk.EventConnect, Conn: c.id, Connect: hello})
	w.log.add("%s connects by %s on loop %d", d, c, c.loop)
	if w.chance(w.shape.chatty) {
		d.joinChat() // Right behind CONNECT.
	}
}

// forget makes another device of one without an id.
func (d *device) forget() {
	d.seen, d.last, d.position = map[string]bool{}, map[orderKey]uint64{}, 0
	d.reset()
}

// drop cuts the connection.
func (d *device) drop() {
	c := d.conn
	d.world.log.add("%s drops %s", d, c)
	d.conn, c.device = nil, nil
	c.down, c.held = nil, nil
	c.end(0)
}

// read takes one frame from the connection.
func (d *device) read() {
	c := d.conn
	if c == nil || len(c.down) == 0 {
		return
	}
	f := c.down[0]
	c.down = c.down[1:]
	switch {
	case f.accept != nil:
		d.accepted(f.accept)
	case f.push != nil:
		d.receive(f.seq, f.push, f.early)
	case f.joined == chat:
		d.joinedChat(&f)
	case f.sent != "":
		if f.ok && d.world.out.uplinks[f.sent] == 0 {
			d.world.broken("%s is told that %s was taken, and the broker has not got it", d, f.sent)
		}
	case wire.Code(f.close) == wire.CodeProtocolError:
		d.world.broken("%s is told that it broke the protocol", d)
	case f.close != 0:
		d.beaten = wire.Code(f.close) == wire.CodePlatformLimit
		d.world.log.add("%s is told: %v", d, wire.Code(f.close))
		d.conn, c.device = nil, nil
	}
}

func (d *device) accepted(a *sdk.Accept) {
	w := d.world
	if a.User != d.user || a.Device != d.id {
		w.broken("%s is accepted as %s/%s", d, a.User, a.Device)
	}
	switch {
	case a.Resumed && a.Epoch != d.epoch:
		w.broken("%s resumes epoch %x in epoch %x", d, d.epoch, a.Epoch)
	case !a.Resumed:
		if w.epochs[a.Epoch<<8|uint64(w.ownerOf(d.user))] {
			w.broken("epoch %x is given twice", a.Epoch)
		}
		w.epochs[a.Epoch<<8|uint64(w.ownerOf(d.user))] = true
		if d.id == "" {
			d.forget()
		}
		d.reset()
	}
	d.token, d.epoch = a.Token, a.Epoch
	d.conn.let = true
}

// receive takes a message.
func (d *device) receive(seq uint64, m *sdk.Message, early bool) {
	w := d.world
	r := w.records[m.ID]
	switch {
	case r == nil:
		w.broken("%s gets %s, which nobody published", d, m.ID)
	case !w.concerns(r, d):
		w.broken("%s gets %s, which is for others: %s", d, m.ID, showHeaders(r.headers))
	case m.Class != r.message.Class && !(m.FromGroup == chat && m.Position > 0 && d.isReplay(seq, m)):
		w.broken("%s gets %s as another class", d, m.ID)
	}
	if seq != 0 {
		d.checkSeq(seq, m.ID)
		d.got[seq] = m.ID
		d.top = max(d.top, seq)
		d.fresh = true
		if !d.nacked[seq] {
			d.done[seq] = true
		}
	}
	w.log.add("%s gets %s seq %d at %d", d, m.ID, seq, m.Position)
	d.hearsChat(seq, m, early)
	if d.seen[m.ID] {
		return
	}
	d.seen[m.ID] = true
	replay := !d.conn.chat.joined || d.conn.chat.waits || m.Position <= d.conn.chat.upto // as far as the device can tell
	if m.Position == 0 || seq != 0 || !replay {
		d.checkOrder(r)
	}
}

func (d *device) checkSeq(seq uint64, id string) {
	w := d.world
	if old, again := d.got[seq]; again && old != id {
		w.broken("%s gets %s under seq %d, which was %s", d, id, seq, old)
	} else if !again && seq < d.top {
		w.broken("%s gets seq %d after %d", d, seq, d.top)
	}
}

// ack confirms what is handled.
func (d *device) ack(odd bool) {
	w := d.world
	e := sdk.Event{Kind: sdk.EventAck, Seq: d.handled()}
	if odd {
		e.Seq = uint64(w.random.Int64N(int64(e.Seq) + 1)) // A late one.
	}
	for seq := range d.done {
		if seq > e.Seq && d.got[seq] != "" {
			e.Ranges = append(e.Ranges, sdk.SeqRange{First: seq, Last: seq})
		}
	}
	slices.SortFunc(e.Ranges, func(a, b sdk.SeqRange) int { return int(a.First) - int(b.First) })
	if odd && w.chance(500) {
		e.Ranges = nil
	}
	d.conn.send(e)
}

// nack puts one message off, or refuses it.
func (d *device) nack() {
	w := d.world
	if d.top == 0 {
		return
	}
	seq := d.top
	if w.chance(300) {
		if r := w.records[d.got[seq]]; r != nil {
			r.plain = false
		}
		d.conn.send(sdk.Event{Kind: sdk.EventNack, Seq: seq, Final: true})
		return
	}
	if !d.nacked[seq] {
		d.nacked[seq] = true
		delete(d.done, seq)
		d.conn.send(sdk.Event{Kind: sdk.EventNack, Seq: seq, RetryAfter: time.Duration(1+w.random.IntN(500)) * time.Millisecond})
	} else {
		d.done[seq] = true
	}
}
