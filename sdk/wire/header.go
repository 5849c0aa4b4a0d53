package wire

import (
	"encoding/binary"
	"fmt"
)

// Header is a header of a PUSH or SEND.
type Header struct {
	Name  []byte // 1 to HeaderNameBytesMax bytes of UTF-8 without control characters.
	Value []byte // Any bytes, at most HeaderValueBytesMax.
}

func appendHeaders(dst []byte, headers []Header) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(headers)))
	for i := range headers {
		dst = appendBytes(dst, headers[i].Name)
		dst = appendBytes(dst, headers[i].Value)
	}
	return dst
}

// headers reads at least one header into the memory of into.
func (r *reader) headers(into []Header) []Header {
	offset, total := r.pos, 0
	n := r.count("headers", HeadersMax)
	if n == 0 {
		r.fail("headers", offset, "empty")
	}
	into = into[:0]
	for range n {
		h := Header{
			Name:  r.plain("header name", 1, HeaderNameBytesMax),
			Value: r.bytes("header value", 0, HeaderValueBytesMax),
		}
		total += len(h.Name) + len(h.Value)
		into = append(into, h)
	}
	if total > HeaderBytesMax {
		r.fail("headers", offset, fmt.Sprintf("longer than %d bytes together", HeaderBytesMax))
	}
	return into
}

func appendJSONHeaders(dst []byte, headers []Header) []byte {
	if len(headers) == 0 {
		return dst
	}
	dst = append(appendJSONName(dst, "headers"), '[')
	for i := range headers {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendQuoted(append(dst, `{"name":`...), headers[i].Name)
		dst = appendJSONBytes(dst, "value", headers[i].Value)
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

var headerFields = []string{"name", "value", "value_base64"}

// headers reads an array of headers into the memory of into; it may be empty.
func (r *jsonReader) headers(into []Header) []Header {
	r.space()
	offset, total := r.pos, 0
	into = into[:0]
	r.open('[')
	for r.more(']') {
		h := r.header()
		total += len(h.Name) + len(h.Value)
		if len(into) == HeadersMax {
			r.fail("headers", offset, fmt.Sprintf("more than %d", HeadersMax))
			break
		}
		into = append(into, h)
	}
	if total > HeaderBytesMax {
		r.fail("headers", offset, fmt.Sprintf("longer than %d bytes together", HeaderBytesMax))
	}
	return into
}

func (r *jsonReader) header() (h Header) {
	r.open('{')
	fields := jsonFields{names: headerFields}
	for r.field(&fields) {
		switch fields.name {
		case "name":
			h.Name = r.plain("header name", HeaderNameBytesMax)
		case "value":
			h.Value = r.text("header value", HeaderValueBytesMax)
		case "value_base64":
			h.Value = r.base64("header value", HeaderValueBytesMax)
		}
	}
	r.require(len(h.Name) > 0, "header name")
	r.exclusive(&fields, "value", "value_base64")
	return h
}
