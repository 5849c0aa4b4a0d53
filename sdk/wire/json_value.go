package wire

import (
	"encoding/base64"
	"fmt"
	"time"
	"unicode/utf8"
)

// text reads a string of at most most bytes of UTF-8. It shares the frame's
// memory unless it has escapes.
func (r *jsonReader) text(field string, most int) []byte {
	r.space()
	offset := r.pos
	raw, escaped := r.rawString(field)
	if escaped {
		const longestEscape = 6 // \u0041 for one byte.
		if len(raw) > longestEscape*most {
			r.fail(field, offset, fmt.Sprintf("longer than %d bytes", most))
			return nil
		}
		var ok bool
		if raw, ok = unescapeJSON(raw); !ok {
			r.fail(field, offset, "has a wrong escape")
			return nil
		}
	}
	switch {
	case len(raw) > most:
		r.fail(field, offset, fmt.Sprintf("longer than %d bytes", most))
		return nil
	case !utf8.Valid(raw):
		r.fail(field, offset, "not UTF-8")
		return nil
	case len(raw) == 0:
		return nil
	}
	return raw
}

// rawString takes what stands between quotes.
func (r *jsonReader) rawString(field string) (raw []byte, escaped bool) {
	if r.err != nil {
		return nil, false
	}
	start := r.pos + 1
	if r.pos == len(r.b) || r.b[r.pos] != '"' {
		r.fail(field, r.pos, "not a string")
		return nil, false
	}
	for i := start; i < len(r.b); i++ {
		switch c := r.b[i]; {
		case c == '"':
			r.pos = i + 1
			return r.b[start:i:i], escaped
		case c == '\\':
			escaped = true
			i++
		case c < 0x20:
			r.fail(field, i, "a control character in a string must be escaped")
			return nil, false
		}
	}
	r.fail(field, r.pos, "the frame ends within it")
	return nil, false
}

// plain is text without control characters.
func (r *jsonReader) plain(field string, most int) []byte {
	r.space()
	offset := r.pos
	v := r.text(field, most)
	if hasControl(v) {
		r.fail(field, offset, "has a control character")
		return nil
	}
	return v
}

// base64 reads bytes as padded standard base64.
func (r *jsonReader) base64(field string, most int) []byte {
	r.space()
	offset := r.pos
	encoded := r.text(field, base64.StdEncoding.EncodedLen(most))
	if len(encoded) == 0 {
		return nil
	}
	v := make([]byte, base64.StdEncoding.DecodedLen(len(encoded)))
	n, err := base64.StdEncoding.Strict().Decode(v, encoded)
	switch {
	case err != nil:
		r.fail(field, offset, "not base64")
		return nil
	case n > most:
		r.fail(field, offset, fmt.Sprintf("longer than %d bytes", most))
		return nil
	}
	return v[:n:n]
}

// counter reads a whole number that is not above most.
func (r *jsonReader) counter(field string, most uint64) uint64 {
	r.space()
	if r.err != nil {
		return 0
	}
	offset := r.pos
	v := uint64(0)
	for r.pos < len(r.b) && '0' <= r.b[r.pos] && r.b[r.pos] <= '9' && v <= CounterMax {
		v = v*10 + uint64(r.b[r.pos]-'0')
		r.pos++
	}
	digits := r.pos - offset
	switch {
	case v > CounterMax, digits == 0, digits > 1 && r.b[offset] == '0', !r.valueEnds():
		r.fail(field, offset, "not a whole number from 0 to 2^53-1")
		return 0
	case v > most:
		r.fail(field, offset, fmt.Sprintf("above %d", most))
		return 0
	}
	return v
}

// boolean reads true or false.
func (r *jsonReader) boolean(field string) bool {
	r.space()
	if r.err != nil {
		return false
	}
	for _, literal := range [2]string{"true", "false"} {
		end := r.pos + len(literal)
		if end <= len(r.b) && string(r.b[r.pos:end]) == literal {
			r.pos = end
			return literal == "true"
		}
	}
	r.fail(field, r.pos, "neither true nor false")
	return false
}

// instant reads RFC 3339 as milliseconds since 1970; fractions of those go.
func (r *jsonReader) instant(field string) uint64 {
	r.space()
	offset := r.pos
	v := r.text(field, len("2006-01-02T15:04:05.000000000+00:00"))
	if len(v) == 0 {
		return 0
	}
	t, err := time.Parse(time.RFC3339, string(v))
	if ms := t.UnixMilli(); err == nil && ms >= 0 && ms <= InstantMaxMS {
		return uint64(ms)
	}
	r.fail(field, offset, "not an instant such as 2030-12-31T23:59:59Z")
	return 0
}

// list reads an array of plain texts, none empty.
func (r *jsonReader) list(field string, most, bytesMax int) []string {
	var list []string
	r.space()
	offset := r.pos
	r.open('[')
	for r.more(']') {
		v := r.plain(field, bytesMax)
		if len(list) == most {
			r.fail(field, offset, fmt.Sprintf("more than %d", most))
		}
		if len(v) == 0 {
			r.fail(field, r.pos, "empty")
		}
		list = append(list, string(v))
	}
	return list
}
