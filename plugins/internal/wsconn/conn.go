package wsconn

import "github.com/gobwas/ws"

const (
	// MessageBytesMaxDefault bounds a message where NewConn is told no bound.
	MessageBytesMaxDefault = 1 << 20

	// messageBytesMaxMax bounds the bound, so that sizes fit everywhere.
	messageBytesMaxMax = 1 << 30
)

// keptBytesMin is the least capacity of a buffer for unfinished messages.
const keptBytesMin = 256

// Conn reads the frames of one client after its handshake. It is a plain
// value, made by NewConn to lie in a slab; State exports it for another
// process. One goroutine at a time may use it.
type Conn struct {
	// kept holds the unmasked bytes of an unfinished message, then controlLen
	// bytes of an unfinished control frame. Nil when there is neither.
	kept       []byte
	controlLen uint8

	// head holds the first headLen bytes of a header that is not complete,
	// or, while a frame is open, its mask, turned so that the next byte of
	// payload meets the first byte. The two are never needed together.
	head    [headerBytesMax]byte
	headLen uint8

	frameOpcode   Opcode    // Of the open frame.
	messageOpcode Opcode    // Of the unfinished message, None between messages.
	text          utf8Check // Of the unfinished message if it is text.
	flags         flags

	frameLeft       uint32 // Bytes of the open frame's payload still to come.
	messageBytesMax uint32
}

type flags uint8

const (
	frameOpen     flags = 1 << iota // The header of a frame is read, its payload is not.
	frameFinal                      // The open frame ends its message.
	closeSent                       // AppendClose wrote a Close frame.
	closeReceived                   // Next gave a Close event.
	failed                          // Next gave an Error.
)

// Event is what Next found.
type Event struct {
	// Opcode is Text or Binary for a whole message, Ping, Pong or Close for a
	// control frame, None if there is nothing.
	Opcode Opcode

	// Code is the status of a Close, CodeNone if it carries none.
	Code uint16

	// Payload is the message, what a Ping wants back, or the reason of a
	// Close. It may be changed and is valid until the next call of Next or
	// until the input buffer is used again, whichever is first.
	Payload []byte
}

// NewConn returns a Conn that fails a message longer than messageBytesMax with
// close code 1009 as soon as a header says so. 0 means MessageBytesMaxDefault;
// more than 1 GiB counts as 1 GiB.
func NewConn(messageBytesMax int) Conn {
	if messageBytesMax <= 0 {
		messageBytesMax = MessageBytesMaxDefault
	}
	return Conn{messageBytesMax: uint32(min(messageBytesMax, messageBytesMaxMax))}
}

// Next reads in up to the end of the next message or control frame and
// returns it with the bytes behind it, which the caller passes to the next
// call. Event None means that in is used up; what is unfinished is kept. How
// the stream is cut into calls changes neither events nor errors.
//
// Next unmasks in place: it writes to in. After a Close event or an error,
// always an *Error, everything is ignored.
func (c *Conn) Next(in []byte) (event Event, rest []byte, err error) {
	if c.flags&(closeReceived|failed) != 0 {
		return Event{}, nil, nil
	}
	for {
		if c.flags&frameOpen == 0 {
			n, broken := c.readHeader(in)
			if broken != nil {
				return c.fail(broken)
			}
			in = in[n:]
			if c.flags&frameOpen == 0 {
				return Event{}, nil, nil
			}
		}
		chunk := c.unmask(in)
		in = in[len(chunk):]
		event, broken := c.readPayload(chunk)
		switch {
		case broken != nil:
			return c.fail(broken)
		case event.Opcode != None:
			return event, in, nil
		case c.flags&frameOpen != 0:
			return Event{}, nil, nil
		}
	}
}

// Idle reports that c is between messages and keeps no bytes.
func (c *Conn) Idle() bool {
	return c.flags&frameOpen == 0 && c.headLen == 0 && c.messageOpcode == None
}

// readHeader uses up n bytes of in for a header and opens its frame, or keeps
// all of in if the header goes on behind it.
func (c *Conn) readHeader(in []byte) (n int, broken *Error) {
	src, had := in, int(c.headLen)
	if had > 0 {
		copied := copy(c.head[had:], in)
		src = c.head[:had+copied]
	}
	h, size, broken := parseHeader(src)
	if broken != nil {
		return 0, broken
	}
	if size == 0 {
		c.headLen = uint8(copy(c.head[:], src))
		return len(in), nil
	}
	c.headLen = 0
	return size - had, c.openFrame(h)
}

// openFrame checks h against the frames before it.
func (c *Conn) openFrame(h header) *Error {
	if !h.opcode.isControl() {
		if h.opcode == continuation && c.messageOpcode == None {
			return errContinuationUnexpected
		}
		if h.opcode != continuation && c.messageOpcode != None {
			return errContinuationExpected
		}
		if h.length > uint64(c.messageBytesMax)-uint64(len(c.kept)) {
			return errMessageTooBig
		}
		if h.opcode != continuation {
			c.messageOpcode = h.opcode
		}
	}
	c.frameOpcode = h.opcode
	c.frameLeft = uint32(h.length)
	copy(c.head[:], h.mask[:])
	c.flags |= frameOpen
	c.flags &^= frameFinal
	if h.final {
		c.flags |= frameFinal
	}
	return nil
}

// unmask returns what in holds of the open frame's payload, unmasked, and
// counts it.
func (c *Conn) unmask(in []byte) []byte {
	n := min(len(in), int(c.frameLeft))
	chunk := in[:n:n]
	mask := [4]byte(c.head[:])
	ws.Cipher(chunk, mask, 0)
	c.frameLeft -= uint32(n)
	if c.frameLeft > 0 {
		for i := range mask {
			c.head[i] = mask[(i+n)%4]
		}
	}
	return chunk
}

// readPayload takes the next bytes of the open frame and closes it if they
// are its last.
func (c *Conn) readPayload(chunk []byte) (Event, *Error) {
	if c.frameLeft == 0 {
		c.flags &^= frameOpen
	}
	if c.frameOpcode.isControl() {
		return c.readControl(chunk)
	}
	return c.readMessage(chunk)
}

func (c *Conn) readMessage(chunk []byte) (Event, *Error) {
	last := c.frameLeft == 0 && c.flags&frameFinal != 0
	if c.messageOpcode == Text && !c.text.next(chunk, last) {
		return Event{}, errText
	}
	payload := chunk
	if !last || len(c.kept) > 0 {
		c.keep(chunk)
		payload = c.kept
	}
	if !last {
		return Event{}, nil
	}
	event := Event{Opcode: c.messageOpcode, Payload: payload}
	c.kept = nil
	c.messageOpcode = None
	return event, nil
}

// readControl keeps an unfinished control frame behind the bytes of the
// message that it interrupts.
func (c *Conn) readControl(chunk []byte) (Event, *Error) {
	payload := chunk
	if c.frameLeft > 0 || c.controlLen > 0 {
		c.keep(chunk)
		c.controlLen += uint8(len(chunk))
		message := len(c.kept) - int(c.controlLen)
		payload = c.kept[message:]
		if c.frameLeft > 0 {
			return Event{}, nil
		}
		c.controlLen = 0
		c.kept = c.kept[:message]
		if message == 0 {
			c.kept = nil
		}
	}
	if c.frameOpcode == Close {
		return c.readClose(payload)
	}
	return Event{Opcode: c.frameOpcode, Payload: payload}, nil
}

func (c *Conn) readClose(payload []byte) (Event, *Error) {
	code, reason, broken := parseClose(payload)
	if broken != nil {
		return Event{}, broken
	}
	c.flags |= closeReceived
	c.release()
	return Event{Opcode: Close, Code: code, Payload: reason}, nil
}

// keep appends chunk to the kept bytes. Their buffer at most doubles, so that
// a client is given about as much memory as it has sent, whatever its headers
// promise, and a message in many small frames is not copied for each of them.
func (c *Conn) keep(chunk []byte) {
	need := len(c.kept) + len(chunk)
	if need > cap(c.kept) {
		size := max(keptBytesMin, 2*need)
		interrupts := c.frameOpcode.isControl() && c.messageOpcode != None
		if c.flags&frameFinal != 0 && !interrupts {
			size = min(size, need+int(c.frameLeft))
		}
		c.kept = append(make([]byte, 0, size), c.kept...)
	}
	c.kept = append(c.kept, chunk...)
}

func (c *Conn) fail(broken *Error) (Event, []byte, error) {
	c.flags |= failed
	c.release()
	return Event{}, nil, broken
}

// release forgets what is unfinished.
func (c *Conn) release() {
	c.kept = nil
	c.controlLen, c.headLen, c.frameLeft = 0, 0, 0
	c.messageOpcode, c.text = None, utf8Check{}
	c.flags &^= frameOpen | frameFinal
}
