package wsconn

import "fmt"

// Error is a rule of RFC 6455 that the peer broke, or a limit it went over.
// Whoever gets one writes [Conn.AppendClose] with Code and Rule and closes.
type Error struct {
	Code uint16 // 1002, 1007 or 1009.
	Rule string // What was broken: short enough for the reason of a Close frame.
}

func (e *Error) Error() string {
	return fmt.Sprintf("websocket: %s (close code %d)", e.Rule, e.Code)
}

// All errors of a Conn are these values, so that a hostile peer costs no
// allocation.
var (
	errReservedBit            = &Error{CodeProtocolError, "reserved bit set without an extension"}
	errReservedOpcode         = &Error{CodeProtocolError, "reserved opcode"}
	errNotMasked              = &Error{CodeProtocolError, "frame from a client is not masked"}
	errControlTooLong         = &Error{CodeProtocolError, "control frame longer than 125 bytes"}
	errControlFragmented      = &Error{CodeProtocolError, "fragmented control frame"}
	errLengthNotMinimal       = &Error{CodeProtocolError, "length not encoded in the fewest bytes"}
	errLengthNegative         = &Error{CodeProtocolError, "most significant bit of the length set"}
	errContinuationUnexpected = &Error{CodeProtocolError, "continuation without a message to continue"}
	errContinuationExpected   = &Error{CodeProtocolError, "new message inside a fragmented one"}
	errClosePayloadTooShort   = &Error{CodeProtocolError, "close frame with half a status code"}
	errCloseCode              = &Error{CodeProtocolError, "status code not allowed in a close frame"}
	errCloseReason            = &Error{CodeInvalidPayload, "close reason is not UTF-8"}
	errText                   = &Error{CodeInvalidPayload, "text message is not UTF-8"}
	errMessageTooBig          = &Error{CodeMessageTooBig, "message too big"}
)
