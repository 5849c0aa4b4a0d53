package wsconn

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

const kosme = "\xce\xba\xcf\x8c\xcf\x83\xce\xbc\xce\xb5"

// Texts of Autobahn 6, after Markus Kuhn's decoder stress test.
var (
	validTexts = []struct{ name, text string }{
		{"6.1 empty", ""},
		{"6.2 Hello", "Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4\xc3\xbc\xc3\xa0\xc3\xa1-UTF-8!!"},
		{"6.5 greek", kosme},
		{"6.6.2", "\xce\xba"}, {"6.6.5", "\xce\xba\xe1\xbd\xb9"}, {"6.6.7", "\xce\xba\xe1\xbd\xb9\xcf\x83"},
		{"6.6.9", "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc"}, {"6.6.11", "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"},
		{"6.7.1 first of 1", "\x00"}, {"6.7.2 first of 2", "\xc2\x80"},
		{"6.7.3 first of 3", "\xe0\xa0\x80"}, {"6.7.4 first of 4", "\xf0\x90\x80\x80"},
		{"6.9.1 last of 1", "\x7f"}, {"6.9.2 last of 2", "\xdf\xbf"},
		{"6.9.3 last of 3", "\xef\xbf\xbf"}, {"6.9.4 last of 4", "\xf4\x8f\xbf\xbf"},
		{"6.11.1 before the surrogates", "\xed\x9f\xbf"}, {"6.11.2 after them", "\xee\x80\x80"},
		{"6.11.3 replacement character", "\xef\xbf\xbd"}, {"6.11.4 last code point", "\xf4\x8f\xbf\xbf"},
		{"6.22.1 noncharacter FFFE", "\xef\xbf\xbe"}, {"6.22.2 noncharacter FFFF", "\xef\xbf\xbf"},
		{"6.22.3 noncharacter 1FFFE", "\xf0\x9f\xbf\xbe"}, {"6.22.34 noncharacter 10FFFF", "\xf4\x8f\xbf\xbf"},
		{"6.23.1 specials", "\xef\xbf\xb9\xef\xbf\xba\xef\xbf\xbb\xef\xbf\xbc\xef\xbf\xbd"},
		{"byte order mark", "\xef\xbb\xbfx"},
	}
	invalidTexts = []struct{ name, text string }{
		{"6.3.1 surrogate in a text", kosme + "\xed\xa0\x80edited"},
		{"6.4.1 beyond the last code point", kosme + "\xf4\x90\x80\x80edited"},
		{"6.6.1", "\xce"}, {"6.6.3", "\xce\xba\xe1"}, {"6.6.4", "\xce\xba\xe1\xbd"},
		{"6.6.6", "\xce\xba\xe1\xbd\xb9\xcf"}, {"6.6.8", "\xce\xba\xe1\xbd\xb9\xcf\x83\xce"},
		{"6.6.10", "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce"},
		{"6.8.1 first of 5", "\xf8\x88\x80\x80\x80"}, {"6.8.2 first of 6", "\xfc\x84\x80\x80\x80\x80"},
		{"6.10.1 last of 4 in 21 bits", "\xf7\xbf\xbf\xbf"}, {"6.10.2 last of 5", "\xfb\xbf\xbf\xbf\xbf"},
		{"6.10.3 last of 6", "\xfd\xbf\xbf\xbf\xbf\xbf"},
		{"6.11.5 first beyond the last", "\xf4\x90\x80\x80"},
		{"6.12.1 continuation byte", "\x80"}, {"6.12.2", "\xbf"}, {"6.12.3 two", "\x80\xbf"},
		{"6.12.8 seven", "\x80\xbf\x80\xbf\x80\xbf\x80"},
		{"6.13.1 lonely starts of 2", "\xc0 \xc1 \xc2 \xc3 "}, {"6.13.2 of 3", "\xe0 \xe1 \xe2 "},
		{"6.13.3 of 4", "\xf0 \xf1 \xf2 "}, {"6.13.4 of 5", "\xf8 \xf9 \xfa "}, {"6.13.5 of 6", "\xfc \xfd "},
		{"6.14.1 last byte missing", "\xc0"}, {"6.14.2", "\xe0\x80"}, {"6.14.3", "\xf0\x80\x80"},
		{"6.14.4", "\xf8\x80\x80\x80"}, {"6.14.6", "\xdf"}, {"6.14.7", "\xef\xbf"}, {"6.14.8", "\xf7\xbf\xbf"},
		{"6.15.1 all of these", "\xc0\xe0\x80\xf0\x80\x80\xf8\x80\x80\x80\xfc\x80\x80\x80\x80\xdf\xef\xbf\xf7\xbf\xbf"},
		{"6.16.1 impossible byte", "\xfe"}, {"6.16.2", "\xff"}, {"6.16.3", "\xfe\xfe\xff\xff"},
		{"6.17.1 overlong slash", "\xc0\xaf"}, {"6.17.2", "\xe0\x80\xaf"}, {"6.17.3", "\xf0\x80\x80\xaf"},
		{"6.17.4", "\xf8\x80\x80\x80\xaf"}, {"6.17.5", "\xfc\x80\x80\x80\x80\xaf"},
		{"6.18.1 longest overlong", "\xc1\xbf"}, {"6.18.2", "\xe0\x9f\xbf"}, {"6.18.3", "\xf0\x8f\xbf\xbf"},
		{"6.19.1 overlong NUL", "\xc0\x80"}, {"6.19.2", "\xe0\x80\x80"}, {"6.19.3", "\xf0\x80\x80\x80"},
		{"6.20.1 surrogate D800", "\xed\xa0\x80"}, {"6.20.2 DB7F", "\xed\xad\xbf"}, {"6.20.3 DB80", "\xed\xae\x80"},
		{"6.20.4 DBFF", "\xed\xaf\xbf"}, {"6.20.5 DC00", "\xed\xb0\x80"}, {"6.20.7 DFFF", "\xed\xbf\xbf"},
		{"6.21.1 surrogate pair", "\xed\xa0\x80\xed\xb0\x80"}, {"6.21.8", "\xed\xaf\xbf\xed\xbf\xbf"},
	}
)

// fragmented cuts a text into one frame a byte.
func fragmented(s string) []frame {
	frames := []frame{first("")}
	for _, b := range []byte(s) {
		frames = append(frames, middle(string([]byte{b})))
	}
	return append(frames, last(""))
}

// Autobahn 6: UTF-8 handling.
func TestTextMustBeUTF8(t *testing.T) {
	var cases []protocolCase
	for _, c := range validTexts {
		for _, s := range []string{c.text, kosme + c.text, c.text + strings.Repeat(kosme, 20), c.text + "x"} {
			cases = append(cases,
				protocolCase{c.name, []frame{text(s)}, shows(text(s))},
				protocolCase{c.name + " in fragments", fragmented(s), shows(text(s))})
		}
	}
	for _, c := range invalidTexts {
		for _, s := range []string{c.text, kosme + c.text, c.text + kosme, c.text + "x"} {
			cases = append(cases,
				protocolCase{c.name, []frame{text(s), ping("")}, []string{"error 1007"}},
				protocolCase{c.name + " in fragments", append(fragmented(s), ping("")), []string{"error 1007"}},
				protocolCase{c.name + " in binary", []frame{binaryOf(s)}, shows(binaryOf(s))})
		}
	}
	cases = append(cases,
		protocolCase{"6.4 control frame inside a character",
			[]frame{first("\xce"), ping("\xff"), last("\xba")}, []string{`ping "\xff"`, `text "κ"`}},
		protocolCase{"a new message begins a new text",
			[]frame{text(kosme), first("\xce"), last("\xba"), text(kosme)}, shows(text(kosme), text("\xce\xba"), text(kosme))})
	runProtocolCases(t, cases)
}

// Autobahn 6.4: the connection fails at the first byte that cannot be right,
// not at the end of the message, nor of the frame.
func TestInvalidTextFailsAtTheFirstWrongByte(t *testing.T) {
	for _, c := range invalidTexts {
		s := c.text + strings.Repeat("x", 50)
		wrong := 0
		for wrong < len(s) && couldBecomeUTF8(s[:wrong+1]) {
			wrong++
		}
		r := reader{t: t, conn: NewConn(testLimit)}
		input := stream(first(s)) // A frame of less than 126 bytes: 6 of header.
		r.feed(input[:6+wrong])
		if len(r.events) > 0 {
			t.Errorf("%s: failed before byte %d of %q", c.name, wrong, s)
		}
		r.feed(input[6+wrong : 6+wrong+1])
		if !slices.Equal(r.events, []string{"error 1007"}) {
			t.Errorf("%s: byte %d of %q gives %q, want error 1007", c.name, wrong, s, r.events)
		}
	}
}

// couldBecomeUTF8 reports whether some continuation makes s valid.
func couldBecomeUTF8(s string) bool {
	if utf8.ValidString(s) {
		return true
	}
	for _, a := range []string{"\x80", "\x90", "\xa0"} {
		for _, more := range []string{"", "\x80", "\x80\x80"} {
			if utf8.ValidString(s + a + more) {
				return true
			}
		}
	}
	return false
}

func TestUTF8CheckAgreesWithStandardLibrary(t *testing.T) {
	// Every byte at which a rule changes, and its neighbours.
	var edges []byte
	for _, b := range []int{0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff} {
		edges = append(edges, byte(b))
	}
	var s [4]byte
	for i := range len(edges) * len(edges) * len(edges) * len(edges) {
		for k, n := 0, i; k < len(s); k, n = k+1, n/len(edges) {
			s[k] = edges[n%len(edges)]
		}
		checkUTF8InPieces(t, s[:])
	}
}

// checkUTF8InPieces compares the verdict on s, cut at every place, with the
// standard library's, and that on its first part with what it could become.
func checkUTF8InPieces(t *testing.T, s []byte) {
	t.Helper()
	want := utf8.Valid(s)
	for cut := range len(s) + 1 {
		var u utf8Check
		ok := u.next(s[:cut], false)
		if ok != couldBecomeUTF8(string(s[:cut])) {
			t.Fatalf("beginning % x: %v", s[:cut], ok)
		}
		if got := ok && u.next(s[cut:], true); got != want {
			t.Fatalf("% x | % x: %v, want %v", s[:cut], s[cut:], got, want)
		}
	}
}

func FuzzUTF8Check(f *testing.F) {
	for _, c := range validTexts {
		f.Add([]byte(c.text))
	}
	for _, c := range invalidTexts {
		f.Add([]byte(c.text))
	}
	f.Fuzz(func(t *testing.T, s []byte) { checkUTF8InPieces(t, s) })
}

func BenchmarkUTF8(b *testing.B) {
	for _, c := range []struct{ name, unit string }{{"ascii", "abcdefghij"}, {"greek", kosme}} {
		s := []byte(strings.Repeat(c.unit, 400))
		for _, piece := range []int{len(s), 1000, 1} {
			b.Run(fmt.Sprintf("%s/pieces of %d", c.name, piece), func(b *testing.B) {
				b.SetBytes(int64(len(s)))
				b.ReportAllocs()
				for b.Loop() {
					var u utf8Check
					for chunk := range slices.Chunk(s, piece) {
						if !u.next(chunk, false) {
							b.Fatal("invalid")
						}
					}
				}
			})
		}
	}
}
