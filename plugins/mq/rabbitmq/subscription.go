package rabbitmq

import (
	"context"
	"errors"
	"sync"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/pushcore/pushcore/plugins/mq/internal/track"
	"github.com/pushcore/pushcore/sdk"
)

// What is handed over at once.
const (
	batchRecords = 256
	batchBytes   = 1 << 20
)

// subscription is one epoch of a queue: one consumer on one channel.
type subscription struct {
	queue   *queue
	channel *amqp.Channel
	epoch   uint64
	acks    *acks // settlements that wait to be sent

	closed    chan *amqp.Error // the broker closed the channel
	cancelled chan string      // the broker ended the consumer

	mu      sync.Mutex     // guards tracker
	tracker *track.Tracker // delivery tags count from 1
}

func newSubscription(q *queue, ch *amqp.Channel) *subscription {
	return &subscription{
		queue: q, channel: ch, epoch: q.broker.epoch.Add(1), acks: newAcks(), tracker: track.New(1),
		closed: ch.NotifyClose(make(chan *amqp.Error, 1)), cancelled: ch.NotifyCancel(make(chan string, 1)),
	}
}

var errConsumerEnded = errors.New("the broker ended the consumer, as when its queue is deleted")

// run hands over deliveries until the channel or ctx ends. What is settled until
// then is acknowledged before the epoch is revoked.
func (s *subscription) run(ctx context.Context, deliveries <-chan amqp.Delivery) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	q, host := s.queue, s.queue.broker.host
	host.Assigned(sdk.Source{Name: q.name, Epoch: s.epoch})
	q.mu.Lock()
	q.active = s
	q.mu.Unlock()

	var working sync.WaitGroup
	working.Go(func() { s.watch(ctx, cancel) })
	acked := make(chan struct{})
	go func() { s.acknowledge(); close(acked) }()

	s.read(ctx, deliveries)
	working.Wait()
	q.mu.Lock()
	q.active = nil
	q.mu.Unlock()
	s.acks.close()
	<-acked
	host.Revoked(q.name, s.epoch)
	return context.Cause(ctx)
}

// watch ends the epoch when the broker ends the channel or the consumer: the reader
// may be waiting in Batch.
func (s *subscription) watch(ctx context.Context, cancel context.CancelCauseFunc) {
	select {
	case err := <-s.closed:
		if err != nil {
			cancel(err)
		}
		cancel(errConsumerEnded)
	case <-s.cancelled:
		cancel(errConsumerEnded)
	case <-ctx.Done():
	}
}

// read hands over deliveries in batches: what is there, without waiting for more.
func (s *subscription) read(ctx context.Context, deliveries <-chan amqp.Delivery) {
	for {
		var first amqp.Delivery
		ok := false
		select {
		case first, ok = <-deliveries:
		case <-ctx.Done():
		}
		if !ok {
			<-ctx.Done() // watch knows why, or is about to.
			return
		}
		if s.queue.gate.Pass(ctx) != nil {
			return
		}
		records := s.gather(first, deliveries)
		if s.queue.broker.host.Batch(ctx, sdk.Records{Source: s.queue.name, Epoch: s.epoch, Records: records}) != nil {
			return
		}
	}
}

// gather makes a batch of what has come. It notes the tags before they are handed
// over: they may be settled before that call returns.
func (s *subscription) gather(first amqp.Delivery, deliveries <-chan amqp.Delivery) []sdk.Record {
	records := []sdk.Record{recordOf(&first)}
	size := len(first.Body)
	for more := true; more && len(records) < batchRecords && size < batchBytes; {
		select {
		case d, ok := <-deliveries:
			if more = ok; ok {
				records = append(records, recordOf(&d))
				size += len(d.Body)
			}
		default:
			more = false
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range records {
		s.tracker.Handed(records[i].Position)
	}
	return records
}
