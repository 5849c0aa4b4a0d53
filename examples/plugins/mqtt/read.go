package mqtt

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/pushcore/pushcore/examples/plugins/mqtt/packet"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// readsAtOnce bounds how often one connection is read in one readiness, so that a
// talkative one does not hold up the others.
const readsAtOnce = 4

var _ sdk.Watcher = (*conn)(nil)

// Ready implements sdk.Watcher. Writes come first: they free memory, and make room
// for answers to what is read then.
func (c *conn) Ready(_ sdk.Loop, r sdk.Interest) {
	l := c.loop
	if r&sdk.Writable != 0 && len(c.out) > 0 {
		c.write()
	}
	if r&sdk.Readable != 0 && c.phase != gone {
		if c.reads() {
			c.read()
		} else if c.interest&sdk.Readable == 0 {
			c.drop(0, "") // Only a hang-up is reported where reading was not asked for.
		}
	}
	c.watch()
	l.report()
}

func (c *conn) read() {
	l := c.loop
	for range readsAtOnce {
		if c.phase == attached && !l.mayRead(c) {
			return
		}
		n, err := unix.Read(c.fd, l.readBuffer)
		switch {
		case err == unix.EAGAIN:
			return
		case err == unix.EINTR:
			continue
		case err != nil || n == 0:
			c.drop(0, "")
			return
		}
		c.heard = l.now()
		if c.phase != ending {
			c.consume(l.readBuffer[:n])
		}
		if n < len(l.readBuffer) || !c.reads() {
			return
		}
	}
}

// packetMax is the longest packet of a device with a session.
func (l *loop) packetMax() int {
	if l.limits.MaxFrame > 0 {
		return l.limits.MaxFrame
	}
	return wire.FrameBytesDefault
}

// consume takes all packets that may be taken out of what was held back and in.
func (c *conn) consume(in []byte) {
	held := len(c.in) > 0
	if held {
		c.in = append(c.in, in...)
		in = c.in
	}
	for c.phase < ending && c.reads() {
		sizeMax := c.loop.packetMax()
		if c.phase == connecting {
			sizeMax = min(sizeMax, wire.ConnectBytesMax)
		}
		p, rest, err := packet.Split(in, sizeMax)
		if err == nil && p.Type == 0 {
			break
		}
		if in = rest; err == nil {
			err = c.packet(p)
		}
		if err != nil {
			c.fault(err)
			break
		}
	}
	c.reportAcks()
	c.hold(in, held)
}

// hold keeps what was not taken; rest is the end of c.in if something was held.
func (c *conn) hold(rest []byte, held bool) {
	switch {
	case c.phase >= ending || len(rest) == 0:
		c.in = nil
	case !held:
		c.in = append([]byte(nil), rest...)
	case len(rest) < len(c.in):
		c.in = append(c.in[:0], rest...)
	}
}

// packet handles one packet.
func (c *conn) packet(p packet.Raw) error {
	if c.phase == connecting {
		return c.connect(p)
	}
	switch p.Type {
	case packet.PUBLISH:
		return c.publish(p)
	case packet.PUBACK:
		return c.puback(p)
	case packet.SUBSCRIBE:
		return c.subscribe(p)
	case packet.UNSUBSCRIBE:
		return c.unsubscribe(p)
	case packet.PINGREQ:
		c.out = packet.AppendPingresp(c.room())
		return nil
	case packet.DISCONNECT:
		return c.disconnect(p)
	}
	return &packet.Error{Reason: packet.ProtocolError, Text: "a packet that is not for devices to send, or not now"}
}

func (c *conn) disconnect(p packet.Raw) error {
	m, err := packet.ReadDisconnect(p, c.version)
	if err != nil {
		return err
	}
	if m.Reason == packet.Success {
		c.will = nil
	}
	c.reportAcks()
	c.drop(0, m.Properties.ReasonString)
	return nil
}

// fault ends a connection whose peer has broken the protocol.
func (c *conn) fault(err error) {
	c.reportAcks()
	reason, text := packet.ProtocolError, err.Error()
	if e := (*packet.Error)(nil); errors.As(err, &e) {
		reason, text = e.Reason, e.Text
	}
	code := wire.CodeProtocolError
	switch reason {
	case packet.PacketTooLarge:
		code = wire.CodeFrameTooLarge
	case packet.UnsupportedVersion:
		code = wire.CodeUnsupportedVersion
	}
	c.endFor(reason, uint16(code), text, "")
}
