package stranger

import (
	"errors"
	"unicode/utf8"
)

var errFrame = errors.New("stranger: the frame is not as the protocol's page has it")

const numberMax = 1<<53 - 1

// appendNumber writes a varint.
func appendNumber(b []byte, n uint64) []byte {
	for n >= 0x80 {
		b = append(b, byte(n)|0x80)
		n >>= 7
	}
	return append(b, byte(n))
}

func appendText(b []byte, s string) []byte { return append(appendNumber(b, uint64(len(s))), s...) }

// fields takes fields off a frame, one behind the other. After a fault it yields nothing.
type fields struct {
	rest []byte
	bad  bool
}

func (f *fields) byte() byte {
	if f.bad || len(f.rest) == 0 {
		f.bad = true
		return 0
	}
	b := f.rest[0]
	f.rest = f.rest[1:]
	return b
}

func (f *fields) number() uint64 {
	var n uint64
	for shift := 0; ; shift += 7 {
		b := f.byte()
		if f.bad || shift > 49 || (b == 0 && shift > 0) { // 53 bits are eight bytes; a zero at the end is a longer form.
			f.bad = true
			return 0
		}
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			f.bad = n > numberMax
			return n
		}
	}
}

func (f *fields) bytes() string {
	n := f.number()
	if f.bad || n > uint64(len(f.rest)) {
		f.bad = true
		return ""
	}
	s := string(f.rest[:n])
	f.rest = f.rest[n:]
	return s
}

func (f *fields) text() string {
	s := f.bytes()
	f.bad = f.bad || !utf8.ValidString(s)
	return s
}

// end says whether all was well and nothing is left.
func (f *fields) end() error {
	if f.bad || len(f.rest) != 0 {
		return errFrame
	}
	return nil
}
