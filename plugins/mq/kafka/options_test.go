package kafka

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pushcore/pushcore/sdk"
)

func TestOptionsHaveTheirFaultsAtTheirPlaces(t *testing.T) {
	const start = `{"brokers":["127.0.0.1:9092"],`
	for _, c := range []struct{ options, want string }{
		{start + `"sasl":{"mechanism":"scram-sha-512","username":"u","password":"p"},"tls":{},
			"input":{"topics":["push"],"group":"pushcore","offset_reset":"earliest","format":"raw","allow":["push"],
			"max_open":{"records":10000,"pairs":1000000,"bytes":"64MiB"},"max_span":1000000,"default_to":"user:{key}"},
			"uplink":{"topic":"uplink"},"receipt":{"topic":"receipts"},"dead_letter":{"topic":"push.dead"}}`, ""},
		{`{`, " the options are no JSON\n/brokers names no broker"},
		{``, "/brokers names no broker"},
		{`{"brokers":["a"]}`, `/brokers/0 "a" is not host:port`},
		{`{"brokers":"a:1"}`, "/brokers is a text; a list goes here\n/brokers names no broker"},
		{start + `"inptu":{}}`, "/inptu unknown key; did you mean input?"},
		{start + `"x/y":1}`, "/x~1y unknown key; known ones are brokers, tls, sasl, input, uplink, events, fates, receipt, dead_letter"},
		{start + `"input":{"topics":["a"],"group":"g","offset_rest":"latest"}}`, "/input/offset_rest unknown key; did you mean offset_reset?"},
		{start + `"input":{"topics":["a"],"group":"g","offset_reset":"lattest"}}`, `/input/offset_reset "lattest" is unknown; did you mean latest?`},
		{start + `"input":{"topics":["a"]}}`, "/input/group is missing; it names the consumer group, such as pushcore"},
		{start + `"input":{"topics":[],"group":"g"}}`, "/input/topics names no topic"},
		{start + `"input":{"topics":["a",""],"group":"g"}}`, "/input/topics/1 is empty"},
		{start + `"input":{"topics":["a"],"group":"g","max_open":{"bytes":"64MB"}}}`, `/input/max_open/bytes "64MB" is not a size; write bytes such as 4096, or 256KiB, 16MiB, 1GiB`},
		{start + `"input":{"topics":["a"],"group":"g","max_open":{"records":-1}}}`, "/input/max_open/records is below 0"},
		{start + `"input":{"topics":["a"],"group":"g","allow":["controll"]}}`, `/input/allow/0 "controll" is unknown; did you mean control?`},
		{start + `"input":{"topics":["a"],"group":"g","default_to":"usr:{key}"}}`, `/input/default_to address 1 "usr:key": `},
		{start + `"sasl":{"mechanism":"gssapi"}}`, `/sasl/mechanism "gssapi" is not one of plain, scram-sha-256, scram-sha-512` + "\n/sasl/username is missing"},
		{start + `"tls":{"cert_file":"c"}}`, "/tls/cert_file needs key_file beside it"},
		{start + `"uplink":{}}`, "/uplink/topic is missing"},
		{start + `"events":{}}`, "/events/topic is missing"},
		{start + `"input":{"topics":["a"],"group":"g"},"receipt":{"topic":"a"}}`, "/receipt/topic a is an input too: what is published there would come back"},
	} {
		_, faults := New().Configure([]byte(c.options))
		var got []string
		for _, f := range faults {
			got = append(got, fmt.Sprint(f.Pointer, " ", f.Message))
		}
		if text := strings.Join(got, "\n"); text != c.want && (c.want == "" || !strings.HasPrefix(text, c.want)) {
			t.Errorf("%s\ngot  %s\nwant %s", c.options, text, c.want)
		}
	}
}

func TestSetupNamesInputAndOutputs(t *testing.T) {
	setup, faults := New().Configure([]byte(`{"brokers":["a:1"],"input":{"topics":["p"],"group":"g","format":"json"},"uplink":{"topic":"u"},"dead_letter":{"topic":"d"}}`))
	if len(faults) > 0 || setup.Input == nil || setup.Input.Format != "json" || fmt.Sprint(setup.Outputs) != fmt.Sprint([]sdk.Output{sdk.OutputUplink, sdk.OutputDeadLetter}) {
		t.Errorf("got %+v, %v", setup, faults)
	}
}

func FuzzConfigure(f *testing.F) {
	f.Add([]byte(`{"brokers":["a:1"],"input":{"topics":["p"],"group":"g","max_open":{"bytes":"1KiB"}},"tls":null}`))
	f.Add([]byte(`{"brokers":[null],"sasl":[],"input":{"topics":{"a":1}}}`))
	f.Fuzz(func(t *testing.T, options []byte) {
		setup, faults := New().Configure(options)
		if len(faults) > 0 && (setup.Input != nil || setup.Outputs != nil) {
			t.Error("a faulty configuration has a setup")
		}
		for _, fault := range faults {
			if fault.Message == "" || strings.Contains(fault.Message, "\n") || fault.Pointer != "" && fault.Pointer[0] != '/' {
				t.Errorf("fault %q: %q", fault.Pointer, fault.Message)
			}
		}
	})
}
