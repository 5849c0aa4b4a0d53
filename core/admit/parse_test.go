package admit

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

var wall = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// liberal allows all that can be allowed.
func liberal() *Policy {
	return &Policy{Plugin: "orders", Push: true, Control: true, TTL: 7 * 24 * time.Hour, StoreAfter: 2 * time.Second,
		PayloadMax: 1000, Receipt: true, DeadLetter: true}
}

// rec makes a record of "name: value" headers; the value "body" aside.
func rec(body string, headers ...string) *sdk.Record {
	r := &sdk.Record{Position: 7, Body: []byte(body)}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Headers = append(r.Headers, sdk.Header{Name: name, Value: []byte(value)})
	}
	return r
}

// show writes what was understood, to compare and to read.
func show(p Parsed) string {
	var b strings.Builder
	switch m, c := p.Message, p.Control; {
	case p.Err != nil:
		fmt.Fprintf(&b, "%v %s|%s|%s", p.Err.Reason, p.Err.Field, p.Err.Detail, p.Err.Nearest)
	case m != nil:
		fmt.Fprintf(&b, "to %v", m.To)
		showIf(&b, "except", fmt.Sprint(m.Except), "[]")
		showIf(&b, "platforms", fmt.Sprint(m.Platforms), "[]")
		showIf(&b, "id", m.ID, "")
		showIf(&b, "name", m.Name, "")
		showIf(&b, "collapse", m.Collapse, "")
		showIf(&b, "class", fmt.Sprint(m.Class), "0")
		showIf(&b, "ack", fmt.Sprint(m.Ack), "0")
		showIf(&b, "receipt", fmt.Sprint(m.Receipt), "0")
		showIf(&b, "sessions-only", fmt.Sprint(m.SessionsOnly), "false")
		showIf(&b, "ttl", m.ExpiresAt.Sub(wall).String(), "168h0m0s")
		showIf(&b, "body", string(m.Payload), "")
	case c != nil:
		fmt.Fprintf(&b, "op %d to %v", c.Op, c.To)
		showIf(&b, "group", c.Group, "")
		showIf(&b, "id", c.ID, "")
	}
	return b.String()
}

func showIf(b *strings.Builder, name, value, unless string) {
	if value != unless {
		fmt.Fprintf(b, " %s %s", name, value)
	}
}

func TestParseHeaders(t *testing.T) {
	tests := []struct {
		headers []string
		want    string
	}{
		{[]string{"push-to: user:a"}, "to [user:a] body hi"},
		{[]string{"push-to: user:a, group:g", "push-to: all", "push-to: user:a"}, "to [user:a group:g all] body hi"},
		{[]string{"Push-To: user:a", "other: x"}, "to [user:a] body hi"},
		{[]string{"push-to: user:a", "push-except: device:a/b,user:c", "push-except: group:g"}, "to [user:a] except [device:a/b user:c group:g] body hi"},
		{[]string{"push-to: user:a", "push-except: "}, "to [user:a] body hi"},
		{[]string{"push-to: user:a", "push-platform: phone, till", "push-platform: web"}, "to [user:a] platforms [phone till web] body hi"},
		{[]string{"push-to: user:a", "push-id: order-1", "push-name: shipped", "push-collapse: k"}, "to [user:a] id order-1 name shipped collapse k body hi"},
		{[]string{"push-to: user:a", "push-class: fast", "push-ack: any", "push-receipt: final"}, "to [user:a] class 1 ack 1 receipt 1 body hi"},
		{[]string{"push-to: user:a", "push-class: reliable", "push-ack: each", "push-receipt: all"}, "to [user:a] receipt 2 body hi"},
		{[]string{"push-to: user:a", "push-ttl: 90s"}, "to [user:a] ttl 1m30s body hi"},
		{[]string{"push-to: user:a", "push-ttl: 2d"}, "to [user:a] ttl 48h0m0s body hi"},
		{[]string{"push-to: user:a", "push-ttl: 0"}, "to [user:a] sessions-only true body hi"},

		{nil, "bad_record push-to|is missing, and the input has no default_to|"},
		{[]string{"push-to: "}, "bad_record push-to|names nobody|"},
		{[]string{"push-to: usr:a"}, `bad_address push-to|address 1 "usr:a": has an unknown kind; addresses are user:ID, device:USER/DEVICE, group:ID or all|user`},
		{[]string{"push-to: user:a", "push-except: user:"}, `bad_address push-except|address 1 "user:": has an empty id|`},
		{[]string{"push-to: user:a", "push-tll: 5s"}, "bad_record push-tll|is not a header of a record|push-ttl"},
		{[]string{"push-to: user:a", "push-zzzzzzzz: 5s"}, "bad_record push-zzzzzzzz|is not a header of a record|"},
		{[]string{"push-to: user:a", "push-tenant: t"}, "bad_record push-tenant|is reserved and not in this version|"},
		{[]string{"push-to: user:a", "push-dead-reason: x"}, "bad_record push-dead-reason|marks a dead letter; `pushcore dead replay` takes such headers off|"},
		{[]string{"push-to: user:a", "push-id: a", "push-id: a"}, "bad_record push-id|stands more than once|"},
		{[]string{"push-to: user:a", "push-id: "}, "bad_record push-id|is empty; leave it out|"},
		{[]string{"push-to: user:a", "push-id: " + strings.Repeat("x", 129)}, "bad_record push-id|has 129 bytes, at most 128 are allowed|"},
		{[]string{"push-to: user:a", "push-id: a\nb"}, "bad_record push-id|is not UTF-8 without control characters|"},
		{[]string{"push-to: user:a", "push-name: \xff"}, "bad_record push-name|is not UTF-8 without control characters|"},
		{[]string{"push-to: user:a", "push-name: " + strings.Repeat("x", 65)}, "bad_record push-name|has 65 bytes, at most 64 are allowed|"},
		{[]string{"push-to: user:a", "push-platform: phone,,till"}, "bad_record push-platform|has an empty name; leave it out to mean all platforms|"},
		{[]string{"push-to: user:a", "push-class: relyable"}, `bad_record push-class|"relyable" is not one of reliable, fast|reliable`},
		{[]string{"push-to: user:a", "push-class: "}, `bad_record push-class|"" is not one of reliable, fast|`},
		{[]string{"push-to: user:a", "push-ack: al"}, `bad_record push-ack|"al" is not one of each, any|`},
		{[]string{"push-to: user:a", "push-ttl: 90"}, `bad_record push-ttl|"90" has no unit: write 90s or 90ms|`},
		{[]string{"push-to: user:a", "push-ttl: -5s"}, `bad_record push-ttl|"-5s" is negative|`},
		{[]string{"push-to: user:a", "push-ttl: 4000d"}, `bad_record push-ttl|4000d is too long: at most 3650d|`},
		{[]string{"push-to: user:a", "push-group: g"}, "bad_record push-group|has a meaning only together with push-op|"},
	}
	for _, test := range tests {
		if got := show(Parse(liberal(), From{Source: "push/3"}, rec("hi", test.headers...), wall)); got != test.want {
			t.Errorf("%q:\n got %s\nwant %s", test.headers, got, test.want)
		}
	}
}

func TestParseControl(t *testing.T) {
	tests := []struct {
		headers []string
		want    string
	}{
		{[]string{"push-op: join", "push-to: user:a,user:b", "push-group: g"}, "op 1 to [user:a user:b] group g"},
		{[]string{"push-op: join", "push-to: user:a", "push-group: group:a%2Cb", "push-id: x"}, "op 1 to [user:a] group a,b"},
		{[]string{"push-op: leave", "push-to: user:a", "push-group: g"}, "op 2 to [user:a] group g"},
		{[]string{"push-op: dissolve", "push-group: g"}, "op 3 to [] group g"},
		{[]string{"push-op: kick", "push-to: user:a,device:b/c"}, "op 4 to [user:a device:b/c]"},
		{[]string{"push-op: kick", "push-to: user:a", "push-group: g"}, "op 4 to [user:a] group g"},
		{[]string{"push-op: withdraw", "push-id: order-1"}, "op 5 to [] id order-1"},

		{[]string{"push-op: joyn", "push-to: user:a"}, "bad_record push-op|is not one of join, leave, dissolve, kick, withdraw|join"},
		{[]string{"push-op: join", "push-to: user:a"}, "bad_record push-group|is missing: it names the group|"},
		{[]string{"push-op: join", "push-group: g"}, "bad_record push-to|is missing, and the input has no default_to|"},
		{[]string{"push-op: join", "push-group: ", "push-to: user:a"}, `bad_address push-group|address "group:": has an empty id|`},
		{[]string{"push-op: join", "push-to: device:a/b", "push-group: g"}, "bad_address push-to|join does not take device:a/b|"},
		{[]string{"push-op: kick", "push-to: all"}, "bad_address push-to|kick does not take all|"},
		{[]string{"push-op: kick", "push-to: user:a", "push-ttl: 5s"}, "bad_record push-ttl|has no meaning with push-op kick|"},
		{[]string{"push-op: dissolve", "push-group: g", "push-to: user:a"}, "bad_record push-to|has no meaning with push-op dissolve|"},
		{[]string{"push-op: withdraw"}, "bad_record push-id|is missing: it names the message to withdraw|"},
		{[]string{"push-op: withdraw", "push-id: x", "push-group: g"}, "bad_record push-group|has no meaning with push-op withdraw|"},
	}
	for _, test := range tests {
		if got := show(Parse(liberal(), From{Source: "push/3"}, rec("", test.headers...), wall)); got != test.want {
			t.Errorf("%q:\n got %s\nwant %s", test.headers, got, test.want)
		}
	}
}

func TestParseLine(t *testing.T) {
	tests := []struct{ line, want string }{
		{`{"to":"user:a","payload":"hi"}`, "to [user:a] body hi"},
		{` { "to" : [ "user:a" , "group:g,all" ] , "payload" : {"x": [1, "}"]} } ` + "\n", `to [user:a group:g all] body {"x": [1, "}"]}`},
		{`{"to":"user:a","payload":[1,2]}`, "to [user:a] body [1,2]"},
		{`{"to":"user:a","payload_base64":"aGk="}`, "to [user:a] body hi"},
		{`{"to":"user:a","payload":"\u00e4\n\"\\"}`, "to [user:a] body ä\n\"\\"},
		{`{"to":"user:a","payload":null,"id":null}`, "to [user:a]"},
		{`{"to":"user:a","ttl":0}`, "to [user:a] sessions-only true"},
		{`{"to":"user:a","ttl":"90s","class":"fast","platform":["phone","till"],"id":"x"}`, "to [user:a] platforms [phone till] id x class 1 ttl 1m30s"},
		{`{"\u0074o":"user:a"}`, "to [user:a]"},
		{`{"op":"join","to":["user:a"],"group":"g"}`, "op 1 to [user:a] group g"},

		{``, "bad_record |the line is not JSON: byte 0: unexpected end of JSON input|"},
		{`{"to":"user:a"`, "bad_record |the line is not JSON: byte 14: unexpected end of JSON input|"},
		{`{"to":"user:a"} {}`, "bad_record |the line is not JSON: byte 17: invalid character '{' after top-level value|"},
		{`[1]`, "bad_record |the line is not a JSON object|"},
		{`"x"`, "bad_record |the line is not a JSON object|"},
		{"{\"to\":\"user:\xff\"}", "bad_record |the line is not UTF-8|"},
		{`{}`, "bad_record to|is missing, and the input has no default_to|"},
		{`{"to":[]}`, "bad_record to|names nobody|"},
		{`{"to":["user:a",5]}`, "bad_record to|is an array of something else than strings|"},
		{`{"to":"user:a","platform":[]}`, "bad_record platform|names no platform; leave it out to mean all|"},
		{`{"to":"user:a","tll":"5s"}`, "bad_record tll|is not a key of a line|ttl"},
		{`{"to":"user:a","payload_b64":"x"}`, "bad_record payload_b64|is not a key of a line|payload_base64"},
		{`{"to":"user:a","ttl":90}`, `bad_record ttl|"90" has no unit: write 90s or 90ms|`},
		{`{"to":"user:a","ttl":true}`, `bad_record ttl|is not a string|`},
		{`{"to":"user:a","id":5}`, `bad_record id|is not a string|`},
		{`{"to":"user:a","id":"x","id":"y"}`, `bad_record id|stands more than once|`},
		{`{"to":"user:a","payload":5}`, `bad_record payload|is not a string, an object or an array|`},
		{`{"to":"user:a","payload":"x","payload_base64":""}`, `bad_record payload_base64|is a second payload beside payload|`},
		{`{"to":"user:a","payload_base64":"%"}`, `bad_record payload_base64|is not base64: illegal base64 data at input byte 0|`},
		{`{"to":"user:a","payload_base64":{}}`, `bad_record payload_base64|is not a string|`},
		{`{"to":"user:a","payload":"` + strings.Repeat("x", 1001) + `"}`, "too_large |the payload has 1001 bytes, at most 1000 are allowed|"},
	}
	p := liberal()
	p.JSON = true
	for _, test := range tests {
		if got := show(Parse(p, From{Source: "push/3"}, rec(test.line), wall)); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.line, got, test.want)
		}
	}
}

func TestHeaderWinsOverTheKeyOfALine(t *testing.T) {
	p := liberal()
	p.JSON = true
	r := rec(`{"to":"group:g","id":"old","name":"n"}`, "push-to: device:a/b", "push-id: new", "push-receipt: none")
	if got := show(Parse(p, From{}, r, wall)); got != "to [device:a/b] id new name n" {
		t.Errorf("got %s", got)
	}
}

func TestPolicyDecides(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Policy)
		rec    *sdk.Record
		want   string
	}{
		{"no control", func(p *Policy) { p.Control = false }, rec("", "push-op: kick", "push-to: user:a"), "bad_record push-op|is not allowed here; the input's allow has no control|"},
		{"no push", func(p *Policy) { p.Push = false }, rec("", "push-to: user:a"), "bad_record |this input takes no messages; its allow has no push|"},
		{"no target of receipts", func(p *Policy) { p.Receipt = false }, rec("", "push-to: user:a", "push-receipt: final"), "bad_record push-receipt|asks for receipts, but routes.receipt has no target for this input|"},
		{"none asked", func(p *Policy) { p.Receipt = false }, rec("", "push-to: user:a", "push-receipt: none"), "to [user:a]"},
		{"too large", nil, rec(strings.Repeat("x", 1001), "push-to: user:a"), "too_large |the payload has 1001 bytes, at most 1000 are allowed|"},
		{"default", defaultTo("user:{key}"), keyed("50% / a,b", ""), "to [user:50%25%20/%20a%2Cb]"},
		{"default of a device", defaultTo("device:{key}/main,group:g"), keyed("a/b", ""), "to [device:a%2Fb/main group:g]"},
		{"default for operations", defaultTo("user:{key}"), keyed("a", "", "push-op: leave", "push-group: g"), "op 2 to [user:a] group g"},
		{"default without key", defaultTo("user:{key}"), rec(""), "bad_record push-to|the record names no receivers and has no key for default_to|"},
		{"default with a bad key", defaultTo("user:{key}"), keyed("\xff", ""), `bad_address push-to|the record's key "\xff" is no id for default_to|`},
		{"default not needed", defaultTo("user:{key}"), rec("", "push-to: all"), "to [all]"},
	}
	for _, test := range tests {
		p := liberal()
		if test.change != nil {
			test.change(p)
		}
		if got := show(Parse(p, From{}, test.rec, wall)); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, test.want)
		}
	}
}

func defaultTo(list string) func(*Policy) {
	return func(p *Policy) {
		to, err := ParseDefaultTo(list)
		if err != nil {
			panic(err)
		}
		p.DefaultTo = to
	}
}

func keyed(key, body string, headers ...string) *sdk.Record {
	r := rec(body, headers...)
	r.Key = []byte(key)
	return r
}

func TestIDIsTheRecordsElseThePositionElseTheBrokers(t *testing.T) {
	stamped := func(change func(*sdk.Record), headers ...string) *sdk.Record {
		r := rec("", append(headers, "push-to: user:a")...)
		r.MessageID, r.Timestamp = "broker-9", time.UnixMilli(1234)
		change(r)
		return r
	}
	nothing := func(*sdk.Record) {}
	tests := []struct {
		from From
		rec  *sdk.Record
		want string
	}{
		{From{"push/3", true}, stamped(nothing, "push-id: mine"), "mine"},
		{From{"push/3", true}, stamped(nothing), "push/3/7@1234"},
		{From{"push/3", true}, stamped(func(r *sdk.Record) { r.Timestamp = time.Time{} }), "push/3/7"},
		{From{"jobs", false}, stamped(nothing), "broker-9"},
		{From{"jobs", false}, stamped(func(r *sdk.Record) { r.MessageID = "" }), ""},
		{From{"jobs", false}, stamped(func(r *sdk.Record) { r.MessageID = "a\x01b" }), "a_b~5a8eeb1aaa8e3b3c"},
	}
	for _, test := range tests {
		p := Parse(liberal(), test.from, test.rec, wall)
		if strings.Contains(test.want, "~") {
			if !strings.HasPrefix(p.ID, "a_b~") || p.ID != p.Message.ID {
				t.Errorf("got id %q", p.ID)
			}
			continue
		}
		if p.ID != test.want || p.Message.ID != test.want {
			t.Errorf("got id %q and %q, want %q", p.ID, p.Message.ID, test.want)
		}
	}
	long := fitID([]byte(strings.Repeat("topic", 50) + "/3/7@1"))
	if other := fitID([]byte(strings.Repeat("topic", 50) + "/3/8@1")); len(long) > wire.MessageIDBytesMax || long == other {
		t.Errorf("long positions: %q, %q", long, other)
	}
}

func TestLifetimeCountsFromTheBrokersTimestamp(t *testing.T) {
	for _, test := range []struct {
		stamped time.Time
		want    time.Time
	}{
		{time.Time{}, wall.Add(time.Minute)},
		{wall.Add(-40 * time.Second), wall.Add(20 * time.Second)},
		{wall.Add(time.Hour), wall.Add(time.Minute)}, // a wrong clock keeps nothing for longer
	} {
		r := rec("", "push-to: user:a", "push-ttl: 1m")
		r.Timestamp = test.stamped
		if got := Parse(liberal(), From{}, r, wall).Message.ExpiresAt; !got.Equal(test.want) {
			t.Errorf("stamped %v: expires %v, want %v", test.stamped, got, test.want)
		}
	}
}

func TestFingerprintIsOfWhatMustNotChange(t *testing.T) {
	base := []string{"push-to: user:a,user:b", "push-except: user:c", "push-platform: phone", "push-class: fast"}
	print := func(body string, headers ...string) uint64 {
		return Parse(liberal(), From{}, rec(body, headers...), wall).Fingerprint
	}
	want := print("hi", base...)
	if got := print("hi", append(base, "push-ttl: 5s", "push-name: n", "push-id: i", "x: y")...); got != want {
		t.Error("it changes with what may change")
	}
	for i, other := range []string{"push-to: user:a", "push-except: user:d", "push-platform: till", "push-class: reliable"} {
		headers := append([]string(nil), base...)
		headers[i] = other
		if print("hi", headers...) == want {
			t.Errorf("it does not change with %q", other)
		}
	}
	if print("ho", base...) == want {
		t.Error("it does not change with the body")
	}
	p := liberal()
	p.JSON = true
	line := rec(`{"to":["user:a","user:b"],"except":"user:c","platform":"phone","class":"fast","payload":"hi"}`)
	if Parse(p, From{}, line, wall).Fingerprint != want {
		t.Error("it changes with the form of the record")
	}
}

func TestParseTakesOverOrCopiesThePayload(t *testing.T) {
	p := liberal()
	r := rec("payload", "push-to: user:a")
	if m := Parse(p, From{}, r, wall).Message; &m.Payload[0] != &r.Body[0] || m.Original != nil {
		t.Error("a payload in headers' form is not the record's own slice")
	}
	p.JSON = true
	line := rec(`{"to":"user:a","payload":{"a":1}}`)
	m := Parse(p, From{}, line, wall).Message
	if &m.Original[0] != &line.Body[0] || string(m.Body()) != string(line.Body) {
		t.Error("the line is not kept for its dead letter")
	}
	if &m.Payload[0] != &line.Body[len(line.Body)-len(`{"a":1}}`)] {
		t.Error("the payload is copied although the record is owned")
	}
	p.Shared, p.DeadLetter = true, false
	m = Parse(p, From{}, line, wall).Message
	copy(line.Body, strings.Repeat("#", len(line.Body)))
	if string(m.Payload) != `{"a":1}` || m.Original != nil {
		t.Errorf("with a shared buffer the payload became %q", m.Payload)
	}
}

func TestTooManyAddressesAreRefused(t *testing.T) {
	r := rec("", "push-to: "+strings.Repeat("user:a,", 9999)+"user:b", "push-to: user:c")
	if p := Parse(liberal(), From{}, r, wall); p.Err == nil || p.Err.Reason != envelope.BadAddress {
		t.Errorf("got %v", p.Err)
	}
}

func TestPolicyReadsItsOptions(t *testing.T) {
	var p Policy
	for _, bad := range []error{p.Allow([]string{"push", "all"}), p.Format("xml")} {
		if bad == nil {
			t.Error("a wrong option is taken")
		}
	}
	if err := p.Allow(nil); err != nil || !p.Push || p.Control {
		t.Errorf("none allowed: %+v, %v", p, err)
	}
	if err := p.Allow([]string{"control"}); err != nil || p.Push || !p.Control {
		t.Errorf("control allowed: %+v, %v", p, err)
	}
	if err := p.Format("json"); err != nil || !p.JSON {
		t.Errorf("json: %+v, %v", p, err)
	}
	if err := p.Format(""); err != nil || p.JSON {
		t.Errorf("none: %+v, %v", p, err)
	}
}

func TestParseAllocatesLittle(t *testing.T) {
	tests := []struct {
		name string
		rec  *sdk.Record
		json bool
		most float64
	}{
		// The message, its addresses, their text and the id; the race detector adds one.
		{"headers", rec("payload", "push-to: user:alice", "push-id: order-1"), false, 5},
		{"no id", rec("payload", "push-to: user:alice"), false, 5},
		{"line", rec(`{"to":"user:alice","id":"order-1","payload":{"a":1}}`), true, 8},
	}
	for _, test := range tests {
		p := liberal()
		p.JSON = test.json
		got := testing.AllocsPerRun(200, func() { Parse(p, From{Source: "push/3", Stable: true}, test.rec, wall) })
		if got > test.most {
			t.Errorf("%s: %v allocations, at most %v are allowed", test.name, got, test.most)
		}
	}
}

func BenchmarkParseHeaders(b *testing.B) {
	r := rec(strings.Repeat("x", 128), "push-to: user:alice", "push-id: order-1")
	p := liberal()
	b.ReportAllocs()
	for b.Loop() {
		Parse(p, From{Source: "push/3", Stable: true}, r, wall)
	}
}

func BenchmarkParseLine(b *testing.B) {
	p := liberal()
	p.JSON = true
	r := rec(`{"to":"user:alice","id":"order-1","payload":"` + strings.Repeat("x", 128) + `"}`)
	b.ReportAllocs()
	for b.Loop() {
		Parse(p, From{Source: "push/3", Stable: true}, r, wall)
	}
}
