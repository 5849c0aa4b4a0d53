package sockets

import (
	"slices"
	"unsafe"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// body is where a message of the batch lies in the arena, once it was needed: in
// binary and as JSON.
type body struct{ from, to [2]int }

// Deliver implements sdk.Transport: a message's body is encoded once for each
// batch, each item adds its head.
func (t *Transport) Deliver(id sdk.Loop, b *sdk.Batch) {
	l := t.loops[id]
	f := &l.frames
	f.bodies = slices.Grow(f.bodies[:0], len(b.Messages))[:len(b.Messages)]
	clear(f.bodies)
	for i := range b.Items {
		item := &b.Items[i]
		if c := l.find(item.Conn); c != nil && c.phase == Attached {
			l.push(c, item.Seq, &b.Messages[item.Message], &f.bodies[item.Message])
		}
	}
}

func (l *loop) push(c *conn, seq uint64, m *sdk.Message, at *body) {
	text := 0
	if c.codec.Text() {
		text = 1
	}
	if at.to[text] == 0 {
		at.from[text] = len(l.turn.arena)
		l.turn.arena = l.frames.appendBody(l.turn.arena, m, text == 1)
		at.to[text] = len(l.turn.arena)
	}
	head := len(l.turn.arena)
	l.turn.arena = c.codec.AppendPushHead(l.turn.arena, seq, at.to[text]-at.from[text])
	l.stage(c, head, len(l.turn.arena))
	l.stage(c, at.from[text], at.to[text])
}

// frames are reused from frame to frame, so that the hot ones cost nothing.
type frames struct {
	bodies  []body
	push    wire.Push
	headers []wire.Header
	ack     wire.Ack
	ranges  []sdk.SeqRange
	send    wire.Send
	ping    wire.Ping
}

func (f *frames) appendBody(dst []byte, m *sdk.Message, text bool) []byte {
	f.headers = f.headers[:0]
	for _, h := range m.Headers {
		f.headers = append(f.headers, wire.Header{Name: bytesOf(h.Name), Value: h.Value})
	}
	f.push = wire.Push{
		ID: bytesOf(m.ID), Name: bytesOf(m.Name), FromUser: bytesOf(m.FromUser), FromGroup: bytesOf(m.FromGroup),
		Position: m.Position, Headers: f.headers, Compressed: m.Codec != "", Payload: m.Payload,
	}
	if text {
		return wire.AppendPushBodyJSON(dst, &f.push)
	}
	return wire.AppendPushBody(dst, &f.push)
}

// bytesOf is s without a copy, to be read only.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
