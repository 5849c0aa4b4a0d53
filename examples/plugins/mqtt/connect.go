package mqtt

import (
	"bytes"
	"time"

	"github.com/pushcore/pushcore/examples/plugins/mqtt/packet"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// connect handles a connection's first packet.
func (c *conn) connect(p packet.Raw) error {
	if p.Type != packet.CONNECT {
		return &packet.Error{Reason: packet.ProtocolError, Text: "the first packet is CONNECT"}
	}
	m, err := packet.ReadConnect(p)
	c.version = m.Version
	if err != nil {
		return err
	}
	switch {
	case m.Properties.Enhanced:
		return &packet.Error{Reason: packet.BadMethod, Text: "enhanced authentication is not offered"}
	case m.Will != nil && m.Will.QoS > 1:
		return &packet.Error{Reason: packet.QoSNotSupported, Text: "QoS 2 is not offered"}
	case m.Will != nil && !wire.ValidName(m.Will.Topic):
		return &packet.Error{Reason: packet.TopicInvalid, Text: "a topic has at most 64 bytes and no control characters"}
	case m.Version == packet.V311 && m.ClientID == "" && !m.CleanStart:
		return &packet.Error{Reason: packet.InvalidClientID, Text: "a session to go on with needs a client id"}
	}
	if m.Will != nil {
		m.Will.Payload = bytes.Clone(m.Will.Payload)
		c.will = m.Will
	}
	c.keepAlive = time.Duration(m.KeepAlive) * time.Second
	c.nameless = m.ClientID == ""
	c.quiet, c.sizeMax = m.Properties.NoProblemInfo, int(m.Properties.MaximumPacketSize)
	c.phase = waiting
	c.loop.emit(sdk.Event{Kind: sdk.EventConnect, Conn: c.id, Connect: c.connectOf(&m)})
	c.loop.report() // It refers to the packet.
	c.watch()
	return nil
}

func (c *conn) connectOf(m *packet.Connect) *sdk.Connect {
	e := &sdk.Connect{
		Device: m.ClientID, KeepAlive: c.keepAlive, Window: int(m.Properties.ReceiveMaximum),
		Meta: []sdk.Meta{
			{Name: sdk.MetaTransport, Value: "mqtt"}, {Name: sdk.MetaPeer, Value: c.peer.String()},
			{Name: sdk.MetaSubprotocol, Value: versionNames[m.Version]},
		},
	}
	switch {
	case m.HasPassword && m.Username == "":
		e.Credentials = sdk.Credentials{Kind: sdk.CredentialBearer, Token: string(m.Password)}
	case m.HasPassword:
		e.Credentials = sdk.Credentials{Kind: sdk.CredentialBasic, User: m.Username, Password: string(m.Password)}
		e.User = m.Username
	default:
		e.User = m.Username
	}
	if !m.CleanStart {
		e.Resume = &sdk.Resume{}
	}
	if m.Version == packet.V5 {
		e.Headers = forwarded
	}
	return e
}

var versionNames = map[packet.Version]string{packet.V311: "mqtt 3.1.1", packet.V5: "mqtt 5"}

// forwarded are the headers of messages that MQTT 5 has a place for.
var forwarded = []string{"content-type", "traceparent"}

// accept opens the session: CONNACK is queued, and the connection goes to its
// owner's loop, or stays if that is this one.
func (c *conn) accept(a *sdk.Accept) {
	if c.phase != waiting {
		return
	}
	c.connack(a)
	c.deadline = time.Time{}
	l := c.loop
	l.remove(c)
	if a.Owner != l.id {
		l.unlist(c)
		owner := l.transport.loops[a.Owner]
		owner.poller.Do(arrival{owner, c})
		return
	}
	c.phase = attached
	l.conns[c.id] = c
	if err := l.poller.Watch(c.fd, c.interest, c); err != nil {
		l.emit(sdk.Event{Kind: sdk.EventAttached, Conn: c.id})
		c.drop(0, err.Error())
		return
	}
	c.attach()
}

func (c *conn) connack(a *sdk.Accept) {
	l := c.loop
	ack := packet.Connack{
		SessionPresent: a.Resumed, ReceiveMaximum: uplinkMax, MaximumPacketSize: uint32(l.packetMax()),
	}
	if c.nameless {
		ack.AssignedClientID = a.Device
	}
	if c.version == packet.V5 && a.Heartbeat > 0 {
		seconds := min((a.Heartbeat+time.Second-1)/time.Second, 0xFFFF)
		ack.ServerKeepAlive, c.keepAlive = uint16(seconds), seconds*time.Second
	}
	c.out = packet.AppendConnack(c.room(), c.version, ack)
}

// arrival carries a connection to its owner's loop.
type arrival struct {
	l *loop
	c *conn
}

func (a arrival) Run(sdk.Loop) {
	l, c := a.l, a.c
	c.phase, c.loop = attached, l
	if err := l.add(c, 0); err != nil || l.closed {
		l.emit(sdk.Event{Kind: sdk.EventAttached, Conn: c.id})
		c.drop(0, "")
		l.report()
		return
	}
	c.room() // CONNACK came along.
	c.attach()
	l.report()
}

// attach begins the session on this loop, with what came behind CONNECT.
func (c *conn) attach() {
	c.heard = c.loop.now()
	c.loop.emit(sdk.Event{Kind: sdk.EventAttached, Conn: c.id})
	c.goOn()
}
