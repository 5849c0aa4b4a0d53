package config

import (
	"strings"
	"time"

	"github.com/pushcore/pushcore/core/config/scalar"
)

// Delivery is the section `delivery`.
type Delivery struct {
	// How long a reliable message is worth delivering, from the broker's
	// timestamp or from its arrival; a record's push-ttl wins. Then it ends as
	// expired.
	TTL Duration `key:"ttl" min:"1s" max:"3650d"`
	// How long a message waits for its ack before it is stored. Shorter costs
	// writes, longer keeps broker records open.
	StoreAfter Duration `key:"store_after" min:"1ms" max:"1h"`
	// The same for messages pushed by HTTP, whose caller waits for it.
	StoreAfterHTTP Duration `key:"store_after_http" min:"1ms" max:"10s"`
	// How long the id of a settled record is remembered, so that its repeat is
	// not delivered again.
	DedupeWindow Duration `key:"dedupe_window" min:"0" max:"30d"`
	// The ids that are remembered of one plugin instance, about 80 bytes each.
	// Beyond it the oldest is forgotten before its time, and its repeat is
	// delivered again, under the same id.
	DedupeMax int `key:"dedupe_max" min:"1" max:"1000000000"`
	// When a broker record is settled: safe waits until each of its messages
	// has ended or is stored; memory settles it on acceptance, which is faster
	// and loses messages when the node dies.
	Settle string `key:"settle" oneof:"safe memory"`
	// The waits before a message without an ack is sent again. After the last
	// the connection is closed and the message waits for the next one.
	Retry []Duration `key:"retry" min:"10ms" max:"10m"`
	// By how many percent a wait is made shorter or longer at random, so that
	// devices do not move in step.
	RetryJitter int `key:"retry_jitter" min:"0" max:"50"`
	// The sends of one message to one receiver, over all its sessions, after
	// which it ends as dead(no_ack).
	AttemptsTotal int `key:"attempts_total" min:"1" max:"255"`
	// What waits for one user at most. Beyond it his oldest message ends as
	// dead(mailbox_full).
	Mailbox Bound `key:"mailbox"`
	// What happens to fast messages that a slow device does not take:
	// drop_oldest drops those that wait longest, newest keeps only the newest
	// of each push-collapse key (messages without a key count as one key),
	// close closes the connection.
	SlowFast string `key:"slow_fast" oneof:"drop_oldest newest close"`
	// The headers of a record that go to devices that ask for them. All others
	// stay here.
	ForwardHeaders []string `key:"forward_headers"`
}

func (d *Delivery) setDefaults() {
	d.TTL = days(7)
	d.StoreAfter = Duration(2 * time.Second)
	d.StoreAfterHTTP = Duration(50 * time.Millisecond)
	d.DedupeWindow = Duration(24 * time.Hour)
	d.DedupeMax = 1_000_000
	d.Settle = "safe"
	for _, seconds := range []time.Duration{1, 2, 4, 8, 16} {
		d.Retry = append(d.Retry, Duration(seconds*time.Second))
	}
	d.RetryJitter = 10
	d.AttemptsTotal = 30
	d.Mailbox = Bound{Messages: 10000, Bytes: 16 << 20}
	d.SlowFast = "drop_oldest"
	d.ForwardHeaders = []string{"content-type", "traceparent"}
}

func (d *Delivery) validate(at place) {
	if count := len(d.Retry); count < 1 || count > retriesMax {
		at.key("retry").fail("has %d waits: 1 to %d, such as [1s, 2s]", count, retriesMax)
	}
	for i, name := range d.ForwardHeaders {
		switch lower := strings.ToLower(name); {
		case name == "":
			at.key("forward_headers").item(i).fail("empty: the name of a header")
		case strings.HasPrefix(lower, "push-"):
			at.key("forward_headers").item(i).fail("%s is for the node and never forwarded", name)
		}
	}
}

// retriesMax bounds the waits before resends, as a window counts them in a byte.
const retriesMax = 250

func days(n int) Duration { return Duration(n) * Duration(scalar.Day) }
