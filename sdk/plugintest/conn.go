package plugintest

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/pushcore/pushcore/sdk"
)

// connIDBits is how many bits an id of a connection has.
const connIDBits = 48

// conn is what the host knows of a connection. It is guarded by Host.mu.
type conn struct {
	id       sdk.ConnID
	from     sdk.Loop // of its Connect
	owner    sdk.Loop // as Accept named it
	connect  *sdk.Connect
	accepted bool
	attached bool
	closed   *sdk.Event
	trace    trace
	events   []sdk.Event // all of it, in order

	congested bool
	jams      int // how often it was congested
	drains    int // and writable

	seqs    []uint64 // of what it was sent, ascending
	acked   ackSet   // what its device has acked
	covered ackSet   // what the transport said to be acked
	device  *device  // nil: not known whose it is
}

// ackSet is what acks cover.
type ackSet struct {
	upTo   uint64
	ranges []sdk.SeqRange
}

func (a *ackSet) add(upTo uint64, ranges []sdk.SeqRange) {
	a.upTo = max(a.upTo, upTo)
	a.ranges = append(a.ranges, ranges...)
}

func (a *ackSet) has(seq uint64) bool {
	return seq <= a.upTo || slices.ContainsFunc(a.ranges, func(r sdk.SeqRange) bool { return r.First <= seq && seq <= r.Last })
}

// serving is the loop on which the connection's events have to come.
func (c *conn) serving() sdk.Loop {
	if c.attached {
		return c.owner
	}
	return c.from
}

// take records events and holds them against the rules.
func (h *Host) take(l sdk.Loop, turn int, events []sdk.Event, posted bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range events {
		e := events[i]
		h.events = append(h.events, Emitted{l, turn, e})
		if h.recording != nil {
			h.recording.add(recordEvent(l, turn, &e, posted))
		}
		h.event(l, turn, &e, posted)
	}
	h.noteLocked()
}

func (h *Host) event(l sdk.Loop, turn int, e *sdk.Event, posted bool) {
	c := h.conns[e.Conn]
	line := fmt.Sprintf("loop %d turn %d ← %s", l, turn, describeEvent(e))
	if c == nil {
		h.journal.add(line)
		h.first(l, e, line)
		return
	}
	c.trace.add(line)
	if c.closed != nil {
		h.failLocked(RuleClosedOnce, c, "connection %#x emitted %s after Closed", uint64(c.id), eventName(e.Kind))
		return
	}
	c.events = append(c.events, *e)
	switch e.Kind {
	case sdk.EventConnect:
		h.failLocked(RuleConnectOnce, c, "a second Connect of connection %#x", uint64(c.id))
	case sdk.EventAttached:
		h.attached(c, l)
	case sdk.EventClosed:
		h.closed(c, l, e, posted)
	default:
		h.middle(c, l, e)
	}
}

// first is a connection's first event.
func (h *Host) first(l sdk.Loop, e *sdk.Event, line string) {
	c := &conn{id: e.Conn, from: l, owner: -1, events: []sdk.Event{*e}}
	c.trace.add(line)
	h.conns[e.Conn] = c
	switch {
	case e.Conn == 0 || e.Conn>>connIDBits != 0:
		h.failLocked(RuleConnID, c, "an event for connection %#x: %s", uint64(e.Conn), describeEvent(e))
	case e.Kind != sdk.EventConnect:
		h.failLocked(RuleConnectOnce, c, "the first event of connection %#x is %s", uint64(e.Conn), eventName(e.Kind))
	case e.Connect == nil:
		h.failLocked(RuleConnectWhole, c, "Event.Connect is nil")
	case len(e.Connect.Meta) > 32:
		h.failLocked(RuleConnectWhole, c, "%d entries of meta", len(e.Connect.Meta))
	}
	if c.connect = e.Connect; c.connect == nil {
		c.connect = &sdk.Connect{}
	}
}

func (h *Host) attached(c *conn, l sdk.Loop) {
	switch {
	case !c.accepted:
		h.failLocked(RuleAttached, c, "Attached of connection %#x without Accept", uint64(c.id))
	case c.attached:
		h.failLocked(RuleAttached, c, "a second Attached of connection %#x", uint64(c.id))
	case l != c.owner:
		h.failLocked(RuleAttached, c, "Attached of connection %#x on loop %d, Accept named loop %d", uint64(c.id), l, c.owner)
	}
	c.attached = true
	if !c.accepted {
		c.owner = l
	}
}

func (h *Host) closed(c *conn, l sdk.Loop, e *sdk.Event, posted bool) {
	if l != c.serving() {
		h.failLocked(RuleOwnLoop, c, "Closed of connection %#x on loop %d, it is served by loop %d", uint64(c.id), l, c.serving())
	}
	if c.accepted && !c.attached && h.direct && !posted {
		h.failLocked(RuleAttached, c, "connection %#x ended after Accept without Attached before Closed", uint64(c.id))
	}
	c.closed = e
}

// middle is an event between Attached and Closed.
func (h *Host) middle(c *conn, l sdk.Loop, e *sdk.Event) {
	if !c.attached {
		h.failLocked(RuleUnread, c, "connection %#x emitted %s before Attached", uint64(c.id), eventName(e.Kind))
		return
	}
	if l != c.owner {
		h.failLocked(RuleOwnLoop, c, "connection %#x emitted %s on loop %d, its owner is loop %d", uint64(c.id), eventName(e.Kind), l, c.owner)
	}
	switch e.Kind {
	case sdk.EventAck:
		h.ack(c, e)
	case sdk.EventCongested:
		if c.jams++; c.congested {
			h.failLocked(RuleCongested, c, "connection %#x emitted Congested twice without Writable between", uint64(c.id))
		}
		c.congested = true
		if e.Queued <= 0 {
			h.failLocked(RuleCongested, c, "Congested says that %d bytes are queued", e.Queued)
		}
	case sdk.EventWritable:
		if c.drains++; !c.congested {
			h.failLocked(RuleCongested, c, "connection %#x emitted Writable without Congested before", uint64(c.id))
		}
		c.congested = false
	}
}

// ack holds an ack against what the device has acked.
func (h *Host) ack(c *conn, e *sdk.Event) {
	said := ackSet{e.Seq, e.Ranges}
	c.covered.add(e.Seq, e.Ranges)
	if e.By == sdk.AckByWrite {
		if !h.byWrite {
			h.failLocked(RuleAcked, c, "an ack by write, but Info does not declare %s", sdk.CapAckWrite)
		}
		return
	}
	for _, seq := range c.seqs {
		if said.has(seq) && !c.acked.has(seq) {
			h.failLocked(RuleAcked, c, "%s, but the device has not acked %d", describeEvent(e), seq)
			return
		}
	}
	if most := c.acked.most(); said.most() > most {
		h.failLocked(RuleAcked, c, "%s, but the device has acked nothing above %d", describeEvent(e), most)
	}
}

func (a *ackSet) most() uint64 {
	most := a.upTo
	for _, r := range a.ranges {
		most = max(most, r.Last)
	}
	return most
}

// copyEvents copies events with all they refer to.
func copyEvents(events []sdk.Event) []sdk.Event {
	copies := slices.Clone(events)
	for i := range copies {
		e := &copies[i]
		e.Ranges, e.Payload = slices.Clone(e.Ranges), slices.Clone(e.Payload)
		if e.Credentials != nil {
			credentials := *e.Credentials
			credentials.Cert = slices.Clone(credentials.Cert)
			e.Credentials = &credentials
		}
		if e.Connect != nil {
			e.Connect = copyConnect(e.Connect)
		}
	}
	return copies
}

func copyConnect(c *sdk.Connect) *sdk.Connect {
	connect := *c
	connect.Codecs, connect.Headers = slices.Clone(c.Codecs), slices.Clone(c.Headers)
	connect.Groups, connect.Meta = slices.Clone(c.Groups), slices.Clone(c.Meta)
	if c.Resume != nil {
		resume := *c.Resume
		resume.Token = slices.Clone(resume.Token)
		connect.Resume = &resume
	}
	return &connect
}

func sameEvents(a, b []sdk.Event) bool { return reflect.DeepEqual(a, b) }
