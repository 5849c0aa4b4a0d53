package wire

import (
	"fmt"
	"unicode/utf8"
)

// reader reads the fields of a binary frame in order. The first error sticks:
// from then on every method returns zero, and end returns the error. It lives
// on the stack of Parse and allocates nothing but strings, lists and errors.
type reader struct {
	failure
	b   []byte
	pos int
}

// readFrame begins behind the type byte, which must be want.
func readFrame(want Type, b []byte) reader {
	r := reader{failure: failure{frame: want}, b: b}
	if len(b) == 0 || b[0] != byte(want) {
		r.fail("type", 0, "not that of this frame")
	}
	r.pos = 1
	return r
}

// end returns the first error; bytes left over are one.
func (r *reader) end() error {
	if r.err == nil && r.pos != len(r.b) {
		r.fail("end", r.pos, fmt.Sprintf("%d bytes follow the last field", len(r.b)-r.pos))
	}
	return r.failed()
}

// counter reads a varint that is not above most.
func (r *reader) counter(field string, most uint64) uint64 {
	if r.err != nil {
		return 0
	}
	v, n := uvarint(r.b[r.pos:])
	switch {
	case n == 0:
		r.fail(field, r.pos, "the frame ends within it")
		return 0
	case n < 0:
		r.fail(field, r.pos, "not a varint below 2^53")
		return 0
	case v > most:
		r.fail(field, r.pos, fmt.Sprintf("above %d", most))
		return 0
	}
	r.pos += n
	return v
}

// positive reads a varint that is not 0.
func (r *reader) positive(field string) uint64 {
	offset := r.pos
	v := r.counter(field, CounterMax)
	if v == 0 {
		r.fail(field, offset, "0")
	}
	return v
}

// flags reads a byte of which only the known bits may be set.
func (r *reader) flags(field string, known byte) byte {
	v := r.byte(field)
	if v&^known != 0 {
		r.fail(field, r.pos-1, fmt.Sprintf("unknown bits %#02x", v&^known))
		return 0
	}
	return v
}

func (r *reader) byte(field string) byte {
	if r.err != nil {
		return 0
	}
	if r.pos == len(r.b) {
		r.fail(field, r.pos, "the frame ends within it")
		return 0
	}
	r.pos++
	return r.b[r.pos-1]
}

// bytes reads a length and as many bytes, from least to most of them. They
// share the frame's memory.
func (r *reader) bytes(field string, least, most int) []byte {
	offset := r.pos
	size := r.counter(field, CounterMax)
	if r.err != nil {
		return nil
	}
	switch {
	case size > uint64(most):
		r.fail(field, offset, fmt.Sprintf("longer than %d bytes", most))
	case size < uint64(least):
		r.fail(field, offset, "empty")
	case size > uint64(len(r.b)-r.pos):
		r.fail(field, offset, "the frame ends within it")
	case size > 0:
		end := r.pos + int(size)
		v := r.b[r.pos:end:end]
		r.pos = end
		return v
	}
	return nil
}

// text is bytes that are UTF-8.
func (r *reader) text(field string, least, most int) []byte {
	offset := r.pos
	v := r.bytes(field, least, most)
	if !utf8.Valid(v) {
		r.fail(field, offset, "not UTF-8")
		return nil
	}
	return v
}

// plain is text without control characters.
func (r *reader) plain(field string, least, most int) []byte {
	offset := r.pos
	v := r.text(field, least, most)
	if hasControl(v) {
		r.fail(field, offset, "has a control character")
		return nil
	}
	return v
}

// list reads a count, not above most, and as many plain texts, none empty.
func (r *reader) list(field string, most, bytesMax int) []string {
	n := r.count(field, most)
	if n == 0 {
		return nil
	}
	list := make([]string, 0, n)
	for range n {
		list = append(list, string(r.plain(field, 1, bytesMax)))
	}
	return list
}

// count reads how many elements follow: not above most, and no more than there
// are bytes left, so that whoever allocates for them has been sent as much.
func (r *reader) count(field string, most int) int {
	offset := r.pos
	n := r.counter(field, CounterMax)
	switch {
	case n > uint64(most):
		r.fail(field, offset, fmt.Sprintf("more than %d", most))
		return 0
	case n > uint64(len(r.b)-r.pos):
		r.fail(field, offset, "the frame ends within it")
		return 0
	}
	return int(n)
}

// rest reads all that is left, sharing the frame's memory; nil if nothing is.
func (r *reader) rest() []byte {
	if r.err != nil || r.pos == len(r.b) {
		return nil
	}
	v := r.b[r.pos:]
	r.pos = len(r.b)
	return v
}

// hasControl tells whether valid UTF-8 has control characters: C0, DEL, C1.
func hasControl[T string | []byte](v T) bool {
	for i := range len(v) {
		c := v[i]
		if c < 0x20 || c == 0x7f {
			return true
		}
		if c == 0xc2 && v[i+1] < 0xa0 {
			return true // U+0080 to U+009F.
		}
	}
	return false
}
