package brokers

import (
	"crypto/tls"
	"net"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

func TestRabbitMQKeepsConfirmedMessagesWhenKilled(t *testing.T) {
	t.Parallel()
	b := RabbitMQ(t)
	before := b.PID()
	channel := open(t, b.URL(), nil)
	for _, name := range []string{"classic", "quorum"} {
		declare(t, channel, name)
		publish(t, channel, name, "kept")
	}
	b.WaitQuorumQueue("quorum")

	b.Kill()
	if conn, err := net.Dial("tcp", b.Addr()); err == nil {
		conn.Close()
		t.Error("the killed broker still takes connections")
	}
	b.Start()

	if b.PID() == before {
		t.Error("Start did not start a new process")
	}
	channel = open(t, b.URL(), nil)
	for _, name := range []string{"classic", "quorum"} {
		if got := consume(t, channel, name); got != "kept" {
			t.Errorf("%s: got %q, want %q", name, got, "kept")
		}
	}
}

func TestRabbitMQStopsAndStartsOnTheSamePort(t *testing.T) {
	t.Parallel()
	b := RabbitMQ(t)
	b.Stop()
	b.Start()
	channel := open(t, b.URL(), nil)
	declare(t, channel, "classic")
	publish(t, channel, "classic", "after")
	if got := consume(t, channel, "classic"); got != "after" {
		t.Errorf("got %q", got)
	}
}

func TestPausedRabbitMQConfirmsNothingUntilItContinues(t *testing.T) {
	t.Parallel()
	b := RabbitMQ(t)
	channel := open(t, b.URL(), nil)
	declare(t, channel, "classic")

	b.Pause()
	confirm, err := channel.PublishWithDeferredConfirm("", "classic", false, false, amqp.Publishing{Body: []byte("x")})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-confirm.Done():
		t.Error("the paused broker confirmed")
	case <-time.After(200 * time.Millisecond):
	}
	b.Continue()
	if acked, err := confirm.WaitContext(testContext(t)); !acked || err != nil {
		t.Errorf("after Continue: acked %v, %v", acked, err)
	}
	b.WaitReady()
}

func TestRabbitMQSecureListener(t *testing.T) {
	t.Parallel()
	b := RabbitMQ(t, Secure(), Setting("channel_max", "7"))
	channel := open(t, b.SecureURL(), &tls.Config{RootCAs: trust(t, b.CAFile())})
	declare(t, channel, "classic")
	publish(t, channel, "classic", "secret")
	if got := consume(t, channel, "classic"); got != "secret" {
		t.Errorf("got %q", got)
	}
}

// open returns a channel with publisher confirms; its connection ends with the test.
func open(t *testing.T, url string, config *tls.Config) *amqp.Channel {
	t.Helper()
	conn, err := amqp.DialConfig(url, amqp.Config{TLSClientConfig: config})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	channel, err := conn.Channel()
	if err == nil {
		err = channel.Confirm(false)
	}
	if err != nil {
		t.Fatal(err)
	}
	return channel
}

// declare makes a durable queue of the type that name says.
func declare(t *testing.T, channel *amqp.Channel, name string) {
	t.Helper()
	if _, err := channel.QueueDeclare(name, true, false, false, false, amqp.Table{"x-queue-type": name}); err != nil {
		t.Fatal(err)
	}
}

func publish(t *testing.T, channel *amqp.Channel, queue, body string) {
	t.Helper()
	message := amqp.Publishing{DeliveryMode: amqp.Persistent, Body: []byte(body)}
	confirm, err := channel.PublishWithDeferredConfirm("", queue, true, false, message)
	if err != nil {
		t.Fatal(err)
	}
	if acked, err := confirm.WaitContext(testContext(t)); !acked || err != nil {
		t.Fatalf("publish to %s: acked %v, %v", queue, acked, err)
	}
}

func consume(t *testing.T, channel *amqp.Channel, queue string) string {
	t.Helper()
	deliveries, err := channel.ConsumeWithContext(testContext(t), queue, "", true, false, false, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case d := <-deliveries:
		return string(d.Body)
	case <-testContext(t).Done():
		t.Fatalf("nothing came from %s", queue)
		return ""
	}
}
