package wire

import (
	"unicode/utf16"
	"unicode/utf8"
)

// unescapeJSON decodes what stands between the quotes of a JSON string. Half a
// surrogate pair is refused, for no UTF-8 can carry it.
func unescapeJSON(raw []byte) ([]byte, bool) {
	v := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			v = append(v, raw[i])
			continue
		}
		i++
		if i == len(raw) {
			return nil, false
		}
		switch raw[i] {
		case '"', '\\', '/':
			v = append(v, raw[i])
		case 'b':
			v = append(v, '\b')
		case 'f':
			v = append(v, '\f')
		case 'n':
			v = append(v, '\n')
		case 'r':
			v = append(v, '\r')
		case 't':
			v = append(v, '\t')
		case 'u':
			code, size := unescapeUnicode(raw[i-1:])
			if size == 0 {
				return nil, false
			}
			v = utf8.AppendRune(v, code)
			i += size - 2
		default:
			return nil, false
		}
	}
	return v, true
}

// unescapeUnicode decodes \uXXXX, or two of them if they are a surrogate pair,
// and returns how many bytes they take; 0 if they are wrong.
func unescapeUnicode(raw []byte) (code rune, size int) {
	const one = len(`\u0000`)
	code = hex4(raw)
	switch {
	case code < 0:
		return 0, 0
	case !utf16.IsSurrogate(code):
		return code, one
	}
	code = utf16.DecodeRune(code, hex4(raw[one:]))
	if code == utf8.RuneError {
		return 0, 0
	}
	return code, 2 * one
}

// hex4 decodes the \uXXXX at raw's beginning, -1 if there is none.
func hex4(raw []byte) rune {
	if len(raw) < len(`\u0000`) || raw[0] != '\\' || raw[1] != 'u' {
		return -1
	}
	code := rune(0)
	for _, c := range raw[2:6] {
		digit := hexDigit(c)
		if digit < 0 {
			return -1
		}
		code = code<<4 | rune(digit)
	}
	return code
}

// appendQuoted appends v as a JSON string. Bytes that are not UTF-8 become
// U+FFFD: they have no place in JSON.
func appendQuoted[T string | []byte](dst []byte, v T) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	done := 0 // v[:done] is appended.
	for i := 0; i < len(v); {
		c := v[i]
		if c >= utf8.RuneSelf {
			_, size := utf8.DecodeRune([]byte(v[i:min(i+utf8.UTFMax, len(v))]))
			if size == 1 {
				dst = append(append(dst, v[done:i]...), "\uFFFD"...)
				done = i + 1
			}
			i += size
			continue
		}
		if c < ' ' || c == '"' || c == '\\' {
			dst = append(dst, v[done:i]...)
			done = i + 1
			switch c {
			case '"', '\\':
				dst = append(dst, '\\', c)
			case '\n':
				dst = append(dst, '\\', 'n')
			case '\r':
				dst = append(dst, '\\', 'r')
			case '\t':
				dst = append(dst, '\\', 't')
			default:
				dst = append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
			}
		}
		i++
	}
	return append(append(dst, v[done:]...), '"')
}
