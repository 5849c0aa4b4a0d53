package sockets

import (
	"net/netip"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// Protocol makes codecs: tcp and ws each have one.
type Protocol interface {
	// Scheme is the endpoint's URL scheme, Path its path.
	Scheme() string
	Path() string
	// Codec serves one connection, which has the given peer. loopbackOnly is
	// sdk.Listen's.
	Codec(peer netip.AddrPort, frameBytesMax int, loopbackOnly bool) Codec
	// Restore is the codec that exported state.
	Restore(state []byte, frameBytesMax int) (Codec, error)
}

// Codec is how device frames lie in one connection's stream. It is used by the
// connection's loop only and keeps what is half read.
type Codec interface {
	// Next takes the next thing off in, which it may change. Found nothing means
	// that in is used up. What must be answered below the device protocol (an
	// upgrade, a pong) is appended to reply. An error is a *Fault.
	Next(in, reply []byte) (f Found, rest, newReply []byte, err error)

	// Text says whether frames are JSON; it is constant once a frame was found.
	Text() bool

	// AppendFrame appends a frame that is not a push.
	AppendFrame(dst []byte, f wire.Frame) []byte
	// AppendPushHead appends what comes before a push's body of bodyBytes.
	AppendPushHead(dst []byte, seq uint64, bodyBytes int) []byte
	// AppendEnd appends what says below the device protocol that this side has
	// ended. After it nothing is appended.
	AppendEnd(dst []byte, code wire.Code, text string) []byte

	// Introduce adds to a CONNECT what the stream's own handshake told.
	Introduce(c *sdk.Connect)
	// Limit sets the bound of one frame, which is smaller before Accept.
	Limit(frameBytesMax int)
	// State exports the codec for another process; nil if it has none.
	State() []byte
}

// Found is what a codec found in the stream.
type Found struct {
	Kind  FoundKind
	Frame []byte    // FoundFrame: valid until Next or until the input is changed
	Code  wire.Code // FoundEnd: what the peer gave as the reason, or 0
}

// FoundKind tells what was found.
type FoundKind uint8

// The kinds.
const (
	FoundNothing FoundKind = iota // all input is used up
	FoundFrame                    // a device frame
	FoundEnd                      // the peer ends the connection in good order
	FoundAlive                    // nothing for the device protocol, but a sign of life
)

// Fault is a peer's breach of the protocol.
type Fault struct {
	Code wire.Code
	Text string
	Mute bool // the reply holds all there is to say; no CLOSE frame can be understood
}

func (f *Fault) Error() string { return f.Text }
