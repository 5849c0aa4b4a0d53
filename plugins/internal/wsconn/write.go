package wsconn

import (
	"encoding/binary"
	"math"
)

// ServerHeaderBytesMax is the most that AppendHeader appends.
const ServerHeaderBytesMax = 10

// AppendHeader appends the header of an unfragmented, unmasked frame with a
// payload of length bytes, which the caller writes behind it, and returns the
// extended buffer. It does not allocate if dst has ServerHeaderBytesMax to
// spare, so a transport can write header, its own head and a shared body as
// one vector. A control frame of more than 125 bytes is a mistake of the
// caller and panics.
func AppendHeader(dst []byte, opcode Opcode, length int) []byte {
	first := bitFinal | byte(opcode)
	switch {
	case length <= controlBytesMax:
		return append(dst, first, byte(length))
	case opcode.isControl():
		panic("wsconn: control frame longer than 125 bytes")
	case length <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, first, length16), uint16(length))
	}
	return binary.BigEndian.AppendUint64(append(dst, first, length64), uint64(length))
}

// AppendFrame appends a whole unfragmented, unmasked frame: a message, a Ping,
// or the Pong that answers one with its payload. Close frames are written by
// [Conn.AppendClose], which remembers them.
func AppendFrame(dst []byte, opcode Opcode, payload []byte) []byte {
	return append(AppendHeader(dst, opcode, len(payload)), payload...)
}
