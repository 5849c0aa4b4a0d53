package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"unicode/utf8"
)

// FuzzParse holds against any bytes: a binary frame that parses has that one
// form, and goes through the JSON form unchanged.
func FuzzParse(f *testing.F) {
	for _, v := range frameVectors(f) {
		f.Add(v.bytes(f, "hex"))
	}
	for _, v := range readVectors(f, "testdata/invalid.txt") {
		f.Add(v.bytes(f, "hex"))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		kind, err := TypeOf(b)
		if err != nil {
			return
		}
		frame := New(kind)
		if err := frame.Parse(b); err != nil {
			checkParseError(t, err, len(b))
			return
		}
		if again := frame.Append(nil); !bytes.Equal(again, b) {
			t.Fatalf("% x is appended as % x", b, again)
		}
		text := frame.AppendJSON(nil)
		viaJSON := New(kind)
		if err := viaJSON.ParseJSON(text); err != nil {
			t.Fatalf("% x has the JSON form %s: %v", b, text, err)
		}
		if again := viaJSON.Append(nil); !bytes.Equal(again, b) {
			t.Fatalf("% x comes back from %s as % x", b, text, again)
		}
	})
}

// FuzzParseJSON holds against any bytes: what parses is JSON and means what
// encoding/json makes of it, and its canonical form is stable in both
// encodings.
func FuzzParseJSON(f *testing.F) {
	for _, v := range append(frameVectors(f), readVectors(f, "testdata/invalid.txt")...) {
		f.Add([]byte(v.fields["json"]))
	}
	f.Add([]byte(` { "ranges" : [ [ 3 , 4 ] ] , "type" : "ack" } `))
	f.Add([]byte(`{"ty\u0070e":"send","id":"\ud83d\ude00","payload":"\/\b\f"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		kind, err := TypeOfJSON(b)
		if err != nil {
			checkParseError(t, err, len(b))
			return
		}
		frame := New(kind)
		if err := frame.ParseJSON(b); err != nil {
			checkParseError(t, err, len(b))
			return
		}
		if !json.Valid(b) || !utf8.Valid(b) {
			t.Fatalf("%q is no JSON", b)
		}
		text := frame.AppendJSON(nil)
		sameJSON(t, b, text)
		again := New(kind)
		if err := again.ParseJSON(text); err != nil {
			t.Fatalf("%s is appended as %s: %v", b, text, err)
		}
		if stable := again.AppendJSON(nil); !bytes.Equal(stable, text) {
			t.Fatalf("%s is not stable: %s", text, stable)
		}
		viaBinary := New(kind)
		if err := viaBinary.Parse(frame.Append(nil)); err != nil {
			t.Fatalf("%s has a binary form that does not parse: %v", b, err)
		}
		if got := viaBinary.AppendJSON(nil); !bytes.Equal(got, text) {
			t.Fatalf("%s comes back from binary as %s", text, got)
		}
	})
}

func checkParseError(t *testing.T, err error, size int) {
	t.Helper()
	var failed *ParseError
	if !errors.As(err, &failed) {
		t.Fatalf("%v is no *ParseError", err)
	}
	if failed.Offset < 0 || failed.Offset > size || failed.Field == "" || !failed.Code.Valid() {
		t.Fatalf("%#v does not say where it is in %d bytes", failed, size)
	}
}

// sameJSON compares the values that encoding/json finds in two texts, leaving
// out what the canonical form leaves out or spells otherwise.
func sameJSON(t *testing.T, given, canonical []byte) {
	t.Helper()
	var a, b map[string]any
	if err := errors.Join(json.Unmarshal(given, &a), json.Unmarshal(canonical, &b)); err != nil {
		t.Fatal(err)
	}
	if _, versioned := b["version"]; versioned {
		a["version"] = b["version"] // May be left out.
	}
	for _, fields := range []map[string]any{a, b} {
		delete(fields, "expires_at") // In another zone the same instant.
		delete(fields, "headers")    // Values move between value and value_base64; FuzzParse covers them.
		delete(fields, "after_ms")   // Left out when 0, which only the rule tells from absent.
		for name, v := range fields {
			switch v {
			case "", 0.0, false:
				delete(fields, name)
			}
			if list, ok := v.([]any); ok && len(list) == 0 {
				delete(fields, name)
			}
		}
		payload(fields)
	}
	if !reflect.DeepEqual(a, b) {
		t.Fatalf("%s became %s", given, canonical)
	}
}

// payload gives a payload in base64 the field of one in text.
func payload(fields map[string]any) {
	encoded, ok := fields["payload_base64"].(string)
	if !ok {
		return
	}
	delete(fields, "payload_base64")
	var decoded []byte
	if err := json.Unmarshal([]byte(`"`+encoded+`"`), &decoded); err == nil && len(decoded) > 0 {
		fields["payload"] = string(decoded)
	}
}
