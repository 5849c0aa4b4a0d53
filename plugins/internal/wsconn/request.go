package wsconn

import (
	"crypto/sha1"
	"encoding/base64"
	"net/netip"
)

// Request is an upgrade request that was accepted. Its strings are parts of
// one copy of the request, which lives as long as any of them: clone those
// that are kept.
type Request struct {
	Subprotocol string // Chosen; empty if none is negotiated.

	Path     string // Percent-decoded.
	RawQuery string // As it came, without the question mark.
	Host     string // As it came, or of the request's absolute URI.
	Origin   string // Empty: not from a web page.

	Cookie        string // The field's value; http.ParseCookie splits it.
	Authorization string
	UserAgent     string

	// Forwarded is the client's address as far as trusted proxies tell: the
	// last hop that is none of them. Invalid if the peer is no trusted proxy
	// or tells nothing usable: then the peer is all that is known.
	Forwarded netip.Addr

	key string
}

// acceptGUID is the constant of RFC 6455, section 1.3.
const acceptGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// AppendResponse appends the response that makes the stream a WebSocket, and
// returns the extended buffer.
func (r *Request) AppendResponse(dst []byte) []byte {
	sum := sha1.Sum([]byte(r.key + acceptGUID))
	dst = append(dst, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	dst = base64.StdEncoding.AppendEncode(dst, sum[:])
	if r.Subprotocol != "" {
		dst = append(dst, "\r\nSec-WebSocket-Protocol: "...)
		dst = append(dst, r.Subprotocol...)
	}
	return append(dst, "\r\n\r\n"...)
}
