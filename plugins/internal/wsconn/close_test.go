package wsconn

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// Autobahn 7: close handling.
func TestCloseHandling(t *testing.T) {
	with := func(want ...string) []string { return want }
	big := strings.Repeat("BAsd7&jh23", 26214)
	longest := strings.Repeat("*", 123)
	cases := []protocolCase{
		{"7.1.1 text, close", []frame{text("Hello"), closeWith(1000, "")}, with(`text "Hello"`, `close 1000 ""`)},
		{"7.1.2 two closes", []frame{closeWith(1000, ""), closeWith(1001, "")}, with(`close 1000 ""`)},
		{"7.1.3 ping after close", []frame{closeWith(1000, ""), ping("")}, with(`close 1000 ""`)},
		{"7.1.4 text after close", []frame{closeWith(1000, ""), text("late")}, with(`close 1000 ""`)},
		{"garbage after close", []frame{closeWith(1000, ""), {opcode: 15, rsv: 7, bare: true, more: true}}, with(`close 1000 ""`)},
		{"7.1.5 close inside a message", []frame{first("Hel"), closeWith(1000, ""), last("lo")}, with(`close 1000 ""`)},
		{"7.1.6 close after a big message", []frame{text(big), closeWith(1000, ""), ping("")}, append(shows(text(big)), `close 1000 ""`)},
		{"7.3.1 empty", []frame{closing("")}, with(`close 1005 ""`)},
		{"7.3.2 half a code", []frame{closing("a")}, with("error 1002")},
		{"7.3.3 code", []frame{closeWith(1000, "")}, with(`close 1000 ""`)},
		{"7.3.4 reason", []frame{closeWith(1000, "Hello World!")}, with(`close 1000 "Hello World!"`)},
		{"7.3.5 longest reason", []frame{closeWith(1000, longest)}, with(fmt.Sprintf("close 1000 %q", longest))},
		{"7.3.6 too long", []frame{closeWith(1000, longest+"*")}, with("error 1002")},
		{"7.5.1 reason is not UTF-8", []frame{closeWith(1000, kosme+"\xed\xa0\x80edited")}, with("error 1007")},
		{"reason ends in a character", []frame{closeWith(1000, "\xce")}, with("error 1007")},
		{"wrong code comes before wrong reason", []frame{closeWith(1005, "\xce")}, with("error 1002")},
	}
	for _, code := range []uint16{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999} {
		cases = append(cases, protocolCase{fmt.Sprint("7.7 code ", code), []frame{closeWith(code, "")}, with(fmt.Sprintf(`close %d ""`, code))})
	}
	for _, code := range []uint16{0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535} {
		cases = append(cases, protocolCase{fmt.Sprint("7.9 and 7.13 code ", code), []frame{closeWith(code, "")}, with("error 1002")})
	}
	runProtocolCases(t, cases)
}

func TestNothingIsReadAfterAnError(t *testing.T) {
	c := NewConn(testLimit)
	input := append(stream(first("kept"), frame{opcode: 3}), stream(text("late"))...)
	if _, rest, err := c.Next(input); err == nil || rest != nil {
		t.Fatalf("reserved opcode: rest %q, error %v", rest, err)
	}
	if event, rest, err := c.Next(stream(text("later"))); event.Opcode != None || rest != nil || err != nil {
		t.Errorf("after an error: %v %q %v, want nothing", event.Opcode, rest, err)
	}
	if c.kept != nil || !c.Closing() {
		t.Errorf("after an error: kept %q, closing %v", c.kept, c.Closing())
	}
}

func TestCloseHandshakeByThePeer(t *testing.T) {
	c := NewConn(testLimit)
	event, _, _ := c.Next(stream(closeWith(4001, "bye")))
	if !c.Closing() || c.Closed() {
		t.Fatalf("before the answer: closing %v, closed %v", c.Closing(), c.Closed())
	}
	reply := c.AppendClose(nil, event.Code, "")
	if want := []byte{0x88, 2, 0x0f, 0xa1}; !bytes.Equal(reply, want) {
		t.Errorf("answer % x, want % x", reply, want)
	}
	if !c.Closed() {
		t.Error("not closed after the answer")
	}
	if again := c.AppendClose(nil, CodeNormal, ""); len(again) > 0 {
		t.Errorf("second Close frame % x", again)
	}
}

func TestCloseHandshakeFromHere(t *testing.T) {
	c := NewConn(testLimit)
	if frame := c.AppendClose(nil, 4503, "kicked"); !bytes.Equal(frame, []byte("\x88\x08\x11\x97kicked")) {
		t.Errorf("close frame %q", frame)
	}
	if !c.Closing() || c.Closed() {
		t.Fatalf("before the answer: closing %v, closed %v", c.Closing(), c.Closed())
	}
	// What the peer sent before it saw ours still counts: acks may be in it.
	event, rest, err := c.Next(stream(binaryOf("ack"), closeWith(4503, "")))
	if event.Opcode != Binary || err != nil {
		t.Fatalf("message under way: %v %v", event.Opcode, err)
	}
	event, _, err = c.Next(rest)
	if event.Opcode != Close || err != nil || !c.Closed() {
		t.Fatalf("answer: %v %v, closed %v", event.Opcode, err, c.Closed())
	}
	if again := c.AppendClose(nil, event.Code, ""); len(again) > 0 {
		t.Errorf("answer to the answer % x", again)
	}
}

func TestCloseAfterAnError(t *testing.T) {
	c := NewConn(testLimit)
	_, _, err := c.Next(stream(frame{opcode: 1, bare: true, payload: "x"}))
	broken := err.(*Error)
	frame := c.AppendClose(nil, broken.Code, broken.Rule)
	if want := "\x88" + string(rune(2+len(broken.Rule))) + "\x03\xea" + broken.Rule; string(frame) != want {
		t.Errorf("close frame %q, want %q", frame, want)
	}
	if !c.Closed() {
		t.Error("not closed after an error and its close frame")
	}
}

func TestCloseFrameIsAlwaysValid(t *testing.T) {
	for _, c := range []struct {
		name   string
		code   uint16
		reason string
		want   string // Payload.
	}{
		{"none", CodeNone, "dropped", ""},
		{"zero", 0, "dropped", ""},
		{"code that may not be sent", 1006, "x", "\x03\xf3x"},
		{"longest reason", 1000, strings.Repeat("x", 123), "\x03\xe8" + strings.Repeat("x", 123)},
		{"too long", 1000, strings.Repeat("x", 124), "\x03\xe8" + strings.Repeat("x", 123)},
		{"cut at a character", 1000, strings.Repeat("x", 122) + "κ", "\x03\xe8" + strings.Repeat("x", 122)},
		{"not UTF-8", 1000, "a\xffb", "\x03\xe8a?b"},
		{"much too long", 1000, strings.Repeat("κ", 10000), "\x03\xe8" + strings.Repeat("κ", 61)},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := NewConn(0)
			frame := conn.AppendClose([]byte("before"), c.code, c.reason)
			if got := string(frame[len("before")+2:]); got != c.want {
				t.Errorf("payload %q, want %q", got, c.want)
			}
			if int(frame[len("before")+1]) != len(c.want) || !utf8.ValidString(c.want[min(2, len(c.want)):]) {
				t.Errorf("frame % x", frame)
			}
		})
	}
}

func TestErrorRulesFitIntoACloseFrame(t *testing.T) {
	for _, e := range []*Error{
		errReservedBit, errReservedOpcode, errNotMasked, errControlTooLong, errControlFragmented, errLengthNotMinimal, errLengthNegative,
		errContinuationUnexpected, errContinuationExpected, errClosePayloadTooShort, errCloseCode, errCloseReason, errText, errMessageTooBig,
	} {
		if cropReason(e.Rule) != e.Rule || !closeCodeValid(e.Code) {
			t.Errorf("%v does not fit into a close frame", e)
		}
	}
}
