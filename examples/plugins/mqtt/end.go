package mqtt

import (
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pushcore/pushcore/examples/plugins/mqtt/packet"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// linger is how long an ending connection may take to hear of it.
const linger = 2 * time.Second

// end says why, behind what is queued, and begins to end the connection. Server is
// where else to go, or empty.
func (c *conn) end(code uint16, text, server string) { c.endFor(reasonOf(code), code, text, server) }

// endFor is end with the reason of MQTT 5.
func (c *conn) endFor(reason byte, code uint16, text, server string) {
	if c.phase >= ending {
		return
	}
	number := strconv.Itoa(int(code))
	switch {
	case c.version == 0: // Whatever it speaks.
	case c.phase == attached && c.version == packet.V5:
		c.out = packet.AppendDisconnect(c.room(), reason, c.bounded(text), c.bounded(number), server)
	case c.phase == attached: // 3.1.1 has no word for it.
	case c.version == packet.V5:
		c.out = packet.AppendConnack(c.room(), c.version, packet.Connack{Reason: reason, Text: c.bounded(text), Code: c.bounded(number)})
	default:
		c.out = packet.AppendConnack(c.room(), c.version, packet.Connack{Reason: returnCode(reason, code)})
	}
	c.goodbye(code, text)
	if c.phase < attached {
		c.loop.strangers--
	}
	c.phase, c.in = ending, nil
	c.deadline = c.loop.now().Add(linger)
	c.room() // Flush ends the writing side, when all is written.
	c.watch()
}

// bounded leaves a text out for a device that bounds its packets.
func (c *conn) bounded(text string) string {
	if c.sizeMax > 0 {
		return ""
	}
	return text
}

// move asks the device to reconnect. In MQTT 5 that is the connection's end; in
// 3.1.1 it cannot be said, and the host closes the connection in time.
func (c *conn) move(server string) {
	if c.version == packet.V5 && c.phase == attached {
		c.endFor(packet.UseAnotherServer, uint16(wire.CodeMoved), "please reconnect", server)
	}
}

// goodbye reports the will and Closed, once, for a connection that the host knows of.
func (c *conn) goodbye(code uint16, text string) {
	if c.told {
		return
	}
	c.told = true
	if c.phase == attached {
		c.publishWill()
	}
	if c.phase == connecting {
		return
	}
	c.loop.emit(sdk.Event{Kind: sdk.EventClosed, Conn: c.id, Code: code, Text: text})
}

// drop closes the socket now.
func (c *conn) drop(code uint16, text string) {
	if c.phase == gone {
		return
	}
	c.goodbye(code, text)
	c.loop.remove(c)
	_ = unix.Close(c.fd) // Nothing can be done about a failed close.
	c.release()
	c.phase, c.in = gone, nil
}
