package rabbitmq

import (
	"fmt"
	"strings"
	"testing"
)

func TestOptionsHaveTheirFaultsAtTheirPlaces(t *testing.T) {
	const start = `{"url":"amqp://127.0.0.1:5672/",`
	for _, c := range []struct{ options, want string }{
		{start + `"input":{"queues":["push"],"prefetch":1000},"receipt":{"routing_key":"receipts"},"dead_letter":{"routing_key":"push.dead"}}`, ""},
		{start + `"uplink":{"exchange":"up"}}`, ""},
		{`{}`, "/url is missing; such as amqp://127.0.0.1:5672/"},
		{`{"url":"http://u:secret@h/"}`, "/url is no AMQP URL; such as amqp://user:password@127.0.0.1:5672/vhost"},
		{start + `"tls":{}}`, "/url begins with amqps: where tls is set"},
		{start + `"inptu":{}}`, "/inptu unknown key; did you mean input?"},
		{start + `"input":{}}`, "/input/queues names no queue"},
		{start + `"input":{"queues":["a","a"]}}`, "/input/queues/1 a stands here twice"},
		{start + `"input":{"queues":["a"],"prefetch":70000}}`, "/input/prefetch is from 1 to 65535"},
		{start + `"input":{"queues":["a"],"prefetch":"1"}}`, "/input/prefetch is a text; a whole number goes here"},
		{start + `"input":{"queues":["amq.a"],"declare":true}}`, "/input/queues/0 cannot be declared: amq. is RabbitMQ's own"},
		{start + `"uplink":{}}`, "/uplink/routing_key is missing; with the default exchange it is the queue's name"},
		{start + `"events":{}}`, "/events/routing_key is missing; with the default exchange it is the queue's name"},
		{start + `"input":{"queues":["a"]},"dead_letter":{"routing_key":"a"}}`, "/dead_letter/routing_key a is an input too: what is published there would come back"},
	} {
		_, faults := New().Configure([]byte(c.options))
		var got []string
		for _, f := range faults {
			got = append(got, fmt.Sprint(f.Pointer, " ", f.Message))
		}
		if strings.Join(got, "\n") != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.options, strings.Join(got, "\n"), c.want)
		}
	}
}
