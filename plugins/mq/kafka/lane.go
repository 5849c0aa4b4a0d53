package kafka

import (
	"context"
	"errors"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"github.com/pushcore/pushcore/plugins/mq/internal/outbox"
	"github.com/pushcore/pushcore/plugins/mq/internal/pace"
	"github.com/pushcore/pushcore/sdk"
)

// What one request carries. Brokers take a batch of 1 MiB by default; one that is
// refused as too large is halved until it is a single record.
const (
	requestRecords = 1000
	requestBytes   = 512 << 10
)

// lane publishes to one partition, one request after the other: with two under
// way a failed one could be overtaken, and order lost.
type lane struct {
	output    *output
	partition int
	queue     *outbox.Queue // output.run → run
}

// run ends when the queue is closed and each record is answered. When ctx has
// ended each record is tried once more only.
func (l *lane) run(ctx context.Context) {
	for {
		items := l.queue.Wait(context.Background())
		if len(items) == 0 {
			return
		}
		for len(items) > 0 {
			n := requestLength(items)
			l.send(ctx, items[:n])
			items = items[n:]
		}
	}
}

// requestLength is how many of items go into the next request.
func requestLength(items []outbox.Pending) int {
	size := 0
	for i := range items {
		r := &items[i].Record
		size += len(r.Key) + len(r.Body)
		for _, h := range r.Headers {
			size += len(h.Name) + len(h.Value)
		}
		if i > 0 && (size > requestBytes || i == requestRecords) {
			return i
		}
	}
	return len(items)
}

// send publishes records and answers each, whatever happens.
func (l *lane) send(ctx context.Context, batch []outbox.Pending) {
	backoff := pace.Backoff{Least: 100 * time.Millisecond, Most: 2 * time.Second}
	for len(batch) > 0 {
		err := l.produce(batch)
		switch {
		case err == nil:
			l.answer(batch, "", false)
			return
		case refused(err) && len(batch) > 1:
			half := len(batch) / 2
			l.send(ctx, batch[:half])
			batch = batch[half:]
			continue
		case refused(err):
			l.answer(batch, err.Error(), true)
			return
		}
		if backoff.Failures() == 3 {
			l.output.host.Log().Warn("records cannot be published; trying again",
				"topic", l.output.topic, "partition", l.partition, "error", err)
		}
		if backoff.Wait(ctx) != nil {
			l.answer(batch, err.Error(), false)
			return
		}
		batch = l.expire(batch, err)
	}
}

// expire answers the records whose time is over and returns the others. The
// records of a batch are in the order of their deadlines.
func (l *lane) expire(batch []outbox.Pending, err error) []outbox.Pending {
	now, n := time.Now(), 0
	for n < len(batch) && now.After(batch[n].Deadline) {
		n++
	}
	l.answer(batch[:n], err.Error(), false)
	return batch[n:]
}

func (l *lane) answer(batch []outbox.Pending, text string, final bool) {
	if len(batch) == 0 {
		return
	}
	results := make([]sdk.PublishResult, len(batch))
	for i := range batch {
		results[i] = sdk.PublishResult{ID: batch[i].Record.ID, Error: text, Final: final}
	}
	l.output.host.Published(results)
}

// produce makes one request for a batch.
func (l *lane) produce(batch []outbox.Pending) error {
	records := make([]kafka.Record, len(batch))
	for i := range batch {
		records[i] = recordOf(&batch[i].Record)
	}
	return l.output.cluster.produce(context.Background(), l.output.topic, l.partition, records)
}

// produce makes one request and waits for the acknowledgement of all replicas that
// are in sync. It ends with ctx, or when the connections are cut.
func (c *cluster) produce(ctx context.Context, topic string, partition int, records []kafka.Record) error {
	ctx, cancel := context.WithTimeout(ctx, c.producer.Timeout)
	defer cancel()
	defer context.AfterFunc(c.dial.Context(), cancel)()
	answer, err := c.producer.Produce(ctx, &kafka.ProduceRequest{
		Topic: topic, Partition: partition, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(records...),
	})
	if err != nil {
		return err
	}
	return answer.Error
}

func recordOf(r *sdk.Outgoing) kafka.Record {
	body := r.Body
	if body == nil {
		body = []byte{} // A null value would delete in a compacted topic.
	}
	record := kafka.Record{Value: kafka.NewBytes(body)}
	if len(r.Key) > 0 {
		record.Key = kafka.NewBytes(r.Key)
	}
	for _, h := range r.Headers {
		record.Headers = append(record.Headers, kafka.Header{Key: h.Name, Value: h.Value})
	}
	return record
}

// refused tells errors that stay as long as the batch is what it is.
func refused(err error) bool {
	return errors.Is(err, kafka.MessageSizeTooLarge) || errors.Is(err, kafka.RecordListTooLarge) ||
		errors.Is(err, kafka.InvalidRecord) || errors.Is(err, kafka.InvalidMessage)
}
