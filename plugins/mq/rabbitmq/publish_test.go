package rabbitmq

import (
	"fmt"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/test/brokers"
)

// records are n uplinks with IDs from first on.
func records(first uint64, n int) []sdk.Outgoing {
	var all []sdk.Outgoing
	for i := range n {
		id := first + uint64(i)
		all = append(all, sdk.Outgoing{
			ID: id, Output: sdk.OutputUplink, Key: []byte("alice"), Body: fmt.Appendf(nil, "%06d", id),
			Headers: []sdk.Header{
				{Name: "push-id", Value: fmt.Appendf(nil, "u%d", id)}, {Name: "content-type", Value: []byte("text/plain")},
				{Name: "x", Value: []byte("1")}, {Name: "x", Value: []byte("2")},
			},
		})
	}
	return all
}

// drain takes all messages out of a queue.
func drain(t *testing.T, url, queue string) (all []amqp.Delivery) {
	t.Helper()
	with(t, url, func(ch *amqp.Channel) error {
		for {
			d, ok, err := ch.Get(queue, true)
			if err != nil || !ok {
				return err
			}
			all = append(all, d)
		}
	})
	return all
}

func (n *node) checkTaken(t *testing.T, first, last uint64) {
	t.Helper()
	for id := first; id <= last; id++ {
		if r, ok := n.Result(id); !ok || r.Error != "" {
			t.Errorf("publish %d: answered %v, %q", id, ok, r.Error)
		}
	}
}

func TestPublishedRecordsAreWholePersistentAndInOrder(t *testing.T) {
	b := brokers.SharedRabbitMQ(t)
	queue := name(t, "uplink")
	declare(t, b.URL(), queue, nil)
	n := newNode(t, uplinks(b.URL(), queue)).open(t)
	n.publish(records(1, 3000)...) // More than may be under way.
	n.Await("all answers", func() bool { return n.Results() == 3000 })
	n.checkTaken(t, 1, 3000)
	got := drain(t, b.URL(), queue)
	if len(got) != 3000 {
		t.Fatalf("%d records are in the queue", len(got))
	}
	for i, d := range got {
		if string(d.Body) != fmt.Sprintf("%06d", i+1) {
			t.Fatalf("record %d is %q", i, d.Body)
		}
	}
	d := got[0]
	if d.DeliveryMode != amqp.Persistent || d.MessageId != "u1" || d.ContentType != "text/plain" || fmt.Sprint(d.Headers) != "map[push-id:u1 x:[1 2]]" {
		t.Errorf("the record came as mode %d, id %q, type %q, %v", d.DeliveryMode, d.MessageId, d.ContentType, d.Headers)
	}
}

func TestRecordThatNoQueueTakesIsAnError(t *testing.T) {
	b := brokers.SharedRabbitMQ(t)
	exchange, queue := name(t, "exchange"), name(t, "queue")
	declare(t, b.URL(), queue, nil)
	with(t, b.URL(), func(ch *amqp.Channel) error {
		if err := ch.ExchangeDeclare(exchange, "direct", true, false, false, false, nil); err != nil {
			return err
		}
		return ch.QueueBind(queue, "alice", exchange, false, nil)
	})
	n := newNode(t, fmt.Sprintf(`{"url":%q,"uplink":{"exchange":%q}}`, b.URL(), exchange)).open(t)
	all := records(1, 6)
	all[2].Key, all[4].Key = []byte("bob"), []byte(strings.Repeat("x", 300))
	n.publish(all...)
	n.Await("all answers", func() bool { return n.Results() == 6 })
	for id := range uint64(6) {
		r, _ := n.Result(id + 1)
		if (r.Error != "") != (id == 2 || id == 4) || r.Final != (id == 4) {
			t.Errorf("publish %d: %+v", id+1, r)
		}
	}
	if got := len(drain(t, b.URL(), queue)); got != 4 {
		t.Errorf("%d records are in the queue", got)
	}
}

func TestRecordThatTheBrokerRefusesIsFinalAndStopsNoOther(t *testing.T) {
	b := brokers.RabbitMQ(t, brokers.Setting("max_message_size", "2000"))
	declare(t, b.URL(), "uplink", nil)
	n := newNode(t, uplinks(b.URL(), "uplink")).open(t)
	all := records(1, 40)
	all[7].Body = []byte(strings.Repeat("x", 3000))
	n.publish(all...)
	n.Await("all answers", func() bool { return n.Results() == 40 })
	for id := range uint64(40) {
		r, _ := n.Result(id + 1)
		if large := id == 7; (r.Error != "") != large || r.Final != large {
			t.Errorf("publish %d: %+v", id+1, r)
		}
	}
}

func TestPublishingSurvivesABrokerThatIsAway(t *testing.T) {
	b := brokers.RabbitMQ(t)
	declare(t, b.URL(), "uplink", nil)
	n := newNode(t, uplinks(b.URL(), "uplink")).open(t)
	n.publish(records(1, 10)...)
	n.Await("the first answers", func() bool { return n.Results() == 10 })
	b.Kill()
	n.publish(records(11, 10)...)
	n.Await("a status that says so", func() bool { return !n.Up() })
	b.Start()
	n.Await("all answers", func() bool { return n.Results() == 20 && n.Up() })
	n.checkTaken(t, 1, 20)
	seen := map[string]bool{}
	for _, d := range drain(t, b.URL(), "uplink") {
		seen[string(d.Body)] = true
	}
	if len(seen) != 20 {
		t.Errorf("%d of 20 records are in the queue", len(seen))
	}
}

func TestBlockedPublishersWaitAndSaySo(t *testing.T) {
	b := brokers.RabbitMQ(t, brokers.Setting("vm_memory_high_watermark.absolute", "1KB"))
	declare(t, b.URL(), "uplink", nil)
	n := newNode(t, uplinks(b.URL(), "uplink")).open(t)
	n.Await("the connection", func() bool { return n.Up() || n.Text() != "" })
	n.publish(records(1, 10)...)
	n.Await("a status that says so", func() bool { return !n.Up() && strings.Contains(n.Text(), "blocks publishers") })
	if r, ok := n.Result(1); ok && r.Error == "" {
		t.Errorf("a blocked broker confirmed: %+v", r)
	}
}

func TestMissingOutputIsAnErrorAtStart(t *testing.T) {
	b := brokers.SharedRabbitMQ(t)
	for _, options := range []string{
		fmt.Sprintf(`{"url":%q,"uplink":{"routing_key":"nowhere"}}`, b.URL()),
		fmt.Sprintf(`{"url":%q,"uplink":{"exchange":"nowhere"}}`, b.URL()),
	} {
		n := newNode(t, options)
		if err := n.plugin.Open(n.Host); err == nil || !strings.Contains(err.Error(), "nowhere") {
			t.Errorf("Open of %s: %v", options, err)
			n.plugin.Close(time.Now().Add(time.Second))
		}
	}
}

func TestRefusedCredentialsAreAnErrorAtStart(t *testing.T) {
	b := brokers.SharedRabbitMQ(t)
	uri, err := amqp.ParseURI(b.URL())
	if err != nil {
		t.Fatal(err)
	}
	uri.Password = "guess-me"
	n := newNode(t, input(uri.String(), "", "push"))
	if err := n.plugin.Open(n.Host); err == nil || strings.Contains(err.Error(), "guess-me") {
		t.Errorf("Open with a wrong password: %v", err)
	}
}

func TestBrokerThatIsAwayIsNoErrorAtStart(t *testing.T) {
	n := newNode(t, `{"url":"amqp://u:hidden@127.0.0.1:1/","input":{"queues":["push"]},"uplink":{"routing_key":"uplink"}}`).open(t)
	n.Await("a status that says so", func() bool { return !n.Up() && n.Text() != "" })
	if strings.Contains(n.Text(), "hidden") {
		t.Errorf("the status shows the password: %s", n.Text())
	}
	n.publish(records(1, 1)...)
	n.close()
	if r, ok := n.Result(1); !ok || r.Error == "" || r.Final {
		t.Errorf("the answer at the end is %+v, %v", r, ok)
	}
}

func TestTLSWithAPasswordIsPassedThrough(t *testing.T) {
	b := brokers.RabbitMQ(t, brokers.Secure())
	declare(t, b.URL(), "push", nil)
	send(t, b.URL(), "push", numbered("", 1)...)
	n := newNode(t, fmt.Sprintf(`{"url":%q,"tls":{"ca_file":%q},"input":{"queues":["push"]}}`, b.SecureURL(), b.CAFile())).settling().open(t)
	n.Await("a record", func() bool { return len(n.Taken()) == 1 })

	stranger := newNode(t, input(b.SecureURL(), "", "push"))
	if err := stranger.plugin.Open(stranger.Host); err == nil {
		t.Error("a certificate of nobody known was taken")
		stranger.plugin.Close(time.Now().Add(time.Second))
	}
}
