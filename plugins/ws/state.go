package ws

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"

	"github.com/pushcore/pushcore/plugins/internal/sockets"
	"github.com/pushcore/pushcore/plugins/internal/wsconn"
)

// codecState is a codec in plain data.
type codecState struct {
	Text    bool
	Conn    wsconn.State
	Opening *openingState // nil: CONNECT was introduced
}

// openingState is an opening in plain data: before the upgrade what came of the
// request, after it the request.
type openingState struct {
	Guarded bool
	Peer    netip.Addr
	Kept    []byte
	Request *wsconn.Request
}

// errKept says that no handshake keeps such bytes.
var errKept = errors.New("restore a WebSocket: impossible state of its handshake")

// State implements sockets.Codec.
func (c *codec) State() []byte {
	s := codecState{Text: c.text, Conn: c.conn.State()}
	if o := c.opening; o != nil {
		s.Opening = &openingState{Guarded: o.guarded, Peer: o.peer, Kept: o.handshake.Kept(), Request: o.request}
	}
	b, err := json.Marshal(s)
	if err != nil {
		return nil // It is plain data: it cannot fail.
	}
	return b
}

// Restore implements sockets.Protocol.
func (p *protocol) Restore(state []byte, frameBytesMax int) (sockets.Codec, error) {
	var s codecState
	if err := json.Unmarshal(state, &s); err != nil {
		return nil, fmt.Errorf("restore a WebSocket: %w", err)
	}
	c := &codec{text: s.Text}
	s.Conn.MessageBytesMax = uint32(c.bytesMax(frameBytesMax))
	conn, err := wsconn.Restore(s.Conn)
	if err != nil {
		return nil, err
	}
	c.conn = conn
	if s.Opening == nil {
		return c, nil
	}
	o := &opening{
		upgrader: p.judge(s.Opening.Guarded), guarded: s.Opening.Guarded, peer: s.Opening.Peer,
		request: s.Opening.Request, frameBytesMax: frameBytesMax,
	}
	c.opening = o
	if o.request != nil {
		return c, nil
	}
	// What was kept is not a whole request, and was not refused: so it is now.
	if req, _, err := o.handshake.Feed(o.upgrader, o.peer, s.Opening.Kept); req != nil || err != nil {
		return nil, errKept
	}
	return c, nil
}
