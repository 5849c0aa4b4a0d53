package admit

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// FuzzParse feeds both forms. Whatever comes, a record is a message, an operation or
// an error, and what is accepted keeps the promises that others rely on.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"to":"user:a","payload":"x"}`), "push-to", "user:a", "push-ttl", "5s")
	f.Add([]byte(`{"to":["user:a",""],"payload":{"a":["]"]}}`), "push-op", "join", "push-group", "g")
	f.Add([]byte(`{"to":"all","payload":"\ud800\u0000"}`), "Push-To", "all", "push-id", "x")
	f.Add([]byte(" {\"a\\\"b\" : tru"), "push-", "", "push-platform", ",")
	f.Fuzz(func(t *testing.T, body []byte, name1, value1, name2, value2 string) {
		rec := &sdk.Record{Key: []byte(value2), Body: body, MessageID: name1,
			Headers: []sdk.Header{{Name: name1, Value: []byte(value1)}, {Name: name2, Value: []byte(value2)}}}
		p := liberal()
		defaultTo("user:{key}")(p)
		for _, p.JSON = range []bool{false, true} {
			check(t, p, Parse(p, From{Source: name2, Stable: p.JSON}, rec, wall))
		}
	})
}

func check(t *testing.T, p *Policy, got Parsed) {
	switch m := got.Message; {
	case got.Err != nil:
		if got.Err.Reason == 0 || got.Err.Error() == "" {
			t.Fatalf("an error without a reason: %+v", got.Err)
		}
		if got.Message != nil || got.Control != nil {
			t.Fatal("an error together with a result")
		}
	case m != nil:
		if len(m.To) == 0 || len(m.To) > wire.AddressesMax || len(m.Payload) > p.PayloadMax || m.ExpiresAt.IsZero() {
			t.Fatalf("accepted %+v", m)
		}
		if len(m.ID) > wire.MessageIDBytesMax || !utf8.ValidString(m.ID) || len(m.Name) > wire.NameBytesMax || !utf8.ValidString(m.Name) {
			t.Fatalf("id %q, name %q", m.ID, m.Name)
		}
		if got.Fingerprint == 0 {
			t.Fatal("no fingerprint")
		}
	case got.Control == nil:
		t.Fatal("neither message nor operation nor error")
	}
}

// FuzzScanner compares the scanner with encoding/json on objects.
func FuzzScanner(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":[1,{"c":"}"}],"d":"\"","e" : null }`))
	f.Add([]byte(` { } `))
	f.Fuzz(func(t *testing.T, text []byte) {
		var want map[string]json.RawMessage
		if checkLine(text) != nil || json.Unmarshal(text, &want) != nil {
			return
		}
		got := map[string]string{}
		for s := scan(text); s.nextKey(); {
			var key string
			if err := json.Unmarshal(s.key, &key); err != nil {
				t.Fatalf("key %s: %v", s.key, err)
			}
			got[key] = string(s.value)
		}
		if len(got) != len(want) {
			t.Fatalf("%s: got %q, want %q", text, got, want)
		}
		for key, value := range want {
			if got[key] != string(value) {
				t.Fatalf("%s: %q is %q, want %q", text, key, got[key], value)
			}
		}
	})
}
