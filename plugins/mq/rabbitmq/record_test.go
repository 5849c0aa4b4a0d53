package rabbitmq

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/pushcore/pushcore/sdk"
)

func TestFieldsOfEveryKindBecomeHeaders(t *testing.T) {
	d := amqp.Delivery{ContentType: "a/b", Headers: amqp.Table{
		"a": nil, "b": "text", "c": []byte{0}, "d": int64(-5), "e": true, "f": 1.5, "g": time.Unix(0, 0),
		"h": []any{"x", int32(1), []any{"y"}}, "i": amqp.Table{"k": "v"}, "j": []any{},
	}}
	want := `[{a } {b text} {c ` + "\x00" + `} {d -5} {e true} {f 1.5} {g 1970-01-01T00:00:00Z} {h x} {h 1} {h ["y"]} {i {"k":"v"}} {content-type a/b}]`
	if got := fmt.Sprintf("%s", recordOf(&d).Headers); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// FuzzHeadersReturnAsTheyWere publishes headers and reads them back.
func FuzzHeadersReturnAsTheyWere(f *testing.F) {
	f.Add("push-id", []byte("1"), "push-id", []byte("\xff"))
	f.Add("content-type", []byte("a/b"), "content-type", []byte("c/d"))
	f.Add("x", []byte(""), "y", bytes.Repeat([]byte("x"), 300))
	f.Fuzz(func(t *testing.T, name1 string, value1 []byte, name2 string, value2 []byte) {
		sent := sdk.Outgoing{Headers: []sdk.Header{{Name: name1, Value: value1}, {Name: name2, Value: value2}}}
		p := publishing(&sent, "1")
		if err := p.Headers.Validate(); err != nil {
			t.Fatal(err)
		}
		got := recordOf(&amqp.Delivery{Headers: p.Headers, ContentType: p.ContentType})
		for _, h := range sent.Headers {
			if h.Name == contentType && (name1 == name2 || len(h.Value) == 0) {
				continue // A repeated content type cannot be told from one that has both places.
			}
			found := false
			for _, g := range got.Headers {
				found = found || g.Name == h.Name && bytes.Equal(g.Value, h.Value)
			}
			if !found {
				t.Errorf("header %q: %q is lost: %q", h.Name, h.Value, got.Headers)
			}
		}
	})
}
