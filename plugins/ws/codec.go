package ws

import (
	"errors"
	"net/netip"
	"strings"

	"github.com/pushcore/pushcore/plugins/internal/sockets"
	"github.com/pushcore/pushcore/plugins/internal/wsconn"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// protocol makes codecs; it is shared by all connections.
type protocol struct {
	upgrader *wsconn.Upgrader
	guarded  *wsconn.Upgrader // the same for loopback only
	path     string
}

func (*protocol) Scheme() string { return "ws" }
func (p *protocol) Path() string { return p.path }

// judge is the upgrader for a listener.
func (p *protocol) judge(loopbackOnly bool) *wsconn.Upgrader {
	if loopbackOnly {
		return p.guarded
	}
	return p.upgrader
}

func (p *protocol) Codec(peer netip.AddrPort, frameBytesMax int, loopbackOnly bool) sockets.Codec {
	upgrader := p.judge(loopbackOnly)
	return &codec{
		opening: &opening{upgrader: upgrader, guarded: loopbackOnly, peer: peer.Addr(), frameBytesMax: frameBytesMax},
		conn:    wsconn.NewConn(frameBytesMax),
	}
}

// codec reads and writes one device's WebSocket.
type codec struct {
	conn    wsconn.Conn
	opening *opening // until CONNECT was introduced; nil from then on
	text    bool     // subprotocol JSON
}

// opening is what only a connection's beginning needs.
type opening struct {
	upgrader  *wsconn.Upgrader
	guarded   bool // upgrader is the one for loopback only
	peer      netip.Addr
	handshake wsconn.Handshake
	request   *wsconn.Request // nil until the upgrade

	frameBytesMax int
}

var _ sockets.Codec = (*codec)(nil)

// Next implements sockets.Codec.
func (c *codec) Next(in, reply []byte) (sockets.Found, []byte, []byte, error) {
	if c.opening != nil && c.opening.request == nil {
		return c.upgrade(in, reply)
	}
	e, rest, err := c.conn.Next(in)
	if err != nil {
		return c.broken(err, reply)
	}
	switch e.Opcode {
	case wsconn.None:
		return sockets.Found{}, nil, reply, nil
	case wsconn.Ping:
		return sockets.Found{Kind: sockets.FoundAlive}, rest, wsconn.AppendFrame(reply, wsconn.Pong, e.Payload), nil
	case wsconn.Close:
		reply = c.conn.AppendClose(reply, e.Code, "")
		return sockets.Found{Kind: sockets.FoundEnd, Code: deviceCode(e.Code)}, nil, reply, nil
	case wsconn.Text, wsconn.Binary:
		if (e.Opcode == wsconn.Text) != c.text {
			return c.wrongKind(reply)
		}
		return sockets.Found{Kind: sockets.FoundFrame, Frame: e.Payload}, rest, reply, nil
	default:
		return sockets.Found{Kind: sockets.FoundAlive}, rest, reply, nil
	}
}

// broken says that the peer broke RFC 6455.
func (c *codec) broken(err error, reply []byte) (sockets.Found, []byte, []byte, error) {
	var rule *wsconn.Error
	if errors.As(err, &rule) {
		reply = c.conn.AppendClose(reply, rule.Code, rule.Rule)
		err = &sockets.Fault{Code: wire.CodeProtocolError, Text: rule.Rule, Mute: true}
	}
	return sockets.Found{}, nil, reply, err
}

func (c *codec) wrongKind(reply []byte) (sockets.Found, []byte, []byte, error) {
	text := "subprotocol " + Binary + " takes binary messages"
	if c.text {
		text = "subprotocol " + JSON + " takes text messages"
	}
	reply = c.conn.AppendClose(reply, wsconn.CodeUnsupportedData, text)
	return sockets.Found{}, nil, reply, &sockets.Fault{Code: wire.CodeProtocolError, Text: text, Mute: true}
}

// deviceCode is the peer's close code if it is one of ours.
func deviceCode(code uint16) wire.Code {
	if c := wire.Code(code); c.Valid() {
		return c
	}
	return 0
}

// upgrade reads the HTTP request.
func (c *codec) upgrade(in, reply []byte) (sockets.Found, []byte, []byte, error) {
	o := c.opening
	req, rest, err := o.handshake.Feed(o.upgrader, o.peer, in)
	var refused *wsconn.Refusal
	switch {
	case errors.As(err, &refused):
		return sockets.Found{}, nil, refused.AppendResponse(reply), &sockets.Fault{Code: wire.CodeBadRequest, Text: refused.Detail, Mute: true}
	case req == nil:
		return sockets.Found{}, nil, reply, nil
	}
	o.request = req
	if c.text = req.Subprotocol == JSON; c.text {
		c.conn = wsconn.NewConn(c.bytesMax(o.frameBytesMax))
	}
	return sockets.Found{Kind: sockets.FoundAlive}, rest, req.AppendResponse(reply), nil
}

// bytesMax is the bound of a message: the same frame is longer as JSON.
func (c *codec) bytesMax(frameBytesMax int) int {
	if c.text {
		return frameBytesMax * wire.JSONFactor
	}
	return frameBytesMax
}

func (c *codec) Text() bool { return c.text }

func (c *codec) opcode() wsconn.Opcode {
	if c.text {
		return wsconn.Text
	}
	return wsconn.Binary
}

// AppendFrame implements sockets.Codec. The header's size depends on the frame's,
// so the frame is appended first and moved up.
func (c *codec) AppendFrame(dst []byte, f wire.Frame) []byte {
	if c.conn.Closing() || (c.opening != nil && c.opening.request == nil) {
		return dst
	}
	start := len(dst)
	if c.text {
		dst = f.AppendJSON(dst)
	} else {
		dst = f.Append(dst)
	}
	var header [wsconn.ServerHeaderBytesMax]byte
	h := wsconn.AppendHeader(header[:0], c.opcode(), len(dst)-start)
	dst = append(dst, h...)
	copy(dst[start+len(h):], dst[start:])
	copy(dst[start:], h)
	return dst
}

func (c *codec) AppendPushHead(dst []byte, seq uint64, bodyBytes int) []byte {
	var head [64]byte
	var h []byte
	if c.text {
		h = wire.AppendPushHeadJSON(head[:0], seq)
	} else {
		h = wire.AppendPushHead(head[:0], seq)
	}
	dst = wsconn.AppendHeader(dst, c.opcode(), len(h)+bodyBytes)
	return append(dst, h...)
}

func (c *codec) AppendEnd(dst []byte, code wire.Code, text string) []byte {
	if c.opening != nil && c.opening.request == nil {
		return dst
	}
	return c.conn.AppendClose(dst, uint16(code), text)
}

// Introduce implements sockets.Codec: what the upgrade request told goes into the
// CONNECT, credentials only where it has none of its own.
func (c *codec) Introduce(connect *sdk.Connect) {
	if c.opening == nil || c.opening.request == nil {
		return
	}
	req := c.opening.request
	c.opening = nil
	for _, m := range []sdk.Meta{
		{Name: sdk.MetaSubprotocol, Value: req.Subprotocol}, {Name: sdk.MetaPath, Value: strings.Clone(req.Path)},
		{Name: sdk.MetaOrigin, Value: strings.Clone(req.Origin)},
	} {
		if m.Value != "" {
			connect.Meta = append(connect.Meta, m)
		}
	}
	if req.Forwarded.IsValid() {
		connect.Meta = append(connect.Meta, sdk.Meta{Name: sdk.MetaForwardedPeer, Value: req.Forwarded.String()})
	}
	if connect.Credentials.Kind == sdk.CredentialNone {
		connect.Credentials = credentialsOf(req)
	}
}

// Limit implements sockets.Codec. The bound of a message is the connection's for
// life, so a larger one means a Conn that goes on where this one is.
func (c *codec) Limit(frameBytesMax int) {
	s := c.conn.State()
	s.MessageBytesMax = uint32(c.bytesMax(frameBytesMax))
	if conn, err := wsconn.Restore(s); err == nil {
		c.conn = conn
	}
}
