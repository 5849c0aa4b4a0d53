package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/pushcore/pushcore/plugins/mq/internal/pace"
)

// supervise keeps a connection open and serves it, until ctx ends.
func (b *broker) supervise(ctx context.Context, part string, serve func(context.Context, *amqp.Connection) error) {
	backoff := pace.Backoff{Least: 100 * time.Millisecond, Most: 10 * time.Second}
	for ctx.Err() == nil {
		conn, err := b.connect(ctx)
		if err == nil {
			b.report(part, "")
			begun := time.Now()
			err = b.served(ctx, conn, serve)
			if time.Since(begun) > backoff.Most {
				backoff.Reset()
			}
		}
		if ctx.Err() != nil {
			return
		}
		b.report(part, fmt.Sprintf("%s: %v", part, err))
		_ = backoff.Wait(ctx)
	}
}

// served serves one connection to its end and says why it ended.
func (b *broker) served(ctx context.Context, conn *amqp.Connection, serve func(context.Context, *amqp.Connection) error) error {
	closed := conn.NotifyClose(make(chan *amqp.Error, 1))
	lost := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var watching sync.WaitGroup
	watching.Go(func() {
		if err := <-closed; err != nil {
			lost <- err
		}
		cancel()
	})
	err := serve(ctx, conn)
	_ = conn.CloseDeadline(time.Now().Add(closeTimeout))
	watching.Wait()
	select {
	case cause := <-lost:
		return cause
	default:
	}
	if err == nil {
		err = errors.New("the connection ended")
	}
	return err
}

// consume reads all queues over one connection.
func (r *RabbitMQ) consume(ctx context.Context, conn *amqp.Connection) error {
	var reading sync.WaitGroup
	for _, q := range r.queues {
		reading.Go(func() { q.run(ctx, conn) })
	}
	reading.Wait()
	return nil
}

// probe looks at the broker once before anything is started: refused credentials,
// missing outputs.
func (b *broker) probe(o *Options) error {
	conn, err := b.connect(context.Background())
	if err != nil {
		return err
	}
	defer func() { _ = conn.CloseDeadline(time.Now().Add(closeTimeout)) }()
	for _, out := range o.outputs() {
		if err := checkOutput(conn, out.Output); err != nil {
			return fmt.Errorf("%s: %w", out.name, err)
		}
	}
	return nil
}

// checkOutput looks whether an output is there. A broker closes the channel of a
// question that it answers with no.
func checkOutput(conn *amqp.Connection, out *Output) error {
	ch, err := conn.Channel()
	if err != nil {
		return err
	}
	defer ch.Close()
	what := "exchange " + out.Exchange
	if out.Exchange == "" {
		what = "queue " + out.RoutingKey
		_, err = ch.QueueDeclarePassive(out.RoutingKey, true, false, false, false, nil)
	} else {
		err = ch.ExchangeDeclarePassive(out.Exchange, "direct", true, false, false, false, nil)
	}
	if isCode(err, amqp.NotFound) {
		return &refusal{text: what + " does not exist"}
	}
	return err
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
