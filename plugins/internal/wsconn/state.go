package wsconn

import (
	"errors"
	"slices"
)

// State is a Conn in plain data: what one process hands to another, with the
// socket, in the middle of a stream. Its fields may be encoded in any way. How
// far the UTF-8 of a text was checked is no field: Message tells it. Bytes that
// Next was not yet given, or gave back as rest, are the caller's to hand over.
type State struct {
	MessageBytesMax uint32

	Header []byte // Of a frame, not complete; nil while a frame is open.

	FrameOpen   bool
	FrameFinal  bool
	FrameOpcode Opcode
	FrameLeft   uint32  // Bytes of payload to come.
	FrameMask   [4]byte // For them, beginning with the first.

	MessageOpcode Opcode // None between messages.
	Message       []byte // The bytes so far, unmasked.
	Control       []byte // The same of an open control frame.

	CloseSent, CloseReceived, Failed bool
}

// errState says that no Conn exports such a State.
var errState = errors.New("websocket: impossible connection state")

// State exports c. The slices are c's own: copy them, or use c no more.
func (c *Conn) State() State {
	message := len(c.kept) - int(c.controlLen)
	s := State{
		MessageBytesMax: c.messageBytesMax,
		MessageOpcode:   c.messageOpcode,
		Message:         c.kept[:message:message],
		Control:         c.kept[message:],
		CloseSent:       c.flags&closeSent != 0,
		CloseReceived:   c.flags&closeReceived != 0,
		Failed:          c.flags&failed != 0,
	}
	if c.flags&frameOpen == 0 {
		s.Header = c.head[:c.headLen]
		return s
	}
	s.FrameOpen = true
	s.FrameFinal = c.flags&frameFinal != 0
	s.FrameOpcode = c.frameOpcode
	s.FrameLeft = c.frameLeft
	s.FrameMask = [4]byte(c.head[:])
	return s
}

// Restore returns the Conn that exported s, or an error if no Conn can have.
// It copies the slices of s.
func Restore(s State) (Conn, error) {
	var text utf8Check
	if !s.possible() || s.MessageOpcode == Text && !text.next(s.Message, false) {
		return Conn{}, errState
	}
	c := Conn{
		text:            text,
		controlLen:      uint8(len(s.Control)),
		messageOpcode:   s.MessageOpcode,
		messageBytesMax: s.MessageBytesMax,
		flags: flagIf(s.CloseSent, closeSent) | flagIf(s.CloseReceived, closeReceived) |
			flagIf(s.Failed, failed),
	}
	if len(s.Message)+len(s.Control) > 0 {
		c.kept = slices.Concat(s.Message, s.Control)
	}
	if !s.FrameOpen {
		c.headLen = uint8(copy(c.head[:], s.Header))
		return c, nil
	}
	c.flags |= frameOpen | flagIf(s.FrameFinal, frameFinal)
	c.frameOpcode = s.FrameOpcode
	c.frameLeft = s.FrameLeft
	copy(c.head[:], s.FrameMask[:])
	return c, nil
}

// possible reports whether the parts of s fit together: what comes from
// another process must not break the limits or the memory of this one.
func (s *State) possible() bool {
	switch {
	case s.MessageBytesMax == 0, s.MessageBytesMax > messageBytesMaxMax,
		s.MessageOpcode != None && s.MessageOpcode != Text && s.MessageOpcode != Binary,
		s.MessageOpcode == None && len(s.Message) > 0,
		len(s.Message) > int(s.MessageBytesMax):
		return false
	case !s.FrameOpen:
		_, size, broken := parseHeader(s.Header)
		return size == 0 && broken == nil && len(s.Control) == 0
	case s.FrameLeft == 0, len(s.Header) > 0, s.FrameOpcode > Pong, s.FrameOpcode.isReserved():
		return false
	case s.FrameOpcode.isControl():
		return s.FrameFinal && uint64(len(s.Control))+uint64(s.FrameLeft) <= controlBytesMax
	}
	return len(s.Control) == 0 && s.MessageOpcode != None &&
		(s.FrameOpcode == continuation || s.FrameOpcode == s.MessageOpcode) &&
		uint64(len(s.Message))+uint64(s.FrameLeft) <= uint64(s.MessageBytesMax)
}

func flagIf(on bool, f flags) flags {
	if on {
		return f
	}
	return 0
}
