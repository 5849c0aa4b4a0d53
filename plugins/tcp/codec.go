package tcp

import (
	"errors"
	"net/netip"

	"github.com/pushcore/pushcore/plugins/internal/sockets"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

type protocol struct{}

func (protocol) Scheme() string { return "tcp" }
func (protocol) Path() string   { return "" }

func (protocol) Codec(_ netip.AddrPort, frameBytesMax int, _ bool) sockets.Codec {
	return &codec{limit: frameBytesMax}
}

func (protocol) Restore(state []byte, frameBytesMax int) (sockets.Codec, error) {
	return &codec{limit: frameBytesMax, partial: append([]byte(nil), state...)}, nil
}

// codec splits the stream at the lengths before the frames.
type codec struct {
	partial []byte // the beginning of a frame; nil between frames
	limit   int
	whole   bool // partial is a frame that was found: gone at the next call
}

var _ sockets.Codec = (*codec)(nil)

// Next implements sockets.Codec. A frame that lies whole in the input is a slice
// of it; only one that comes in pieces is put together in memory of its own.
func (c *codec) Next(in, reply []byte) (sockets.Found, []byte, []byte, error) {
	if c.whole {
		c.partial, c.whole = nil, false
	}
	if len(c.partial) > 0 {
		return c.complete(in, reply)
	}
	frame, rest, err := wire.SplitFrame(in, c.limit)
	if errors.Is(err, wire.ErrIncomplete) {
		if len(in) > 0 {
			c.partial = append([]byte(nil), in...) // It grows with what really comes, not with what a length promises.
		}
		return sockets.Found{}, nil, reply, nil
	}
	if err != nil {
		return sockets.Found{}, nil, reply, err
	}
	return sockets.Found{Kind: sockets.FoundFrame, Frame: frame}, rest, reply, nil
}

// complete goes on with a frame whose beginning is kept.
func (c *codec) complete(in, reply []byte) (sockets.Found, []byte, []byte, error) {
	for {
		frame, _, err := wire.SplitFrame(c.partial, c.limit)
		if err == nil {
			c.whole = true
			return sockets.Found{Kind: sockets.FoundFrame, Frame: frame}, in, reply, nil
		}
		if !errors.Is(err, wire.ErrIncomplete) {
			return sockets.Found{}, nil, reply, err
		}
		if len(in) == 0 {
			return sockets.Found{}, nil, reply, nil
		}
		wanted := 1 // Of a length that is not whole, byte by byte.
		if size := wire.FrameSize(c.partial); size > 0 {
			wanted = size - len(c.partial)
		}
		n := min(wanted, len(in))
		c.partial = append(c.partial, in[:n]...)
		in = in[n:]
	}
}

func (*codec) Text() bool { return false }

func (*codec) AppendFrame(dst []byte, f wire.Frame) []byte {
	start := len(dst)
	return wire.PrefixLength(f.Append(dst), start)
}

func (*codec) AppendPushHead(dst []byte, seq uint64, bodyBytes int) []byte {
	return wire.AppendStreamPushHead(dst, seq, bodyBytes)
}

// AppendEnd appends nothing: CLOSE has said it all.
func (*codec) AppendEnd(dst []byte, _ wire.Code, _ string) []byte { return dst }

func (*codec) Introduce(*sdk.Connect) {}

func (c *codec) Limit(frameBytesMax int) { c.limit = frameBytesMax }

func (c *codec) State() []byte {
	if c.whole {
		return nil
	}
	return c.partial
}
