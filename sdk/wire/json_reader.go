package wire

import "fmt"

// jsonReader reads the fields of a JSON frame, in whatever order they stand.
// As with reader the first error sticks. It is written by hand for what
// encoding/json lets pass: fields that occur twice or are spelled in another
// case, bytes that are not UTF-8, and payloads copied where that is not needed.
type jsonReader struct {
	failure
	b     []byte
	pos   int
	first bool // Just behind an opening bracket: no comma is due.
}

// jsonFields is the set of names that an object may have. The object of a
// frame has "type" as its first name; field reads that by itself.
type jsonFields struct {
	names []string
	name  string // The name that field found.
	seen  uint32 // Bit i: names[i] occurred.
}

func readJSON(frame Type, b []byte) jsonReader {
	r := jsonReader{failure: failure{frame: frame}, b: b}
	r.open('{')
	return r
}

// field moves to the next field of an object; o.name is its name then. False
// means that the object is closed.
func (r *jsonReader) field(o *jsonFields) bool {
	for r.more('}') {
		r.space()
		offset := r.pos
		key := r.text("field", len(r.b))
		r.colon()
		if r.err != nil {
			return false
		}
		i := o.index(key)
		if i < 0 {
			r.fail(quoteShort(string(key)), offset, unknownName(string(key), o.names))
			return false
		}
		o.name = o.names[i]
		if o.seen&(1<<i) != 0 {
			r.fail(o.name, offset, "occurs twice")
			return false
		}
		o.seen |= 1 << i
		if o.name != "type" {
			return true
		}
		offset = r.pos
		if name := r.text("type", NameBytesMax); r.err == nil && string(name) != typeNames[r.frame] {
			r.fail("type", offset, "not that of this frame")
		}
	}
	if o.names[0] == "type" && o.seen&1 == 0 {
		r.fail("type", r.pos, "missing")
	}
	return false
}

func (o *jsonFields) index(key []byte) int {
	for i, name := range o.names {
		if name == string(key) {
			return i
		}
	}
	return -1
}

// has tells whether a field occurred.
func (o *jsonFields) has(name string) bool {
	i := o.index([]byte(name))
	return i >= 0 && o.seen&(1<<i) != 0
}

// exclusive fails if two fields that stand for each other both occurred.
func (r *jsonReader) exclusive(o *jsonFields, one, other string) {
	if o.has(one) && o.has(other) {
		r.fail(other, r.pos, "together with "+one)
	}
}

// end returns the first error; anything but white space left over is one.
func (r *jsonReader) end() error {
	r.space()
	if r.pos != len(r.b) {
		r.fail("end", r.pos, "something follows the object")
	}
	return r.failed()
}

// require fails unless a field that must not be absent was there.
func (r *jsonReader) require(present bool, field string) {
	if !present {
		r.fail(field, r.pos, "missing")
	}
}

func (r *jsonReader) space() {
	for r.pos < len(r.b) {
		switch r.b[r.pos] {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return
		}
	}
}

// expect takes c, behind white space.
func (r *jsonReader) expect(c byte) bool {
	r.space()
	if r.err != nil {
		return false
	}
	if r.pos == len(r.b) || r.b[r.pos] != c {
		r.fail("syntax", r.pos, fmt.Sprintf("%q expected", c))
		return false
	}
	r.pos++
	return true
}

func (r *jsonReader) colon() { r.expect(':') }

// open enters an object or array.
func (r *jsonReader) open(bracket byte) { r.first = r.expect(bracket) }

// more tells whether another element stands before the closing bracket, and
// takes the comma before it or the bracket.
func (r *jsonReader) more(bracket byte) bool {
	r.space()
	if r.err != nil {
		return false
	}
	if r.pos < len(r.b) && r.b[r.pos] == bracket {
		r.pos++
		r.first = false
		return false
	}
	if !r.first && !r.expect(',') {
		return false
	}
	r.first = false
	return true
}

// skip passes over a value of any shape. It trusts the value to be well formed
// as long as brackets and strings tell where it ends.
func (r *jsonReader) skip() {
	depth := 0
	for r.err == nil {
		r.space()
		if r.pos == len(r.b) {
			r.fail("syntax", r.pos, "the frame ends within a value")
			return
		}
		switch r.b[r.pos] {
		case '"':
			r.text("value", len(r.b))
		case '{', '[':
			depth++
			r.pos++
		case '}', ']':
			depth--
			r.pos++
		default:
			r.pos++
			if depth == 0 && !r.valueEnds() {
				continue
			}
		}
		if depth <= 0 {
			return
		}
	}
}

// valueEnds tells whether a number or literal is over.
func (r *jsonReader) valueEnds() bool {
	if r.pos == len(r.b) {
		return true
	}
	switch r.b[r.pos] {
	case ',', '}', ']', ' ', '\t', '\n', '\r':
		return true
	}
	return false
}
