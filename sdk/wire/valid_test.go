package wire

import (
	"strings"
	"testing"
)

// What these functions let pass, a frame can carry: the core checks with them
// what brokers bring, lest a device refuses it.
func TestValidAgreesWithParse(t *testing.T) {
	texts := []string{"", "a", "a b", "zażółć 😀", "a\x00", "a\n", "a\x7f", "a\u0085", "a\u00a0", "a\xff", "\xc2",
		strings.Repeat("a", 64), strings.Repeat("a", 65), strings.Repeat("a", 128), strings.Repeat("a", 129),
		strings.Repeat("a", 255), strings.Repeat("a", 256)}
	parses := func(p Push) bool { return new(Push).Parse(p.Append(nil)) == nil }
	for _, text := range texts {
		if got := parses(Push{ID: []byte(text)}); got != ValidMessageID(text) {
			t.Errorf("%.20q as an id: Parse says %v", text, got)
		}
		if got := parses(Push{ID: []byte("a"), Name: []byte(text)}); got != ValidName(text) {
			t.Errorf("%.20q as a name: Parse says %v", text, got)
		}
		if got := parses(Push{ID: []byte("a"), Headers: []Header{{Name: []byte(text)}}}); got != ValidHeader(text, nil) {
			t.Errorf("%.20q as a header name: Parse says %v", text, got)
		}
		if got := new(Leave).Parse((&Leave{Group: text}).Append(nil)) == nil; got != ValidID(text) {
			t.Errorf("%.20q as a group: Parse says %v", text, got)
		}
	}
	for _, size := range []int{0, HeaderValueBytesMax, HeaderValueBytesMax + 1} {
		value := []byte(strings.Repeat("\xff", size))
		if got := parses(Push{ID: []byte("a"), Headers: []Header{{Name: []byte("h"), Value: value}}}); got != ValidHeader("h", value) {
			t.Errorf("a header value of %d bytes: Parse says %v", size, got)
		}
	}
}
