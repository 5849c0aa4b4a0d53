package packet

import (
	"encoding/binary"
	"unicode/utf8"
)

// reader takes fields off a body. After the first that is not there, bad stays
// set and all further ones are empty.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if r.bad || n > len(r.b) {
		r.bad, r.b = true, nil
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) u8() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u16() uint16 {
	if b := r.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *reader) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// varint is a number of up to four bytes.
func (r *reader) varint() int {
	n := 0
	for i := range 4 {
		b := r.u8()
		n |= int(b&0x7F) << (7 * i)
		if b < 0x80 {
			return n
		}
	}
	r.bad = true
	return 0
}

// binary is a field with its length in front.
func (r *reader) binary() []byte { return r.take(int(r.u16())) }

// text is a binary field that is UTF-8 without the character 0.
func (r *reader) text() []byte {
	b := r.binary()
	if !utf8.Valid(b) {
		r.bad = true
	}
	for _, c := range b {
		if c == 0 {
			r.bad = true
		}
	}
	return b
}

// end returns an error if a field was missing or something is left.
func (r *reader) end(packet string) error {
	if r.bad || len(r.b) > 0 {
		return malformed(packet + " cannot be read")
	}
	return nil
}
