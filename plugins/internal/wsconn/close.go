package wsconn

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// Close codes of RFC 6455, section 7.4.1, that this package or its callers
// name. Those of the product are in the range 4000-4999.
const (
	CodeNormal          = uint16(ws.StatusNormalClosure)
	CodeGoingAway       = uint16(ws.StatusGoingAway)
	CodeProtocolError   = uint16(ws.StatusProtocolError)
	CodeUnsupportedData = uint16(ws.StatusUnsupportedData)
	CodeInvalidPayload  = uint16(ws.StatusInvalidFramePayloadData)
	CodePolicyViolation = uint16(ws.StatusPolicyViolation)
	CodeMessageTooBig   = uint16(ws.StatusMessageTooBig)
	CodeInternalError   = uint16(ws.StatusInternalServerError)

	// CodeNone stands for a Close frame without a code. It is never sent.
	CodeNone = uint16(ws.StatusNoStatusRcvd)
)

// closeReasonBytesMax is what a control frame leaves behind the code.
const closeReasonBytesMax = controlBytesMax - 2

// AppendClose appends the Close frame that this side of the connection sends,
// unless it has sent one, and returns the extended buffer. CodeNone or 0 gives
// a frame without a code, a code that RFC 6455 allows in no frame becomes
// CodeInternalError; the reason is cut to 123 bytes of valid UTF-8. After it
// only Pong may be written.
func (c *Conn) AppendClose(dst []byte, code uint16, reason string) []byte {
	if c.flags&closeSent != 0 {
		return dst
	}
	c.flags |= closeSent
	if code == CodeNone || code == 0 {
		return AppendHeader(dst, Close, 0)
	}
	if !closeCodeValid(code) {
		code = CodeInternalError
	}
	reason = cropReason(reason)
	dst = AppendHeader(dst, Close, 2+len(reason))
	dst = binary.BigEndian.AppendUint16(dst, code)
	return append(dst, reason...)
}

// Closing reports that a Close frame was sent or received, or the connection
// has failed: no message may be written any more.
func (c *Conn) Closing() bool { return c.flags&(closeSent|closeReceived|failed) != 0 }

// Closed reports that the close handshake is complete as far as it can be: a
// Close frame was sent, and the peer's was received or the peer broke the
// protocol. The socket is to be closed when all is written.
func (c *Conn) Closed() bool {
	return c.flags&closeSent != 0 && c.flags&(closeReceived|failed) != 0
}

// parseClose splits the payload of a Close frame.
func parseClose(payload []byte) (code uint16, reason []byte, broken *Error) {
	switch len(payload) {
	case 0:
		return CodeNone, payload, nil
	case 1:
		return 0, nil, errClosePayloadTooShort
	}
	code, reason = binary.BigEndian.Uint16(payload), payload[2:]
	if !closeCodeValid(code) {
		return 0, nil, errCloseCode
	}
	if !utf8.Valid(reason) {
		return 0, nil, errCloseReason
	}
	return code, reason, nil
}

// closeCodeValid reports whether a Close frame may carry code: those the RFC
// defines for frames, those registered since (1012-1014), and the ranges for
// libraries and applications. 1004, 1005, 1006 and 1015 are reserved.
func closeCodeValid(code uint16) bool {
	switch {
	case 1000 <= code && code <= 1003, 1007 <= code && code <= 1014:
		return true
	}
	return 3000 <= code && code <= 4999
}

// cropReason makes reason fit into a Close frame.
func cropReason(reason string) string {
	// Cut before looking at it: twice the space is enough to find its end.
	if len(reason) > 2*closeReasonBytesMax {
		reason = reason[:2*closeReasonBytesMax]
	}
	if !utf8.ValidString(reason) {
		reason = strings.ToValidUTF8(reason, "?")
	}
	if len(reason) <= closeReasonBytesMax {
		return reason
	}
	end := closeReasonBytesMax
	for !utf8.RuneStart(reason[end]) {
		end--
	}
	return reason[:end]
}
