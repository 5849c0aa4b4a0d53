package admit

import "bytes"

// scanner walks one level of an object or array. Its text is known to be valid
// JSON, so that it only has to find where things end.
type scanner struct {
	text       []byte
	at         int
	key, value []byte // with quotes
}

// scan begins behind the opening bracket.
func scan(text []byte) scanner {
	return scanner{text: text, at: bytes.IndexAny(text, "{[") + 1}
}

// nextKey goes to the object's next key and value.
func (s *scanner) nextKey() bool {
	s.skip()
	if s.text[s.at] == '}' {
		return false
	}
	s.key = s.take()
	s.skip()
	s.value = s.take()
	return true
}

// nextItem goes to the array's next value.
func (s *scanner) nextItem() bool {
	s.skip()
	if s.text[s.at] == ']' {
		return false
	}
	s.value = s.take()
	return true
}

// skip goes to the beginning of the next key or value, or to the end of the whole.
func (s *scanner) skip() {
	for ; ; s.at++ {
		switch s.text[s.at] {
		case ' ', '\t', '\r', '\n', ',', ':':
		default:
			return
		}
	}
}

// take returns the key or value that begins here, and goes behind it.
func (s *scanner) take() []byte {
	begin, depth := s.at, 0
	for ; s.at < len(s.text); s.at++ {
		switch s.text[s.at] {
		case '"':
			s.closeString()
			if depth == 0 {
				s.at++
				return s.text[begin:s.at]
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 { // the end of the whole, behind a literal
				return s.text[begin:s.at]
			}
			if depth--; depth == 0 {
				s.at++
				return s.text[begin:s.at]
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return s.text[begin:s.at]
			}
		}
	}
	return s.text[begin:]
}

// closeString goes from a string's first quote to its last.
func (s *scanner) closeString() {
	for s.at++; s.text[s.at] != '"'; s.at++ {
		if s.text[s.at] == '\\' {
			s.at++
		}
	}
}
