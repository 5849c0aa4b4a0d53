package wsconn

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Autobahn 1: framing.
func TestFraming(t *testing.T) {
	var cases []protocolCase
	for i, size := range []int{0, 125, 126, 127, 128, 65535, 65536} {
		f := text(strings.Repeat("*", size))
		cases = append(cases, protocolCase{fmt.Sprintf("1.1.%d text of %d", i+1, size), []frame{f}, shows(f)})
		f = binaryOf(strings.Repeat("\xfe", size))
		cases = append(cases, protocolCase{fmt.Sprintf("1.2.%d binary of %d", i+1, size), []frame{f}, shows(f)})
	}
	mixed := []frame{text("a"), binaryOf(""), text(strings.Repeat("b", 300)), ping("c"), binaryOf("d")}
	cases = append(cases, protocolCase{"several in one buffer", mixed, shows(mixed...)})
	runProtocolCases(t, cases)
}

// Autobahn 2: pings and pongs.
func TestPingsAndPongs(t *testing.T) {
	longest := strings.Repeat("\xfe", 125)
	var ten []frame
	for i := range 10 {
		ten = append(ten, ping(fmt.Sprint("payload-", i)))
	}
	runProtocolCases(t, []protocolCase{
		{"2.1 empty ping", []frame{ping("")}, shows(ping(""))},
		{"2.2 ping", []frame{ping("Hello, world!")}, shows(ping("Hello, world!"))},
		{"2.3 binary ping", []frame{ping("\x00\xff\xfe\xfd\xfc\xfb\x00\xff")}, shows(ping("\x00\xff\xfe\xfd\xfc\xfb\x00\xff"))},
		{"2.4 longest ping", []frame{ping(longest)}, shows(ping(longest))},
		{"2.5 ping too long", []frame{ping(longest + "."), text("x")}, []string{"error 1002"}},
		{"2.7 empty pong", []frame{pong("")}, shows(pong(""))},
		{"2.8 unsolicited pong", []frame{pong("unsolicited")}, shows(pong("unsolicited"))},
		{"2.9 pong, then ping", []frame{pong("unsolicited"), ping("p")}, shows(pong("unsolicited"), ping("p"))},
		{"2.10 ten pings", ten, shows(ten...)},
	})
}

// Autobahn 3: reserved bits.
func TestReservedBits(t *testing.T) {
	with := func(rsv byte, f frame) frame { f.rsv = rsv; return f }
	var cases []protocolCase
	for rsv := byte(1); rsv <= 7; rsv++ {
		for _, f := range []frame{text("x"), binaryOf("x"), ping(""), closeWith(1000, ""), first("x")} {
			cases = append(cases, protocolCase{
				fmt.Sprintf("3.%d opcode %d after a text", rsv, f.opcode),
				[]frame{text("Hello"), with(rsv, f), ping("")},
				append(shows(text("Hello")), "error 1002"),
			})
		}
	}
	runProtocolCases(t, cases)
}

// Autobahn 4: opcodes.
func TestReservedOpcodes(t *testing.T) {
	var cases []protocolCase
	for _, opcode := range []byte{3, 4, 5, 6, 7, 11, 12, 13, 14, 15} {
		for _, payload := range []string{"", "reserved"} {
			cases = append(cases, protocolCase{
				fmt.Sprintf("4.1 and 4.2 opcode %d %q", opcode, payload),
				[]frame{text("Hello"), {opcode: opcode, payload: payload}, ping("")},
				append(shows(text("Hello")), "error 1002"),
			})
		}
	}
	runProtocolCases(t, cases)
}

func TestClientFramesMustBeMasked(t *testing.T) {
	var cases []protocolCase
	for _, f := range []frame{text("x"), binaryOf(""), ping("x"), pong(""), closeWith(1000, "")} {
		f.bare = true
		cases = append(cases, protocolCase{fmt.Sprint("opcode ", f.opcode), []frame{text("a"), f, text("b")}, []string{`text "a"`, "error 1002"}})
	}
	runProtocolCases(t, cases)
}

func TestLengthEncoding(t *testing.T) {
	mask := string(testMask[:])
	for _, c := range []struct {
		name  string
		input string
		want  []string
	}{
		{"125 in 16 bits", "\x82\xfe\x00\x7d" + mask, []string{"error 1002"}},
		{"0 in 16 bits", "\x82\xfe\x00\x00" + mask, []string{"error 1002"}},
		{"65535 in 64 bits", "\x82\xff\x00\x00\x00\x00\x00\x00\xff\xff" + mask, []string{"error 1002"}},
		{"0 in 64 bits", "\x82\xff\x00\x00\x00\x00\x00\x00\x00\x00" + mask, []string{"error 1002"}},
		{"most significant bit", "\x82\xff\x80\x00\x00\x00\x00\x01\x00\x00" + mask, []string{"error 1002"}},
		{"all bits", "\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff" + mask, []string{"error 1002"}},
		{"greatest length", "\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff" + mask, []string{"error 1009"}},
		{"ping with a 16 bit length", "\x89\xfe\x00\x01" + mask, []string{"error 1002"}},
		{"ping with a 64 bit length", "\x89\xff\x00\x00\x00\x00\x00\x00\x00\x01" + mask, []string{"error 1002"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := decode(t, testLimit, []byte(c.input), 1); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestMessageBound(t *testing.T) {
	ten, eleven := strings.Repeat("x", 10), strings.Repeat("x", 11)
	for _, c := range []struct {
		name   string
		frames []frame
		want   []string
	}{
		{"message at the bound", []frame{text(ten), binaryOf(ten)}, shows(text(ten), binaryOf(ten))},
		{"message above it", []frame{text(eleven)}, []string{"error 1009"}},
		{"fragments at the bound", []frame{first("12345"), middle("1234"), last("1")}, []string{`text "1234512341"`}},
		{"fragments above it", []frame{first("12345"), middle("12345"), last("1")}, []string{"error 1009"}},
		{"control frames do not count", []frame{first(ten), ping(strings.Repeat("p", 125)), last("")},
			append(shows(ping(strings.Repeat("p", 125))), shows(text(ten))...)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := decode(t, 10, stream(c.frames...), 1); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestMessageBoundIsCheckedOnTheHeader(t *testing.T) {
	c := NewConn(1000)
	_, _, err := c.Next(stream(binaryOf(strings.Repeat("x", 1001)))[:8])
	if broken, ok := err.(*Error); !ok || broken.Code != CodeMessageTooBig {
		t.Fatalf("header of a message that is too big: %v, want code 1009", err)
	}
	if c.kept != nil {
		t.Fatal("something was kept of a message that is too big")
	}
}
