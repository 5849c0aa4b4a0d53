package wire

import (
	"encoding/binary"
	"errors"
	"slices"
)

// ErrIncomplete says that a buffer does not hold a whole frame yet. It is no
// fault: read more and try again.
var ErrIncomplete = errors.New("frame is not complete yet")

// SplitFrame takes the first frame off what was read from a byte stream: its
// length as a varint, then as many bytes. frame and rest share buf's memory.
//
// With ErrIncomplete rest is buf; FrameSize tells how much is wanted. A frame
// of more than limit bytes (the length not counted) or of none, and a length
// that is no varint, are *ParseError, found as soon as the length is there;
// the stream cannot be read on then. SplitFrame does not allocate unless it
// returns a *ParseError.
func SplitFrame(buf []byte, limit int) (frame, rest []byte, err error) {
	size, n := uvarint(buf)
	switch {
	case n == 0:
		return nil, buf, ErrIncomplete
	case n < 0:
		return nil, buf, &ParseError{Field: "length", Reason: "not a varint", Code: CodeProtocolError}
	case size == 0:
		return nil, buf, &ParseError{Field: "length", Reason: "0: a frame has at least a type", Code: CodeProtocolError}
	case size > uint64(limit):
		return nil, buf, &ParseError{Field: "length", Reason: "frame longer than allowed", Code: CodeFrameTooLarge}
	case size > uint64(len(buf)-n):
		return nil, buf, ErrIncomplete
	}
	end := n + int(size)
	return buf[n:end:end], buf[end:], nil
}

// FrameSize returns how many bytes of a stream the frame at buf's beginning
// takes, its length included, or 0 if that is not known yet. It is for sizing
// a buffer after SplitFrame returned ErrIncomplete, and so found the size to
// be allowed.
func FrameSize(buf []byte) int {
	size, n := uvarint(buf)
	if n <= 0 {
		return 0
	}
	return n + int(size)
}

// PrefixLength makes dst[start:], a frame just appended, ready for a byte
// stream: it moves the frame up and puts its length before it.
func PrefixLength(dst []byte, start int) []byte {
	size := len(dst) - start
	n := uvarintSize(uint64(size))
	dst = slices.Grow(dst, n)[:len(dst)+n]
	copy(dst[start+n:], dst[start:start+size])
	binary.PutUvarint(dst[start:], uint64(size))
	return dst
}
