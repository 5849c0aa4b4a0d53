package wsconn

import (
	"bytes"
	"fmt"
	"net/netip"
)

// Handshake reads the upgrade request of one client. The zero value is ready.
// It keeps bytes only if the request did not come whole in one call. One
// goroutine at a time may use it.
type Handshake struct {
	kept []byte // What came of the request if it is not complete.

	// How far the request was looked through, and what was found: the start
	// of the current line and of the request line.
	scanned, line, start int

	over bool // Accepted or refused: the rest of the stream is not ours.
}

// Feed reads in. It returns neither request nor error while the request is
// not complete; how long to wait is the caller's business. A request that
// is acceptable is returned with the bytes behind it, the first frames. An
// error is always a *Refusal; afterwards Feed ignores everything.
//
// peer is the other end of the socket; if it is one of the trusted proxies,
// the request's forwarded address is looked up. Feed keeps nothing of in.
func (h *Handshake) Feed(u *Upgrader, peer netip.Addr, in []byte) (req *Request, rest []byte, err error) {
	if h.over {
		return nil, nil, nil
	}
	had, request := len(h.kept), in
	if had > 0 {
		h.kept = append(h.kept, in[:min(len(in), u.headBytesMax-had)]...)
		request = h.kept
	}
	request = request[:min(len(request), u.headBytesMax)]
	end, refusal := h.scan(request)
	if end == 0 && refusal == nil && len(request) == u.headBytesMax {
		refusal = &Refusal{Status: 431, Code: "head_too_large",
			Detail: fmt.Sprintf("the request is longer than %d bytes", u.headBytesMax)}
	}
	if end > 0 {
		req, refusal = u.accept(string(request[h.start:end]), peer)
	}
	if refusal != nil {
		*h = Handshake{over: true}
		return nil, nil, refusal
	}
	if end > 0 {
		*h = Handshake{over: true}
		return req, in[end-had:], nil
	}
	if had == 0 {
		h.kept = bytes.Clone(request)
	}
	return nil, nil, nil
}

// Kept returns the bytes of a request that is not complete. Another process
// goes on where h is by feeding them to a Handshake of its own. They are h's:
// copy them, or use h no more.
func (h *Handshake) Kept() []byte { return h.kept }

// scan looks through the new bytes of a request and returns where it ends, or
// 0 if it goes on. What cannot be HTTP is refused at its first byte, so that
// nobody waits for the end of something else. Lines end in CRLF and nothing
// less: where two readers of one stream disagree on that, requests can be
// smuggled past one of them.
func (h *Handshake) scan(request []byte) (end int, refusal *Refusal) {
	for ; h.scanned < len(request); h.scanned++ {
		i, b := h.scanned, request[h.scanned]
		afterCR := i > 0 && request[i-1] == '\r'
		switch {
		case afterCR != (b == '\n'):
			return 0, badRequest("lines must end in CRLF")
		case b == '\n' && i == h.line+1 && h.line == h.start:
			h.line, h.start = i+1, i+1 // An empty line before the request.
		case b == '\n' && i == h.line+1:
			return i + 1, nil
		case b == '\n':
			h.line = i + 1
		case b == 0x16 && i == 0:
			return 0, badRequest("this looks like TLS, and the listener is a plain one")
		case b < ' ' && b != '\t' && b != '\r', b == 0x7f:
			return 0, badRequest("control character in the request")
		}
	}
	return 0, nil
}
