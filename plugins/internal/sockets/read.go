package sockets

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// readsAtOnce bounds how often one connection is read in one readiness, so that
// a talkative one does not hold up the others.
const readsAtOnce = 4

var _ sdk.Watcher = (*conn)(nil)

// Ready implements sdk.Watcher. Writes come first: they free memory, and what is
// read then may be answered behind them in order.
func (c *conn) Ready(_ sdk.Loop, r sdk.Interest) {
	l := c.server
	if r&sdk.Writable != 0 && len(c.out) > 0 {
		c.drain()
	}
	if r&sdk.Readable != 0 && c.phase != Free {
		if c.reads() {
			c.read()
		} else if c.interest&sdk.Readable == 0 {
			c.drop(0, "") // Only a hang-up is reported where reading was not asked for.
		}
	}
	l.report()
}

func (c *conn) read() {
	l := c.server
	for range readsAtOnce {
		if c.phase == Attached && !l.mayRead(c) {
			return
		}
		n, err := readSocket(c.fd, l.read)
		switch {
		case err == unix.EAGAIN:
			return
		case err == unix.EINTR:
			continue
		case err != 0:
			c.drop(0, "")
			return
		case n == 0:
			c.peerEnded(0)
			return
		}
		c.heard = l.now()
		c.consume(l.read[:n])
		if n < len(l.read) || !c.reads() || c.phase == Free {
			return // A short read has emptied the socket.
		}
	}
}

// consume takes everything it may out of in.
func (c *conn) consume(in []byte) {
	l := c.server
	for {
		var f Found
		var err error
		f, in, l.reply, err = c.codec.Next(in, l.reply[:0])
		if len(l.reply) > 0 && c.phase != Ending {
			c.sayBytes(l.reply)
		}
		if err != nil {
			c.fault(err)
			return
		}
		switch f.Kind {
		case FoundNothing:
			return
		case FoundEnd:
			c.peerEnded(f.Code)
			return
		case FoundFrame:
			c.frame(f.Frame)
		case FoundAlive: // It was heard.
		}
		switch c.phase {
		case Free:
			return
		case Waiting:
			c.held = append(c.held, in...) // What comes behind CONNECT waits for Attached.
			return
		}
	}
}

// fault ends a connection whose peer has broken the protocol.
func (c *conn) fault(err error) {
	if c.phase == Ending {
		return // It is on its way out, and its time is running.
	}
	var f *Fault
	if !errors.As(err, &f) {
		c.end(wire.CodeOf(err), err.Error(), wire.Reconnect{Rule: wire.ReconnectNo})
		return
	}
	if f.Mute {
		c.ending(f.Code, f.Text)
		return
	}
	c.end(f.Code, f.Text, ruleOf(f.Code))
}

func ruleOf(code wire.Code) wire.Reconnect {
	if code.Terminal() {
		return wire.Reconnect{Rule: wire.ReconnectNo}
	}
	return wire.Reconnect{}
}

// frame handles one frame of the device.
func (c *conn) frame(b []byte) {
	kind, err := c.typeOf(b)
	switch {
	case err != nil:
	case c.phase == Ending:
		return
	case c.phase == Connecting:
		err = c.connect(kind, b)
	default:
		err = c.attachedFrame(kind, b)
	}
	if err != nil {
		c.fault(err)
	}
}

func (c *conn) typeOf(b []byte) (wire.Type, error) {
	if c.codec.Text() {
		return wire.TypeOfJSON(b)
	}
	return wire.TypeOf(b)
}

// parse reads b into f.
func (c *conn) parse(f wire.Frame, b []byte) error {
	if c.codec.Text() {
		return f.ParseJSON(b)
	}
	return f.Parse(b)
}

// attachedFrame turns a frame of a session into an event, or answers it.
func (c *conn) attachedFrame(kind wire.Type, b []byte) error {
	l, f := c.server, &c.server.frames
	switch kind {
	case wire.TypeAck:
		if err := c.parse(&f.ack, b); err != nil {
			return err
		}
		f.ranges = f.ranges[:0]
		for _, r := range f.ack.Ranges {
			f.ranges = append(f.ranges, sdk.SeqRange(r))
		}
		l.emit(sdk.Event{Kind: sdk.EventAck, Conn: c.id, Seq: f.ack.Seq, Ranges: f.ranges})
		if len(f.ranges) > 0 {
			l.report() // The ranges are used again by the next ack.
		}
		return nil
	case wire.TypePing:
		if err := c.parse(&f.ping, b); err != nil {
			return err
		}
		c.say((*wire.Pong)(&f.ping))
		return nil
	case wire.TypeSend:
		if err := c.parse(&f.send, b); err != nil {
			return err
		}
		l.emit(sdk.Event{
			Kind: sdk.EventUplink, Conn: c.id, ID: string(f.send.ID), Name: string(f.send.Name),
			Headers: headersOf(f.send.Headers), Payload: f.send.Payload})
		l.report() // The payload lies in the read buffer.
		return nil
	default:
		return c.rareFrame(kind, b)
	}
}

// headersOf takes a frame's headers; few devices send any.
func headersOf(list []wire.Header) []sdk.Header {
	if len(list) == 0 {
		return nil
	}
	out := make([]sdk.Header, len(list))
	for i, h := range list {
		out[i] = sdk.Header{Name: string(h.Name), Value: h.Value}
	}
	return out
}

// rareFrame handles the frames that need not be cheap.
func (c *conn) rareFrame(kind wire.Type, b []byte) error {
	frame := wire.New(kind)
	if err := c.parse(frame, b); err != nil {
		return err
	}
	e := sdk.Event{Conn: c.id}
	switch f := frame.(type) {
	case *wire.Nack:
		e.Kind, e.Seq, e.Final, e.Text, e.RetryAfter = sdk.EventNack, f.Seq, f.Final, f.Text, milliseconds(f.RetryAfterMS)
	case *wire.Join:
		e.Kind, e.Group, e.Position = sdk.EventJoin, f.Group, f.Position
	case *wire.Leave:
		e.Kind, e.Group = sdk.EventLeave, f.Group
	case *wire.Refresh:
		credentials := credentialsOf(&f.Credentials)
		e.Kind, e.Credentials = sdk.EventRefresh, &credentials
	case *wire.Pong:
		return nil
	default:
		return &Fault{Code: wire.CodeProtocolError, Text: kind.String() + " is not for devices to send, or not now"}
	}
	c.server.emit(e)
	return nil
}
