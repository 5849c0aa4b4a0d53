package rabbitmq

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/pushcore/pushcore/plugins/mq/internal/pace"
	"github.com/pushcore/pushcore/sdk"
)

const (
	missingEvery = 2 * time.Second // how often a missing queue is looked for
	watchEvery   = 5 * time.Second // how often a queue's length and consumers are looked at
)

// queue is one input queue over all connections. run reads it over one.
type queue struct {
	name   string
	in     *Input
	broker *broker
	gate   pace.Gate

	mu     sync.Mutex    // guards active
	active *subscription // nil: none, settlements are ignored

	// Everything following is run's.
	missed bool // the queue was reported as missing
	others bool // another consumer was reported
}

func newQueue(name string, in *Input, b *broker) *queue {
	return &queue{name: name, in: in, broker: b}
}

// settle is called by the host.
func (q *queue) settle(s *sdk.Settlement) {
	q.mu.Lock()
	active := q.active
	q.mu.Unlock()
	if active != nil && active.epoch == s.Epoch {
		kept := *s
		kept.Positions = slices.Clone(s.Positions) // They are the host's again when this returns.
		active.acks.put(kept)
	}
}

// run reads the queue over one connection, with one channel after the other, until
// ctx ends or the connection does.
func (q *queue) run(ctx context.Context, conn *amqp.Connection) {
	backoff := pace.Backoff{Least: 100 * time.Millisecond, Most: 10 * time.Second}
	for ctx.Err() == nil && !conn.IsClosed() {
		err := q.subscribe(ctx, conn)
		if ctx.Err() != nil || conn.IsClosed() {
			return
		}
		if isCode(err, amqp.NotFound) {
			q.missing()
			_ = pace.Sleep(ctx, missingEvery)
			continue
		}
		q.broker.host.Log().Warn("a queue is not read any more; trying again", "queue", q.name, "reason", err)
		_ = backoff.Wait(ctx)
	}
}

func (q *queue) missing() {
	if !q.missed {
		q.missed = true
		q.broker.host.Log().Warn("an input queue does not exist; it is read as soon as it does", "queue", q.name)
	}
	q.broker.note(q.name, "waiting for queue "+q.name)
}

// subscribe reads the queue on one channel to its end, and says why that ended.
func (q *queue) subscribe(ctx context.Context, conn *amqp.Connection) error {
	ch, err := conn.Channel()
	if err != nil {
		return err
	}
	defer ch.Close()
	if err := q.declare(ch); err != nil {
		return err
	}
	if err := ch.Qos(q.in.Prefetch, 0, false); err != nil {
		return err
	}
	s := newSubscription(q, ch)
	deliveries, err := ch.Consume(q.name, "", false, false, false, false, nil)
	if err != nil {
		return err
	}
	q.missed = false
	q.broker.note(q.name, "")
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var watching sync.WaitGroup
	watching.Go(func() { q.watch(ctx, conn) })
	defer watching.Wait()
	defer cancel()
	return s.run(ctx, deliveries)
}

// declare looks whether the queue is there, or declares it if told to: durable,
// replicated where there are several brokers, and read by one consumer at a time.
func (q *queue) declare(ch *amqp.Channel) error {
	if !q.in.Declare {
		_, err := ch.QueueDeclarePassive(q.name, true, false, false, false, nil)
		return err
	}
	_, err := ch.QueueDeclare(q.name, true, false, false, false, amqp.Table{
		amqp.QueueTypeArg: amqp.QueueTypeQuorum, amqp.SingleActiveConsumerArg: true,
	})
	return err
}

// watch reports the queue's length, and once that somebody else reads it. Its
// questions have a channel of their own, which a no closes.
func (q *queue) watch(ctx context.Context, conn *amqp.Connection) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		q.look(conn)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (q *queue) look(conn *amqp.Connection) {
	ch, err := conn.Channel()
	if err != nil {
		return
	}
	defer ch.Close()
	now, err := ch.QueueDeclarePassive(q.name, true, false, false, false, nil)
	if err != nil {
		return
	}
	q.broker.host.Lag(q.name, int64(now.Messages))
	if now.Consumers > 1 && !q.others {
		q.others = true
		text := fmt.Sprintf("queue %s has %d consumers: unless it has a single active consumer, this node gets only part of the records, and users connected here miss the rest", q.name, now.Consumers)
		q.broker.host.Log().Warn(text)
		q.broker.note(q.name, text)
	}
}
