package ws

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
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

func (p *protocol) Codec(peer netip.AddrPort, frameBytesMax int, loopbackOnly bool) sockets.Codec {
	upgrader := p.upgrader
	if loopbackOnly {
		upgrader = p.guarded
	}
	return &codec{opening: &opening{upgrader: upgrader, peer: peer.Addr(), frameBytesMax: frameBytesMax}, conn: wsconn.NewConn(frameBytesMax)}
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
	var broken *wsconn.Error
	if errors.As(err, &broken) {
		reply = c.conn.AppendClose(reply, broken.Code, broken.Rule)
		return sockets.Found{}, nil, reply, &sockets.Fault{Code: wire.CodeProtocolError, Text: broken.Rule, Mute: true}
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

// credentialsOf are those that the request carries, in the order in which they
// are looked for: Authorization, the query's token, the cookie named token.
func credentialsOf(req *wsconn.Request) sdk.Credentials {
	if scheme, token, ok := strings.Cut(req.Authorization, " "); ok && strings.EqualFold(scheme, "bearer") {
		return sdk.Credentials{Kind: sdk.CredentialHeader, Token: strings.TrimSpace(token)}
	}
	if user, password, ok := basic(req.Authorization); ok {
		return sdk.Credentials{Kind: sdk.CredentialBasic, User: user, Password: password}
	}
	if query, err := url.ParseQuery(req.RawQuery); err == nil && query.Get("token") != "" {
		return sdk.Credentials{Kind: sdk.CredentialQuery, Token: query.Get("token")}
	}
	cookies, err := http.ParseCookie(req.Cookie)
	for _, cookie := range cookies {
		if err == nil && cookie.Name == "token" {
			return sdk.Credentials{Kind: sdk.CredentialCookie, Token: cookie.Value}
		}
	}
	return sdk.Credentials{}
}

func basic(authorization string) (user, password string, ok bool) {
	r := http.Request{Header: http.Header{"Authorization": {authorization}}}
	user, password, ok = r.BasicAuth()
	return strings.Clone(user), strings.Clone(password), ok
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

// codecState is a codec in plain data.
type codecState struct {
	Text bool
	Conn wsconn.State
}

// State implements sockets.Codec.
func (c *codec) State() []byte {
	b, err := json.Marshal(codecState{c.text, c.conn.State()})
	if err != nil {
		return nil // It is plain data: it cannot fail.
	}
	return b
}

// Restore implements sockets.Protocol.
func (p *protocol) Restore(state []byte, frameBytesMax int) (sockets.Codec, error) {
	var s codecState
	if err := json.Unmarshal(state, &s); err != nil {
		return nil, err
	}
	c := &codec{text: s.Text}
	s.Conn.MessageBytesMax = uint32(c.bytesMax(frameBytesMax))
	conn, err := wsconn.Restore(s.Conn)
	c.conn = conn
	return c, err
}
