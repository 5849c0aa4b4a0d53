package soak

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/segmentio/kafka-go"

	"github.com/pushcore/pushcore/sdk/client"
	"github.com/pushcore/pushcore/test/brokers"
)

// mail is what came out of a node, whatever the broker.
type mail struct {
	key     string
	headers map[string]string
	body    string
}

// bus is a broker as this test needs it.
type bus interface {
	config() string
	put(headers map[string]string, body string)
	next(output string) mail
}

func TestOutputsOfKafka(t *testing.T) { testOutputs(t, newKafkaBus(t, brokers.SharedKafka(t))) }

func TestOutputsOfRabbitMQ(t *testing.T) { testOutputs(t, newRabbitBus(t, brokers.SharedRabbitMQ(t))) }

// testOutputs pushes what a broker holds to a device, and reads what comes back:
// receipts, an uplink, dead letters of records and of receivers, events and fates.
func testOutputs(t *testing.T, b bus) {
	n := startNode(t, b.config())
	got := make(chan client.Message, 10)
	c, err := client.Dial(t.Context(), client.Config{
		URLs: []string{n.urls["ws"]}, User: "alice", Device: "phone", Headers: []string{"content-type"},
		Handler: func(_ context.Context, m client.Message) error {
			got <- m
			if m.Name == "unwanted" {
				return client.Refuse(fmt.Errorf("not this one"))
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })

	b.put(map[string]string{"push-to": "user:alice,group:none", "push-except": "user:bob", "push-id": "m1", "push-name": "greeting",
		"push-receipt": "final", "content-type": "text/plain"}, "hello")
	if m := <-got; m.ID != "m1" || m.Name != "greeting" || string(m.Payload) != "hello" || len(m.Headers) != 1 {
		t.Errorf("the device got %+v", m)
	}
	var receipt struct{ Event, ID, To, User, Device string }
	r := b.next("receipts")
	if err := json.Unmarshal([]byte(r.body), &receipt); err != nil || receipt.Event != "acked" || receipt.ID != "m1" || receipt.To != "device:alice/phone" {
		t.Errorf("receipt %s (%v)", r.body, err)
	}

	b.put(map[string]string{"push-to": "usr:alice", "x-kept": "yes"}, "lost its way")
	if d := b.next("push.dead"); d.body != "lost its way" || d.headers["push-dead-reason"] != "bad_address" ||
		!strings.Contains(d.headers["push-dead-detail"], "user") || d.headers["x-kept"] != "yes" || d.headers["push-to"] != "usr:alice" {
		t.Errorf("dead letter of a record: %+v", d)
	}
	b.put(map[string]string{"push-to": "user:alice", "push-name": "unwanted", "push-id": "m2"}, "no thanks")
	<-got
	if d := b.next("push.dead"); d.body != "no thanks" || d.headers["push-dead-reason"] != "refused" || d.headers["push-dead-to"] != "device:alice/phone" {
		t.Errorf("dead letter of a receiver: %+v", d)
	}

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := c.SendUplink(ctx, client.Uplink{ID: "up-1", Name: "position", Payload: []byte("52.2"), Headers: []client.Header{{Name: "unit", Value: []byte("deg")}}}); err != nil {
		t.Fatalf("uplink: %v", err)
	}
	if u := b.next("uplink"); u.body != "52.2" || u.headers["push-from"] != "device:alice/phone" || u.headers["push-id"] != "up-1" ||
		u.headers["push-name"] != "position" || u.headers["unit"] != "deg" {
		t.Errorf("uplink: %+v", u)
	}
	checkFates(t, b)
	checkEvents(t, n, b)
}

// checkFates reads how the messages of this test ended.
func checkFates(t *testing.T, b bus) {
	for _, want := range []string{"m1 acked ", "m2 dead refused"} {
		var f struct{ Event, ID, To, Reason string }
		got := b.next("fates")
		if err := json.Unmarshal([]byte(got.body), &f); err != nil || f.ID+" "+f.Event+" "+f.Reason != want || f.To != "device:alice/phone" {
			t.Errorf("fate %s (%v), want %s", got.body, err, want)
		}
	}
}

// checkEvents kicks the device and reads what was told of its session, in order.
func checkEvents(t *testing.T, n *node, b bus) {
	request, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, n.urls["http"]+"/v1/users/alice/sessions", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	for _, want := range []string{"online ", "kicked ", "offline kicked"} {
		var e struct{ Event, User, Device, Reason string }
		for e.User != "alice" { // The start of a node is an event, too.
			if err := json.Unmarshal([]byte(b.next("events").body), &e); err != nil {
				t.Fatal(err)
			}
		}
		if got := e.Event + " " + e.Reason; got != want || e.Device != "phone" {
			t.Errorf("event %q of device %s, want %q", got, e.Device, want)
		}
	}
}

var outputTopics = []string{"push", "uplink", "receipts", "push.dead", "events", "fates"}

type kafkaBus struct {
	t       *testing.T
	broker  *brokers.KafkaBroker
	writer  *kafka.Writer
	readers map[string]*kafka.Reader
}

func newKafkaBus(t *testing.T, broker *brokers.KafkaBroker) *kafkaBus {
	b := &kafkaBus{t: t, broker: broker, readers: map[string]*kafka.Reader{}}
	for _, topic := range outputTopics {
		b.broker.CreateTopic(topic, 1)
	}
	b.writer = &kafka.Writer{Addr: kafka.TCP(b.broker.Addr()), Topic: "push", BatchTimeout: time.Millisecond, RequiredAcks: kafka.RequireAll}
	t.Cleanup(func() {
		_ = b.writer.Close()
		for _, r := range b.readers {
			_ = r.Close()
		}
	})
	return b
}

func (b *kafkaBus) config() string {
	return fmt.Sprintf(`
http: { listen: 127.0.0.1:0 }
routes: { events: mq, fates: mq }
plugins:
  ws: { config: { listen: 127.0.0.1:0 } }
  mq:
    use: kafka
    config:
      brokers: [%s]
      input: { topics: [push], group: outputs, offset_reset: earliest }
      uplink: { topic: uplink }
      receipt: { topic: receipts }
      events: { topic: events }
      fates: { topic: fates }
      dead_letter: { topic: push.dead }
`, b.broker.Addr())
}

func (b *kafkaBus) put(headers map[string]string, body string) {
	m := kafka.Message{Key: []byte("k"), Value: []byte(body)}
	for name, value := range headers {
		m.Headers = append(m.Headers, kafka.Header{Key: name, Value: []byte(value)})
	}
	if err := b.writer.WriteMessages(b.t.Context(), m); err != nil {
		b.t.Fatal(err)
	}
}

func (b *kafkaBus) next(output string) mail {
	b.t.Helper()
	r := b.readers[output]
	if r == nil {
		r = kafka.NewReader(kafka.ReaderConfig{Brokers: []string{b.broker.Addr()}, Topic: output, MaxWait: 100 * time.Millisecond})
		b.readers[output] = r
	}
	ctx, cancel := context.WithTimeout(b.t.Context(), 30*time.Second)
	defer cancel()
	m, err := r.ReadMessage(ctx)
	if err != nil {
		b.t.Fatalf("nothing in %s: %v", output, err)
	}
	out := mail{key: string(m.Key), headers: map[string]string{}, body: string(m.Value)}
	for _, h := range m.Headers {
		out.headers[h.Key] = string(h.Value)
	}
	return out
}

type rabbitBus struct {
	t      *testing.T
	broker *brokers.RabbitBroker
	ch     *amqp.Channel
	queues map[string]<-chan amqp.Delivery
}

func newRabbitBus(t *testing.T, broker *brokers.RabbitBroker) *rabbitBus {
	b := &rabbitBus{t: t, broker: broker}
	b.connect()
	for _, queue := range outputTopics {
		if _, err := b.ch.QueueDeclare(queue, true, false, false, false, nil); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// connect connects, also again.
func (b *rabbitBus) connect() {
	conn, err := amqp.Dial(b.broker.URL())
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = conn.Close() })
	if b.ch, err = conn.Channel(); err != nil {
		b.t.Fatal(err)
	}
	b.queues = map[string]<-chan amqp.Delivery{}
}

func (b *rabbitBus) config() string {
	return fmt.Sprintf(`
http: { listen: 127.0.0.1:0 }
routes: { events: mq, fates: mq }
plugins:
  ws: { config: { listen: 127.0.0.1:0 } }
  mq:
    use: rabbitmq
    config:
      url: %q
      input: { queues: [push] }
      uplink: { routing_key: uplink }
      receipt: { routing_key: receipts }
      events: { routing_key: events }
      fates: { routing_key: fates }
      dead_letter: { routing_key: push.dead }
`, b.broker.URL())
}

func (b *rabbitBus) put(headers map[string]string, body string) {
	p := amqp.Publishing{Body: []byte(body), Headers: amqp.Table{}, DeliveryMode: amqp.Persistent}
	for name, value := range headers {
		p.Headers[name] = value
	}
	if err := b.ch.PublishWithContext(b.t.Context(), "", "push", false, false, p); err != nil {
		b.t.Fatal(err)
	}
}

func (b *rabbitBus) next(output string) mail {
	b.t.Helper()
	if b.queues[output] == nil {
		deliveries, err := b.ch.Consume(output, "", true, false, false, false, nil)
		if err != nil {
			b.t.Fatal(err)
		}
		b.queues[output] = deliveries
	}
	select {
	case d := <-b.queues[output]:
		out := mail{headers: map[string]string{}, body: string(d.Body)}
		for name, value := range d.Headers {
			switch value := value.(type) {
			case []byte:
				out.headers[name] = string(value)
			default:
				out.headers[name] = fmt.Sprint(value)
			}
		}
		return out
	case <-time.After(30 * time.Second):
		b.t.Fatalf("nothing in %s", output)
		return mail{}
	}
}
