package wsconn

import (
	"encoding/binary"
	"math"
)

// Lengths of RFC 6455, section 5.2, in bytes.
const (
	headerBytesMax  = 14 // From a client: 2, up to 8 of length, 4 of mask.
	controlBytesMax = 125

	length16 = 126 // In the 7 bits of length: 2 bytes of length follow.
	length64 = 127 // 8 bytes of length follow.
)

const (
	bitFinal  = 0x80
	bitsRsv   = 0x70
	bitMasked = 0x80
)

// header is the header of one frame from a client.
type header struct {
	opcode Opcode
	final  bool
	mask   [4]byte
	length uint64
}

// parseHeader reads the header at the start of in and returns its size, or
// size 0 if in ends within it. It checks every rule that needs no knowledge
// of earlier frames, those of the first two bytes as soon as these are there.
func parseHeader(in []byte) (h header, size int, err *Error) {
	if len(in) < 2 {
		return h, 0, nil
	}
	h.opcode = Opcode(in[0] & 0x0f)
	h.final = in[0]&bitFinal != 0
	length := in[1] &^ bitMasked
	switch {
	case in[0]&bitsRsv != 0:
		return h, 0, errReservedBit
	case h.opcode.isReserved():
		return h, 0, errReservedOpcode
	case in[1]&bitMasked == 0:
		return h, 0, errNotMasked
	case h.opcode.isControl() && !h.final:
		return h, 0, errControlFragmented
	case h.opcode.isControl() && length > controlBytesMax:
		return h, 0, errControlTooLong
	}

	size = headerSize(length)
	if len(in) < size {
		return h, 0, nil
	}
	switch length {
	case length16:
		h.length = uint64(binary.BigEndian.Uint16(in[2:]))
		if h.length < length16 {
			return h, 0, errLengthNotMinimal
		}
	case length64:
		h.length = binary.BigEndian.Uint64(in[2:])
		if h.length > math.MaxInt64 {
			return h, 0, errLengthNegative
		}
		if h.length <= math.MaxUint16 {
			return h, 0, errLengthNotMinimal
		}
	default:
		h.length = uint64(length)
	}
	h.mask = [4]byte(in[size-4:])
	return h, size, nil
}

// headerSize is the size of a masked frame's header with these 7 bits of
// length.
func headerSize(length byte) int {
	switch length {
	case length16:
		return 2 + 2 + 4
	case length64:
		return 2 + 8 + 4
	}
	return 2 + 4
}
