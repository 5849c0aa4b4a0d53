package soak

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/pushcore/pushcore/test/brokers"
)

const rabbitConfig = `
http: { listen: 127.0.0.1:0 }
store: { kind: memory, memory_wait: 10s }
sessions: { resume_window: 20s }
plugins:
  tcp: { config: { listen: 127.0.0.1:0 } }
  ws:  { config: { listen: 127.0.0.1:0 } }
  jobs:
    use: rabbitmq
    config:
      url: %q
      input: { queues: [push], prefetch: 1000 }
`

// TestRabbitMQNothingLostWhenBrokerAndNodeAreKilled pushes records with ids while
// clients drop and resume; the broker is killed and started again in the middle,
// then the node.
func TestRabbitMQNothingLostWhenBrokerAndNodeAreKilled(t *testing.T) {
	broker := brokers.RabbitMQ(t)
	declareQueue(t, broker)
	size := runSizes()
	if !testing.Short() {
		size.each /= 5 // Persistent messages, each confirmed by the disk.
	}
	n := startNode(t, fmt.Sprintf(rabbitConfig, broker.URL()))
	tcp, ws := newProxy(t, n.address("tcp")), newProxy(t, n.address("ws"))
	f := newFleet(t, size.users, size.each, "tcp://"+tcp.listener.Addr().String(), "ws://"+ws.listener.Addr().String()+"/connect")
	waitFor(t, "all devices", 60*time.Second, func() bool { return f.connected() == size.users })

	total := int64(size.users * size.each)
	cuts := cutAtRandom(t, tcp, ws)
	p := publishAll(t, broker.URL(), size)
	wait := func(what string, share int64) {
		waitFor(t, what, 3*time.Minute, func() bool { return f.handled.Load() >= total*share/100 })
	}
	wait("a fifth", 20)
	broker.Kill()
	broker.Start()
	wait("work to go on after the broker's restart", 50)
	n.kill()
	n.start()
	tcp.point(n.address("tcp"))
	ws.point(n.address("ws"))
	wait("80 %", 80)
	connectionsCut := cuts()
	wait("everything", 100)
	p.Wait()
	waitFor(t, "the queue to be settled", time.Minute, func() bool { return queueLength(broker.URL()) == 0 })
	f.check()
	t.Logf("%d messages to %d users: %d connections cut, %d resumed, %d repeats dropped by id", total, size.users, connectionsCut, f.resumed(), f.repeats())
}

func declareQueue(t *testing.T, broker *brokers.RabbitBroker) {
	t.Helper()
	conn, err := amqp.Dial(broker.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err == nil {
		_, err = ch.QueueDeclare("push", true, false, false, false, amqp.Table{"x-single-active-consumer": true})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// queueLength counts what the queue holds, delivered and not settled included: a
// purge counts only what is ready, so a connection of its own is enough once the
// node has acked everything.
func queueLength(url string) int {
	conn, err := amqp.Dial(url)
	if err != nil {
		return -1
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil {
		return -1
	}
	q, err := ch.QueueDeclarePassive("push", true, false, false, false, nil)
	if err != nil {
		return -1
	}
	return q.Messages
}

// publishAll publishes every user's records in order, from a goroutine of its own.
func publishAll(t *testing.T, url string, size sizes) *sync.WaitGroup {
	var wait sync.WaitGroup
	wait.Go(func() {
		p := &publisher{url: url}
		defer p.close()
		for number := range size.each {
			for user := 0; user < size.users; {
				err := p.publish(user, number)
				if err == nil {
					user++
				} else if p.failures++; p.failures > 600 {
					t.Errorf("publish: %v", err)
					return
				}
			}
			p.confirmAll(size.users, number)
		}
	})
	t.Cleanup(wait.Wait)
	return &wait
}

// publisher publishes with confirms; what was not confirmed before the broker went
// is published again under the same id.
type publisher struct {
	url      string
	conn     *amqp.Connection
	ch       *amqp.Channel
	open     map[int]*amqp.DeferredConfirmation // by user, of the round at hand
	failures int
}

func (p *publisher) connect() error {
	if p.ch != nil && !p.ch.IsClosed() {
		return nil
	}
	p.close()
	var err error
	if p.conn, err = amqp.DialConfig(p.url, amqp.Config{Heartbeat: time.Second, Dial: amqp.DefaultDial(time.Second)}); err == nil {
		p.ch, err = p.conn.Channel()
	}
	if err == nil {
		err = p.ch.Confirm(false)
	}
	if err != nil {
		<-time.After(100 * time.Millisecond) // The broker is away; there is nothing to wait for but its return.
	}
	return err
}

func (p *publisher) publish(user, number int) error {
	if err := p.connect(); err != nil {
		return err
	}
	c, err := p.ch.PublishWithDeferredConfirm("", "push", false, false, amqp.Publishing{
		DeliveryMode: amqp.Persistent, Body: []byte(payload(userName(user), number)),
		Headers: amqp.Table{"push-to": "user:" + userName(user), "push-id": messageID(userName(user), number)},
	})
	if err != nil {
		return err
	}
	if p.open == nil {
		p.open = map[int]*amqp.DeferredConfirmation{}
	}
	p.open[user] = c
	return nil
}

// confirmAll waits until a round is confirmed, and publishes again what was not.
func (p *publisher) confirmAll(users, number int) {
	for len(p.open) > 0 && p.failures <= 600 {
		for user, c := range p.open {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			ok, err := c.WaitContext(ctx)
			cancel()
			delete(p.open, user)
			if !ok || err != nil {
				p.failures++
				for p.publish(user, number) != nil && p.failures <= 600 {
					p.failures++
				}
			}
		}
	}
}

func (p *publisher) close() {
	if p.conn != nil {
		_ = p.conn.Close()
	}
	p.conn, p.ch = nil, nil
}
