package wire

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// parseEither parses a frame of either form as a transport does: its type
// first.
func parseEither(binary, text []byte) error {
	typeOf, b := TypeOf, binary
	if text != nil {
		typeOf, b = TypeOfJSON, text
	}
	kind, err := typeOf(b)
	if err != nil {
		return err
	}
	if text != nil {
		return New(kind).ParseJSON(b)
	}
	return New(kind).Parse(b)
}

func TestInvalidFramesAreRefusedWithFieldAndCode(t *testing.T) {
	for _, v := range readVectors(t, "testdata/invalid.txt") {
		var text []byte
		if source, ok := v.fields["json"]; ok {
			text = append([]byte{}, source...)
		}
		err := parseEither(v.bytes(t, "hex"), text)
		var failed *ParseError
		if !errors.As(err, &failed) {
			t.Errorf("%s:%d: %s: got %v", v.file, v.line, v.fields["name"], err)
			continue
		}
		if code := strconv.Itoa(int(CodeOf(err))); failed.Field != v.fields["field"] || code != v.fields["code"] {
			t.Errorf("%s:%d: %s: got code %s, %v", v.file, v.line, v.fields["name"], code, err)
		}
	}
}

func TestParseErrorsSayFrameFieldAndOffset(t *testing.T) {
	long := strings.Repeat("61", 129)
	tests := []struct{ hex, json, want string }{
		{hex: "060000", want: "PUSH frame: id at byte 3: the frame ends within it"},
		{hex: "06018001000161", want: ""},
		{hex: "06010300" + "8101" + long, want: "PUSH frame: id at byte 4: longer than 128 bytes"},
		{hex: "0601034000", want: "PUSH frame: flags at byte 3: unknown bits 0x40"},
		{hex: "0705000001", want: "ACK frame: end at byte 3: 2 bytes follow the last field"},
		{hex: "0c000161808004", want: "JOINED frame: code at byte 4: above 65535"},
		{json: `{"type":"join","grup":"a"}`, want: `JOIN frame: "grup" at byte 15: unknown; did you mean group?`},
		{json: `{"type":"join", "group": ""}`, want: `JOIN frame: group at byte 28: missing`},
		{json: `{"type":"ack","seq": 1.5}`, want: `ACK frame: seq at byte 21: not a whole number from 0 to 2^53-1`},
		{json: `{"type":"close","code":4000,"reconnect":"no","address":"a"}`, want: `CLOSE frame: address at byte 59: the rule is not elsewhere`},
	}
	for _, test := range tests {
		v := vector{fields: map[string]string{"hex": test.hex}}
		var text []byte
		if test.json != "" {
			text = []byte(test.json)
		}
		err := parseEither(v.bytes(t, "hex"), text)
		if test.want == "" && err == nil {
			continue
		}
		if err == nil || err.Error() != test.want {
			t.Errorf("%s%s:\n got %v\nwant %s", test.hex, test.json, err, test.want)
		}
	}
}

func TestListsInJSONAreBounded(t *testing.T) {
	array := func(element string, count int) string {
		return "[" + strings.Repeat(element+",", count-1) + element + "]"
	}
	ranges := func(count int) string {
		var b strings.Builder
		for i := range count {
			fmt.Fprintf(&b, ",[%d,%d]", 2*i+2, 2*i+2)
		}
		return "[" + b.String()[1:] + "]"
	}
	header := func(size int) string { return `{"name":"h","value":"` + strings.Repeat("x", size) + `"}` }
	tests := []struct {
		before, within, beyond, field string
	}{
		{`{"type":"connect","codecs":`, array(`"x"`, CodecsMax), array(`"x"`, CodecsMax+1), "codecs"},
		{`{"type":"connect","headers":`, array(`"x"`, HeadersMax), array(`"x"`, HeadersMax+1), "headers"},
		{`{"type":"connect","groups":`, array(`"x"`, JoinGroupsMax), array(`"x"`, JoinGroupsMax+1), "groups"},
		{`{"type":"connect","groups":`, `["x"]`, `["x",""]`, "groups"},
		{`{"type":"send","id":"a","headers":`, array(header(1), HeadersMax), array(header(1), HeadersMax+1), "headers"},
		{`{"type":"send","id":"a","headers":`, array(header(4095), 4), array(header(4096), 4), "headers"},
		{`{"type":"ack","ranges":`, ranges(AckRangesMax), ranges(AckRangesMax + 1), "ranges"},
		{`{"type":"connect","session":`, `"` + strings.Repeat("AAAA", 170) + `AAA="`, `"` + strings.Repeat("AAAA", 171) + `"`, "session"},
		{`{"type":"connect","session":`, `"AA=="`, `"` + strings.Repeat("AAAA", 172) + `"`, "session"},
	}
	for _, test := range tests {
		if err := parseEither(nil, []byte(test.before+test.within+"}")); err != nil {
			t.Errorf("%s: %v", test.before, err)
		}
		err := parseEither(nil, []byte(test.before+test.beyond+"}"))
		if failed, ok := errors.AsType[*ParseError](err); !ok || failed.Field != test.field {
			t.Errorf("%s: beyond the bound: %v", test.before, err)
		}
	}
}

func TestParseErrorsDoNotRepeatSecrets(t *testing.T) {
	frames := []string{
		`{"type":"connect","token":"hunter2","username":"hunter2"}`,
		`{"type":"connect","token":"hunter2\u0000","nonsense":1}`,
		`{"type":"refresh","token":"hunter2` + strings.Repeat("x", 8192) + `"}`,
	}
	for _, text := range frames {
		err := parseEither(nil, []byte(text))
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%.60s: got %v", text, err)
		}
	}
}

func TestParseRefusesAFrameOfAnotherType(t *testing.T) {
	for kind := TypeConnect; kind <= TypeClose; kind++ {
		for _, test := range fullFrames {
			if test.frame.Type() == kind {
				continue
			}
			if err := New(kind).Parse(test.frame.Append(nil)); err == nil {
				t.Errorf("%s parses a %s", kind, test.frame.Type())
			}
			if err := New(kind).ParseJSON([]byte(test.json)); err == nil {
				t.Errorf("%s parses the JSON of a %s", kind, test.frame.Type())
			}
		}
		if err := New(kind).Parse(nil); err == nil {
			t.Errorf("%s parses nothing", kind)
		}
	}
}

// Every frame but PUSH and SEND, whose payload is what is left, is refused
// when any of its bytes are missing.
func TestTruncatedFramesAreRefused(t *testing.T) {
	for _, test := range fullFrames {
		whole, kind := test.frame.Append(nil), test.frame.Type()
		if kind == TypePush || kind == TypeSend {
			whole = whole[:len(whole)-1] // The payload.
		}
		for size := range len(whole) {
			if err := New(kind).Parse(whole[:size:size]); err == nil {
				t.Errorf("%s: %d of %d bytes parse", kind, size, len(whole))
			}
		}
		for size := range len(test.json) {
			if err := New(kind).ParseJSON([]byte(test.json[:size])); err == nil {
				t.Errorf("%s parses", test.json[:size])
			}
		}
	}
}

func TestCodeOfAForeignErrorIsProtocolError(t *testing.T) {
	if got := CodeOf(errors.New("other")); got != CodeProtocolError {
		t.Errorf("got %d", got)
	}
}
