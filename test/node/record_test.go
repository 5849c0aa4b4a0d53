package node

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

func TestRecordIsSettledWhenItsReceiversHaveAcked(t *testing.T) {
	n := start(t, withBroker)
	alice, bob := n.user("alice", ""), n.user("bob", "")
	n.broker.deliver(t, 10, "to both", "push-to", "user:alice,user:bob")
	alice.gets("to both")
	got := bob.sees("to both")
	n.fated("1", "reliable", "acked", "")
	n.broker.unsettled(t)
	bob.send(&wire.Ack{Seq: got[0].Seq})
	n.broker.settles(t, sdk.Done, 10)
}

func TestAbsentUserDoesNotHoldTheOthersBack(t *testing.T) {
	n := start(t, withBroker+"store: { kind: memory, memory_wait: 1s }\n")
	d := n.user("alice", "")
	n.broker.deliver(t, 1, "to nobody", "push-to", "user:ghost")
	n.broker.deliver(t, 2, "to alice", "push-to", "user:alice")
	d.gets("to alice")
	n.fated("1", "reliable", "dropped", "memory_wait")
	n.broker.settles(t, sdk.Done, 1, 2)
}

func TestRedeliveredRecordIsDeliveredOnce(t *testing.T) {
	n := start(t, withBroker)
	d := n.user("alice", "")
	n.broker.deliver(t, 1, "once", "push-to", "user:alice", "push-id", "a")
	got := d.sees("once")
	n.broker.deliver(t, 2, "once", "push-to", "user:alice", "push-id", "a")
	d.send(&wire.Ack{Seq: got[0].Seq})
	n.broker.settles(t, sdk.Done, 1, 2)
	n.broker.deliver(t, 3, "once", "push-to", "user:alice", "push-id", "a") // Settled before.
	n.broker.settles(t, sdk.Done, 3)
	n.broker.deliver(t, 4, "after", "push-to", "user:alice")
	d.gets("after")
	n.broker.settles(t, sdk.Done, 4)
}

func TestBadRecordGoesToTheDeadLetters(t *testing.T) {
	n := start(t, withBroker)
	n.broker.deliver(t, 5, "body", "push-to", "usr:alice", "traceparent", "kept")
	letter := n.broker.published(t, sdk.OutputDeadLetter)
	n.broker.settles(t, sdk.Done, 5)
	if string(letter.Body) != "body" || string(letter.Key) != "key" || header(letter, "traceparent") != "kept" || header(letter, "push-to") != "usr:alice" {
		t.Errorf("the record is not as it was: %+v", letter)
	}
	if header(letter, "push-dead-reason") != "bad_address" || header(letter, "push-dead-source") != "mq/push/3/5" || header(letter, "push-dead-detail") == "" {
		t.Errorf("the letter does not say what was wrong: %q", letter.Headers)
	}
	n.fated("1", "", "dead", "bad_address")
}

func TestReceiptTellsTheFateOfEachReceiver(t *testing.T) {
	n := start(t, withBroker)
	d := n.user("alice", "phone")
	n.broker.deliver(t, 8, "with receipt", "push-to", "user:alice", "push-receipt", "final", "push-id", "m-1")
	d.gets("with receipt")
	r := n.broker.published(t, sdk.OutputReceipt)
	var body struct {
		Event, ID, To, User, Device string
		Attempts                    int
		AcceptedAt                  time.Time `json:"accepted_at"`
		Source                      struct {
			Plugin, Topic     string
			Partition, Offset int
		}
	}
	if err := json.Unmarshal(r.Body, &body); err != nil {
		t.Fatal(err)
	}
	if body.Event != "acked" || body.ID != "m-1" || body.To != "device:alice/phone" || body.User != "alice" || body.Attempts != 1 ||
		body.AcceptedAt.IsZero() || body.Source.Plugin != "mq" || body.Source.Topic != "push" || body.Source.Partition != 3 || body.Source.Offset != 8 {
		t.Errorf("receipt %s", r.Body)
	}
	if string(r.Key) != "alice" {
		t.Errorf("key %q", r.Key)
	}
	n.broker.settles(t, sdk.Done, 8)
}

func TestRecordsOfTheBackendControlGroups(t *testing.T) {
	n := start(t, withBroker)
	n.broker.deliver(t, 1, "", "push-op", "join", "push-group", "staff", "push-to", "user:alice,user:bob")
	n.broker.deliver(t, 2, "to staff", "push-to", "group:staff", "push-except", "user:bob")
	d := n.user("alice", "")
	d.gets("to staff")
	n.broker.settles(t, sdk.Done, 1, 2)
	n.broker.deliver(t, 3, "", "push-op", "kick", "push-to", "user:alice")
	d.closed(wire.CodeKicked)
	n.broker.settles(t, sdk.Done, 3)
}

func TestUplinkIsAnsweredWhenTheBrokerHasIt(t *testing.T) {
	n := start(t, withBroker+"routes: { uplink: mq }\n")
	d := n.connect(wire.Connect{User: "alice", Device: "phone", Platform: "ios"})
	d.send(&wire.Send{ID: []byte("u-1"), Name: []byte("position"), Payload: []byte("52.2")})
	if s := expect[wire.Sent](d); s.ID != "u-1" || s.Code != 0 {
		t.Errorf("answer %+v", s)
	}
	r := n.broker.published(t, sdk.OutputUplink)
	if string(r.Key) != "alice" || string(r.Body) != "52.2" || header(r, "push-from") != "device:alice/phone" || header(r, "push-id") != "u-1" ||
		header(r, "push-name") != "position" || header(r, "push-platform") != "ios" || header(r, "push-session") == "" || header(r, "push-at") == "" {
		t.Errorf("uplink %+v", r)
	}
	n.broker.set(func(b *broker) { b.away = true })
	d.send(&wire.Send{ID: []byte("u-2"), Payload: []byte("x")})
	if s := expect[wire.Sent](d); s.ID != "u-2" || s.Code != wire.CodeUnavailable || !s.Retryable {
		t.Errorf("answer while the broker is away: %+v", s)
	}
}

func TestUplinkWithoutARouteIsRefusedForGood(t *testing.T) {
	n := start(t, listeners)
	d := n.user("alice", "")
	d.send(&wire.Send{ID: []byte("u-1"), Payload: []byte("x")})
	if s := expect[wire.Sent](d); s.Code != wire.CodeNoRoute || s.Retryable {
		t.Errorf("answer %+v", s)
	}
}

func TestMetricsOfABroker(t *testing.T) {
	n := start(t, withBroker)
	d := n.user("alice", "")
	n.broker.deliver(t, 1, "open", "push-to", "user:alice")
	d.sees("open")
	n.broker.host.Lag(source, 42)
	for name, want := range map[string]string{
		`pushcore_ingress_open_records{plugin="mq"}`:                           "1",
		`pushcore_ingress_lag_records{partition="3",plugin="mq",topic="push"}`: "42",
		`pushcore_plugin_up{plugin="mq"}`:                                      "1",
		`pushcore_plugin_up{plugin="ws"}`:                                      "1",
		`pushcore_attempts_total`:                                              "1",
	} {
		if got := n.metric(name); got != want {
			t.Errorf("%s is %q, want %s", name, got, want)
		}
	}
	n.broker.host.Status(false, "gone")
	if got := n.metric(`pushcore_plugin_up{plugin="mq"}`); got != "0" {
		t.Errorf("plugin_up is %q while the broker is away", got)
	}
	if status, _ := n.call(http.MethodGet, "/readyz", ""); status != http.StatusOK {
		t.Errorf("a node whose broker is away still serves its devices: readyz says %d", status)
	}
}

func TestUplinksBeyondTheQueueAreRefusedAsRetryable(t *testing.T) {
	const queue, sent = 4, 10
	n := start(t, withBroker+fmt.Sprintf("routes: { uplink: mq }\nlimits: { uplink: { queue: { messages: %d } } }\n", queue))
	d := n.user("alice", "")
	n.broker.set(func(b *broker) { b.holds = true })
	for i := range sent {
		d.send(&wire.Send{ID: fmt.Appendf(nil, "u-%d", i), Payload: []byte("x")})
	}
	for range sent - queue {
		if s := expect[wire.Sent](d); s.Code == 0 || !s.Retryable {
			t.Errorf("answer while nothing is taken: %+v", s)
		}
	}
	n.broker.set(func(b *broker) { b.holds = false })
	taken := 0
	for range queue {
		if s := expect[wire.Sent](d); s.Code == 0 {
			taken++
		} else if !s.Retryable {
			t.Errorf("answer %+v", s)
		}
	}
	if taken == 0 {
		t.Error("the queue took nothing")
	}
}

func TestReceiptsAndLettersAreOwedUntilTheBrokerHasThem(t *testing.T) {
	n := start(t, withBroker+"store: { kind: memory }\n")
	outputs := oweWhileAway(t, n, n.broker.unsettled)
	if outputs[sdk.OutputReceipt] != 1 || outputs[sdk.OutputDeadLetter] != 2 {
		t.Errorf("published were %v", outputs)
	}
	n.broker.settles(t, sdk.Done, 1, 2, 3)
}

// On disk the store keeps what the broker does not take, and records wait no longer;
// what no message was made of waits with its record.
func TestReceiptsAndLettersAreKeptByTheStoreOnDisk(t *testing.T) {
	n := start(t, withBroker)
	outputs := oweWhileAway(t, n, func(t *testing.T) {
		n.broker.settles(t, sdk.Done, 1, 2)
		n.broker.unsettled(t)
	})
	if outputs[sdk.OutputReceipt] != 1 || outputs[sdk.OutputDeadLetter] != 2 {
		t.Errorf("published were %v", outputs)
	}
	n.broker.settles(t, sdk.Done, 3)
}

// oweWhileAway has a receipt and two dead letters made while the broker takes
// nothing, and counts what it takes when it is back.
func oweWhileAway(t *testing.T, n *node, away func(*testing.T)) map[sdk.Output]int {
	t.Helper()
	d := n.user("alice", "")
	n.broker.deliver(t, 1, "with receipt", "push-to", "user:alice", "push-receipt", "final")
	n.broker.deliver(t, 2, "refused", "push-to", "user:alice")
	got := d.sees("with receipt", "refused")
	n.broker.set(func(b *broker) { b.away = true })
	d.send(&wire.Ack{Seq: got[0].Seq})
	d.send(&wire.Nack{Seq: got[1].Seq, Final: true})
	n.fated("1", "reliable", "dead", "refused")
	n.broker.deliver(t, 3, "bad", "push-to", "usr:alice")
	n.fated("1", "", "dead", "bad_address")
	away(t)
	n.broker.set(func(b *broker) { b.away = false })
	outputs := map[sdk.Output]int{}
	for range 3 {
		select {
		case r := <-n.broker.taken:
			outputs[r.Output]++
		case <-time.After(patience):
			t.Fatalf("only %v were published again", outputs)
		}
	}
	return outputs
}
