package chaos

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/pushcore/pushcore/test/chaos/check"
)

// rabbitSource publishes to a queue with one active consumer, persistently and with confirms.
type rabbitSource struct {
	url   string
	queue string

	mu   sync.Mutex // guards the rest
	conn *amqp.Connection
	ch   *amqp.Channel
}

func newRabbitSource(r *rig, url string) *rabbitSource {
	s := &rabbitSource{url: url, queue: fmt.Sprintf("push-%d", time.Now().UnixNano())}
	ch, err := s.channel()
	if err == nil {
		_, err = ch.QueueDeclare(s.queue, true, false, false, false, amqp.Table{"x-single-active-consumer": true})
	}
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		_ = s.conn.Close()
	})
	return s
}

func (s *rabbitSource) name() string { return "rabbitmq" }

func (s *rabbitSource) plugin() string {
	return fmt.Sprintf("  jobs: { use: rabbitmq, config: { url: %q, input: { queues: [%q], prefetch: 1000 } } }\n", s.url, s.queue)
}

// channel is the open one, or a new one.
func (s *rabbitSource) channel() (*amqp.Channel, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch != nil && !s.ch.IsClosed() {
		return s.ch, nil
	}
	if s.conn != nil {
		_ = s.conn.Close()
	}
	var err error
	if s.conn, err = amqp.DialConfig(s.url, amqp.Config{Heartbeat: time.Second, Dial: amqp.DefaultDial(2 * time.Second)}); err != nil {
		return nil, err
	}
	if s.ch, err = s.conn.Channel(); err == nil {
		err = s.ch.Confirm(false)
	}
	return s.ch, err
}

var errNotConfirmed = errors.New("not confirmed")

func (s *rabbitSource) put(ctx context.Context, m check.Message, id, body string) (string, error) {
	ch, err := s.channel()
	if err != nil {
		return "", err
	}
	confirm, err := ch.PublishWithDeferredConfirm("", s.queue, false, false, amqp.Publishing{
		DeliveryMode: amqp.Persistent, Body: []byte(body), Headers: amqp.Table{"push-to": "user:" + m.User, "push-id": id},
	})
	if err != nil {
		return "", err
	}
	ok, err := confirm.WaitContext(ctx)
	if err == nil && !ok {
		err = errNotConfirmed
	}
	return "confirmed", err
}

// settled says whether the queue has nothing to hand to a consumer. What a node has taken and not settled comes back
// when its connection is gone.
func (s *rabbitSource) settled(int) bool {
	ch, err := s.channel()
	if err != nil {
		return false
	}
	q, err := ch.QueueDeclarePassive(s.queue, true, false, false, false, nil)
	return err == nil && q.Messages == 0 && q.Consumers == 0
}
