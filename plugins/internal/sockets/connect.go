package sockets

import (
	"time"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// connectBytes is the bound of a frame before Accept: strangers may make us hold
// no more than a CONNECT needs.
func connectBytes(frameBytesMax int) int { return min(frameBytesMax, wire.ConnectBytesMax) }

// connect handles a connection's first frame.
func (c *conn) connect(kind wire.Type, b []byte) error {
	if kind != wire.TypeConnect {
		return &Fault{Code: wire.CodeProtocolError, Text: "the first frame is CONNECT, not " + kind.String()}
	}
	var f wire.Connect
	if err := c.parse(&f, b); err != nil {
		return err
	}
	e := connectOf(&f)
	e.Meta = append(e.Meta,
		sdk.Meta{Name: sdk.MetaTransport, Value: c.server.transport.protocol.Scheme()},
		sdk.Meta{Name: sdk.MetaPeer, Value: c.peer()})
	c.codec.Introduce(e)
	c.phase = Waiting
	c.server.emit(sdk.Event{Kind: sdk.EventConnect, Conn: c.id, Connect: e})
	c.watch()
	return nil
}

func connectOf(f *wire.Connect) *sdk.Connect {
	e := &sdk.Connect{
		Credentials: credentialsOf(&f.Credentials),
		User:        f.User, Device: f.Device, Platform: f.Platform,
		Codecs: f.Codecs, Headers: f.Headers, Groups: f.Groups,
		KeepAlive: milliseconds(f.KeepAliveMS), Window: int(f.Window),
	}
	if len(f.Resume.Session) > 0 {
		e.Resume = &sdk.Resume{Token: f.Resume.Session, Epoch: f.Resume.Epoch, Seq: f.Resume.Seq}
	}
	if f.Client != "" {
		e.Meta = append(e.Meta, sdk.Meta{Name: sdk.MetaClientName, Value: f.Client})
	}
	if f.ClientVersion != "" {
		e.Meta = append(e.Meta, sdk.Meta{Name: sdk.MetaClientVersion, Value: f.ClientVersion})
	}
	return e
}

func credentialsOf(w *wire.Credentials) sdk.Credentials {
	c := sdk.Credentials{Token: w.Token, User: w.User, Password: w.Password}
	switch w.Kind {
	case wire.CredentialBearer:
		c.Kind = sdk.CredentialBearer
	case wire.CredentialBasic:
		c.Kind = sdk.CredentialBasic
	}
	return c
}

// milliseconds bounds what a device says to what a duration can hold.
func milliseconds(ms uint64) time.Duration {
	const most = uint64(24 * time.Hour / time.Millisecond)
	return time.Duration(min(ms, most)) * time.Millisecond
}

// accept opens the session: ACCEPT is staged, and the connection goes to its
// owner's loop, or stays if that is this one.
func (l *loop) accept(c *conn, a *sdk.Accept) {
	if c.phase != Waiting {
		return
	}
	c.codec.Limit(l.limits.MaxFrame)
	c.heartbeat, c.deadline = 0, 0
	if a.Heartbeat > 0 {
		c.heartbeat = ticksOf(a.Heartbeat)
	}
	c.say(acceptFrame(a))
	if a.Owner == l.id {
		l.strangers--
		l.attach(c)
		return
	}
	l.release(c)
	l.remove(c)
	c.phase = Moving
	owner := l.transport.loops[a.Owner]
	owner.poller.Do(&arrival{owner, *c})
	l.slab.give(c)
}

// arrival carries a connection to its owner's loop, where it gets a slot of that
// loop's slab: so each loop has as many slots as it needs, wherever connections
// are accepted.
type arrival struct {
	l *loop
	c conn
}

func (a *arrival) Run(sdk.Loop) {
	l, c := a.l, a.l.slab.take()
	*c = a.c
	c.server, c.heard = l, l.now()
	if err := l.add(c, 0); err != nil || l.closed {
		l.emit(sdk.Event{Kind: sdk.EventAttached, Conn: c.id})
		c.drop(wire.CodeGoingAway, "")
		l.report()
		return
	}
	out := c.out
	c.out, c.outWritten = nil, 0
	c.sayBytes(out)
	l.attach(c)
	l.report()
}

// attach begins the session on this loop, with what came behind CONNECT.
func (l *loop) attach(c *conn) {
	c.phase = Attached
	if c.heartbeat != 0 {
		l.quicken(ticks(c.heartbeat))
	}
	l.emit(sdk.Event{Kind: sdk.EventAttached, Conn: c.id})
	held := c.held
	c.held = nil
	c.watch()
	if len(held) > 0 && c.phase == Attached {
		c.consume(held)
	}
}

func acceptFrame(a *sdk.Accept) *wire.Accept {
	f := &wire.Accept{
		Resumed: a.Resumed, Session: a.Token, Epoch: a.Epoch, HeartbeatMS: uint64(a.Heartbeat.Milliseconds()),
		Codec: a.Codec, UplinkBytesMax: uint64(a.MaxUplink), Window: uint64(a.Window), RememberIDs: uint64(a.RememberIDs),
		User: a.User, Device: a.Device,
	}
	if !a.Expires.IsZero() {
		f.ExpiresMS = uint64(a.Expires.UnixMilli())
	}
	return f
}
