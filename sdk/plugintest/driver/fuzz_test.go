package driver

import (
	"bytes"
	"testing"
)

// FuzzParseEvent: what is taken has all that its event needs, and can be said again.
func FuzzParseEvent(f *testing.F) {
	for _, line := range []string{
		`{"event":"ready","protocol":1,"lacks":["acks"]}`, `{"event":"opened","conn":1,"token_base64":"AA=="}`,
		`{"event":"message","conn":1,"seq":3,"id":"a","name":"b","payload":"c"}`, `{"event":"failed","n":1,"error":"x"}`,
		`{"event":"published","n":4,"records":[{"payload":"a"},{"payload_base64":"/w=="}]}`, `{"event":"done"}`, `{}`, `[]`, `{"event":null}`,
		`{"event":"waiting","n":1,"count":0}`, `{"event":"closed","conn":1,"code":70000}`,
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := parseEvent(line)
		if err != nil {
			return
		}
		if e.Event == "waiting" && e.Count == nil || e.Event == "published" && e.Records == nil {
			t.Fatalf("%s lacks what it needs", line)
		}
		again, err := encode(e)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Count(again, []byte("\n")) != 1 {
			t.Fatalf("not one line: %s", again)
		}
		_, _ = e.report() // It does not panic.
	})
}
