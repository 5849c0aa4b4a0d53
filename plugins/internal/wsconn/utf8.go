package wsconn

import "unicode/utf8"

// utf8Check checks a text that comes in pieces. The zero value is ready. It
// fails at the first byte that cannot be part of valid UTF-8, also in the
// middle of a character (RFC 6455, section 8.1; Unicode, table 3-7).
type utf8Check struct {
	need      uint8 // Bytes that the unfinished character still needs.
	low, high uint8 // What the next of them may be.
}

// next reports whether piece goes on validly, and, if it is the last, whether
// the text ends with a whole character.
func (u *utf8Check) next(piece []byte, last bool) bool {
	for u.need > 0 && len(piece) > 0 {
		if !u.step(piece[0]) {
			return false
		}
		piece = piece[1:]
	}
	if last {
		return u.need == 0 && utf8.Valid(piece)
	}
	whole := len(piece) - unfinished(piece)
	if !utf8.Valid(piece[:whole]) {
		return false
	}
	for _, b := range piece[whole:] {
		if !u.step(b) {
			return false
		}
	}
	return true
}

// step takes one byte.
func (u *utf8Check) step(b byte) bool {
	if u.need > 0 {
		ok := u.low <= b && b <= u.high
		u.need, u.low, u.high = u.need-1, 0x80, 0xbf
		return ok
	}
	u.low, u.high = 0x80, 0xbf
	switch {
	case b < 0x80:
	case 0xc2 <= b && b <= 0xdf:
		u.need = 1
	case b == 0xe0:
		u.need, u.low = 2, 0xa0 // Below: overlong.
	case b == 0xed:
		u.need, u.high = 2, 0x9f // Above: surrogates.
	case 0xe1 <= b && b <= 0xef:
		u.need = 2
	case b == 0xf0:
		u.need, u.low = 3, 0x90 // Below: overlong.
	case b == 0xf4:
		u.need, u.high = 3, 0x8f // Above: beyond U+10FFFF.
	case 0xf1 <= b && b <= 0xf3:
		u.need = 3
	default:
		return false
	}
	return true
}

// unfinished returns how many bytes at the end of p look like a character
// that goes on behind it.
func unfinished(p []byte) int {
	for n := 1; n <= 3 && n <= len(p); n++ {
		switch b := p[len(p)-n]; {
		case b < 0x80:
			return 0
		case b >= 0xf0 && n < 4, b >= 0xe0 && n < 3, b >= 0xc0 && n < 2:
			return n
		case b >= 0xc0:
			return 0
		}
	}
	return 0
}
