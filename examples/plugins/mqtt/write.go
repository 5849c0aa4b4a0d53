package mqtt

import (
	"golang.org/x/sys/unix"

	"github.com/pushcore/pushcore/sdk"
)

const (
	spareBytes = 64 << 10 // a longer write buffer is not kept for others
	spareMax   = 64       // nor are more than so many
	wasteMax   = 64 << 10 // bytes that are written may lie before those that are not
)

// room is the connection's write buffer, to append to. The connection is written
// at Flush.
func (c *conn) room() []byte {
	l := c.loop
	if !c.dirty && c.phase != gone {
		c.dirty = true
		l.dirty = append(l.dirty, c)
	}
	if n := len(l.spare); c.out == nil && n > 0 {
		c.out, l.spare = l.spare[n-1], l.spare[:n-1]
	}
	return c.out
}

// unlist takes a connection that goes to another loop off the list.
func (l *loop) unlist(c *conn) {
	c.dirty = false
	for i := len(l.dirty) - 1; i >= 0; i-- { // It is among the last.
		if l.dirty[i] == c {
			l.dirty[i] = nil
			return
		}
	}
}

// flush writes, once for each connection with something to write.
func (l *loop) flush() {
	for i := 0; i < len(l.dirty); i++ {
		if c := l.dirty[i]; c != nil && c.phase != gone {
			c.dirty = false
			c.write()
			c.watch()
		}
	}
	clear(l.dirty)
	l.dirty, l.fed = l.dirty[:0], false
	l.report()
}

// write writes what the socket takes of the buffer.
func (c *conn) write() {
	for c.outDone < len(c.out) {
		n, err := unix.Write(c.fd, c.out[c.outDone:])
		if err == unix.EINTR {
			continue
		}
		if err == unix.EAGAIN {
			c.jam()
			return
		}
		if err != nil {
			c.drop(0, "")
			return
		}
		c.outDone += n
		c.heard = c.loop.now() // It takes what it is sent: it lives.
	}
	c.written()
}

// jam keeps what the socket did not take.
func (c *conn) jam() {
	if c.outDone > wasteMax && c.outDone > len(c.out)/2 {
		c.out = append([]byte(nil), c.out[c.outDone:]...)
		c.outDone = 0
	}
	if !c.congested && c.phase == attached {
		c.congested = true
		c.loop.emit(sdk.Event{Kind: sdk.EventCongested, Conn: c.id, Queued: len(c.out) - c.outDone})
	}
}

// written goes on when all is written.
func (c *conn) written() {
	c.release()
	if c.phase == ending && !c.shut {
		c.shut = true
		_ = unix.Shutdown(c.fd, unix.SHUT_WR) // It fails only if the peer is gone already.
	}
	if c.phase != attached {
		return
	}
	if len(c.unwritten) > 0 {
		c.loop.emit(sdk.Event{Kind: sdk.EventAck, Conn: c.id, By: sdk.AckByWrite, Ranges: c.unwritten})
		c.loop.report() // The ranges are used again.
		c.unwritten = c.unwritten[:0]
	}
	if c.congested {
		c.congested = false
		c.loop.emit(sdk.Event{Kind: sdk.EventWritable, Conn: c.id})
		c.goOn() // It may have been held back for the jam.
	}
}

// release gives the write buffer to whoever needs one.
func (c *conn) release() {
	if l := c.loop; cap(c.out) > 0 && cap(c.out) <= spareBytes && len(l.spare) < spareMax {
		l.spare = append(l.spare, c.out[:0])
	}
	c.out, c.outDone = nil, 0
}
