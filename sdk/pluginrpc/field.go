package pluginrpc

import (
	"encoding/binary"
	"math"
	"math/bits"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

func appendUint(b []byte, v uint64) []byte { return binary.AppendUvarint(b, v) }
func appendInt(b []byte, v int64) []byte   { return binary.AppendVarint(b, v) }

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendBytes(b, s []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendStrings(b []byte, s []string) []byte {
	b = appendUint(b, uint64(len(s)))
	for _, v := range s {
		b = appendString(b, v)
	}
	return b
}

func appendTime(b []byte, t time.Time) []byte {
	return appendUint(appendInt(b, t.Unix()), uint64(t.Nanosecond()))
}

func appendHeaders(b []byte, h []sdk.Header) []byte {
	b = appendUint(b, uint64(len(h)))
	for i := range h {
		b = appendBytes(appendString(b, h[i].Name), h[i].Value)
	}
	return b
}

// fields reads the fields of a body. The first fault sticks: what is read after
// it is zero, and end returns it.
type fields struct {
	body  []byte
	fault string
}

func (f *fields) fail(what string) {
	if f.fault == "" {
		f.fault = what
	}
	f.body = nil
}

// end returns what was wrong, if only that something is left over.
func (f *fields) end(r *Record) error {
	if f.fault == "" && len(f.body) > 0 {
		f.fault = "bytes after the last field"
	}
	if f.fault != "" {
		return r.malformed(f.fault)
	}
	return nil
}

func (f *fields) uint() uint64 {
	v, n := binary.Uvarint(f.body)
	if n <= 0 {
		f.fail("a number that does not end")
		return 0
	}
	f.body = f.body[n:]
	return v
}

func (f *fields) int64() int64 {
	v, n := binary.Varint(f.body)
	if n <= 0 {
		f.fail("a number that does not end")
		return 0
	}
	f.body = f.body[n:]
	return v
}

func (f *fields) int() int {
	v := f.int64()
	if bits.UintSize == 32 && (v > math.MaxInt32 || v < math.MinInt32) {
		f.fail("a number that this machine cannot hold")
		return 0
	}
	return int(v)
}

// enum reads a number that is at most last.
func (f *fields) enum(last uint8) uint8 {
	v := f.uint()
	if v > uint64(last) {
		f.fail("an unknown value of an enumeration")
		return 0
	}
	return uint8(v)
}

func (f *fields) bool() bool { return f.enum(1) == 1 }

// count reads the length of a list whose items take at least size bytes each.
func (f *fields) count(size int) int {
	n := f.uint()
	if n > uint64(len(f.body)/size) {
		f.fail("a list that is longer than its record")
		return 0
	}
	return int(n)
}

// bytes returns a part of the body, or nil if it is empty.
func (f *fields) bytes() []byte {
	n := f.count(1)
	if n == 0 {
		return nil
	}
	v := f.body[:n:n]
	f.body = f.body[n:]
	return v
}

func (f *fields) string() string { return string(f.bytes()) }

func (f *fields) strings() []string {
	n := f.count(1)
	if n == 0 {
		return nil
	}
	s := make([]string, n)
	for i := range s {
		s[i] = f.string()
	}
	return s
}

func (f *fields) duration() time.Duration { return time.Duration(f.int64()) }

func (f *fields) time() time.Time {
	seconds, nanoseconds := f.int64(), f.uint()
	if nanoseconds >= 1e9 {
		f.fail("a time with more than a second of nanoseconds")
		return time.Time{}
	}
	if seconds < minSeconds || seconds > maxSeconds {
		f.fail("a time outside the years 1 to 9999")
		return time.Time{}
	}
	return time.Unix(seconds, int64(nanoseconds)).UTC()
}

// The first and the last second that have a name in RFC 3339.
const (
	minSeconds = -62135596800
	maxSeconds = 253402300799
)

func (f *fields) headers() []sdk.Header {
	n := f.count(2)
	if n == 0 {
		return nil
	}
	h := make([]sdk.Header, n)
	for i := range h {
		h[i] = sdk.Header{Name: f.string(), Value: f.bytes()}
	}
	return h
}

// fieldSet is the bit set before the optional fields of a body.
type fieldSet uint64

// add sets a bit if on.
func (s *fieldSet) add(on bool, bit fieldSet) {
	if on {
		*s |= bit
	}
}

// read takes the set of a body that is not empty.
func (f *fields) set(known fieldSet) fieldSet {
	if len(f.body) == 0 {
		return 0
	}
	s := fieldSet(f.uint())
	if s&^known != 0 {
		f.fail("an unknown field")
		return 0
	}
	return s
}
