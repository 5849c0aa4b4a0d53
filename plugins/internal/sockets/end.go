package sockets

import (
	"golang.org/x/sys/unix"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// reject refuses a CONNECT.
func (c *conn) reject(m *sdk.Command) {
	if c.phase != Waiting {
		return
	}
	c.say(&wire.Reject{Code: wire.Code(m.Code), Text: m.Text, Reconnect: m.Reconnect})
	c.ending(wire.Code(m.Code), m.Text)
}

// end says CLOSE, behind what is queued, and begins to end the connection.
func (c *conn) end(code wire.Code, text string, r wire.Reconnect) {
	if c.phase == Ending || c.phase == Free {
		return
	}
	if c.phase == Attached {
		c.say(&wire.Close{Code: code, Text: text, Reconnect: r})
	} else {
		c.say(&wire.Reject{Code: code, Text: text, Reconnect: r})
	}
	c.ending(code, text)
}

// ending says that this side has ended and waits for the peer to close, for what
// is still unread when a socket closes would make the kernel throw away what was
// written last.
func (c *conn) ending(code wire.Code, text string) {
	l := c.server
	from := len(l.turn.arena)
	l.turn.arena = c.codec.AppendEnd(l.turn.arena, code, text)
	l.stage(c, from, len(l.turn.arena))
	c.goodbye(code, text)
	if c.phase == Connecting || c.phase == Waiting {
		l.strangers--
	}
	c.phase = Ending
	c.held = nil
	c.deadline = l.now() + ticksOf(l.transport.config.Linger)
	c.watch()
	c.ended()
}

// peerEnded ends a connection that its peer has ended in good order: what this
// turn has for it, an answer to that end included, is written before.
func (c *conn) peerEnded(code wire.Code) {
	if c.phase == Ending || (!c.dirty && len(c.out) == 0) {
		c.drop(code, "")
		return
	}
	c.ending(code, "")
}

// ended shuts the writing side of an ending connection when all is written.
func (c *conn) ended() {
	if c.phase == Ending && !c.dirty && len(c.out) == 0 && !c.shut {
		c.shut = true
		_ = unix.Shutdown(int(c.fd), unix.SHUT_WR) // It fails only if the peer is gone already.
	}
}

// goodbye reports Closed, once, for a connection that the host knows of.
func (c *conn) goodbye(code wire.Code, text string) {
	if !c.told && c.phase != Connecting {
		c.server.emit(sdk.Event{Kind: sdk.EventClosed, Conn: c.id, Code: uint16(code), Text: text})
	}
	c.told = true
}

// drop closes the socket now.
func (c *conn) drop(code wire.Code, text string) {
	if c.phase == Free {
		return
	}
	l := c.server
	c.goodbye(code, text)
	if c.index != none {
		l.remove(c)
	}
	_ = unix.Close(int(c.fd)) // Nothing can be done about a failed close.
	if c.dirty {
		c.dirty = false // It stays on the flush list until Flush, which passes it over.
		c.phase = Free
		l.turn.dropped = append(l.turn.dropped, c)
		return
	}
	l.slab.give(c)
}

// closeAll ends the loop's part of the transport.
func (l *loop) closeAll() {
	l.closed = true
	l.stopListening()
	l.cancelTimers()
	for len(l.all) > 0 {
		l.all[len(l.all)-1].drop(wire.CodeGoingAway, "")
	}
	l.report()
}

func (l *loop) cancelTimers() {
	l.poller.Cancel(l.sweeping)
	l.poller.Cancel(l.fed.asking)
	l.poller.Cancel(l.shortage.telling)
}
