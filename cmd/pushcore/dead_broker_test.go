package main

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/segmentio/kafka-go"

	"github.com/pushcore/pushcore/sdk/client"
	"github.com/pushcore/pushcore/test/brokers"
)

// deadBroker is a real broker with the inputs `push` (raw) and `lines` (json), and
// one place for the dead letters of both.
type deadBroker interface {
	// config is a node's, with the instances orders and lines.
	config() string
	// put writes a record to an input; header names and values take turns.
	put(t *testing.T, input, body string, headers ...string)
}

func deadBrokers() map[string]func(t *testing.T) deadBroker {
	return map[string]func(t *testing.T) deadBroker{
		"kafka":    func(t *testing.T) deadBroker { return newDeadKafka(t) },
		"rabbitmq": func(t *testing.T) deadBroker { return newDeadRabbit(t) },
	}
}

const deadNode = `
http: { listen: 127.0.0.1:0 }
plugins:
  tcp: { config: { listen: 127.0.0.1:0 } }
`

type deadKafka struct{ broker *brokers.KafkaBroker }

func newDeadKafka(t *testing.T) *deadKafka {
	b := &deadKafka{brokers.Kafka(t)}
	b.broker.CreateTopic("push", 2)
	b.broker.CreateTopic("lines", 2)
	b.broker.CreateTopic("graves", 3)
	return b
}

func (b *deadKafka) config() string {
	const instance = "  %s: { use: kafka, config: { brokers: [ %q ], input: { topics: [ %s ], group: g-%s, offset_reset: earliest, format: %s }, dead_letter: { topic: graves } } }\n"
	return deadNode + fmt.Sprintf(instance, "orders", b.broker.Addr(), "push", "push", "raw") + fmt.Sprintf(instance, "lines", b.broker.Addr(), "lines", "lines", "json")
}

func (b *deadKafka) put(t *testing.T, input, body string, headers ...string) {
	t.Helper()
	w := &kafka.Writer{Addr: kafka.TCP(b.broker.Addr()), Topic: input, BatchSize: 1, RequiredAcks: kafka.RequireAll, Balancer: &kafka.Hash{}}
	defer w.Close()
	m := kafka.Message{Key: []byte("some key"), Value: []byte(body)}
	for i := 0; i < len(headers); i += 2 {
		m.Headers = append(m.Headers, kafka.Header{Key: headers[i], Value: []byte(headers[i+1])})
	}
	if err := w.WriteMessages(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

type deadRabbit struct{ broker *brokers.RabbitBroker }

func newDeadRabbit(t *testing.T) *deadRabbit {
	b := &deadRabbit{brokers.RabbitMQ(t)}
	b.with(t, func(ch *amqp.Channel) error {
		var errs []error
		for _, queue := range []string{"push", "lines", "graves"} {
			_, err := ch.QueueDeclare(queue, true, false, false, false, nil)
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	})
	return b
}

func (b *deadRabbit) config() string {
	const instance = "  %s: { use: rabbitmq, config: { url: %q, input: { queues: [ %s ], format: %s }, dead_letter: { routing_key: graves } } }\n"
	return deadNode + fmt.Sprintf(instance, "orders", b.broker.URL(), "push", "raw") + fmt.Sprintf(instance, "lines", b.broker.URL(), "lines", "json")
}

func (b *deadRabbit) with(t *testing.T, do func(ch *amqp.Channel) error) {
	t.Helper()
	conn, err := amqp.Dial(b.broker.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err == nil {
		err = do(ch)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (b *deadRabbit) put(t *testing.T, input, body string, headers ...string) {
	t.Helper()
	m := amqp.Publishing{DeliveryMode: amqp.Persistent, Body: []byte(body), Headers: amqp.Table{}}
	for i := 0; i < len(headers); i += 2 {
		m.Headers[headers[i]] = headers[i+1]
	}
	b.with(t, func(ch *amqp.Channel) error {
		if err := ch.Confirm(false); err != nil {
			return err
		}
		c, err := ch.PublishWithDeferredConfirm("", input, true, false, m)
		if err != nil {
			return err
		}
		_, err = c.WaitContext(t.Context())
		return err
	})
}

// graveDevice is a device that refuses what says so, until it is told otherwise.
type graveDevice struct {
	got    chan client.Message
	accept chan struct{} // closed: refuses nothing any more
}

// connectGraveDevice connects a user's device.
func connectGraveDevice(t *testing.T, url, user string) *graveDevice {
	t.Helper()
	d := &graveDevice{got: make(chan client.Message, 1000), accept: make(chan struct{})}
	c, err := client.New(client.Config{
		URLs: []string{url}, User: user, Device: "d", AckDelay: time.Millisecond,
		Handler: func(_ context.Context, m client.Message) error {
			select {
			case <-d.accept:
			default:
				if m.Name == "refuse" && user == "alice" {
					return client.Refuse(errors.New("not this one"))
				}
			}
			d.got <- m
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = c.Close(ctx)
	})
	return d
}

// next is the next message that the device takes.
func (d *graveDevice) next(t *testing.T) client.Message {
	t.Helper()
	select {
	case m := <-d.got:
		return m
	case <-time.After(30 * time.Second):
		t.Fatal("no message came")
		return client.Message{}
	}
}
