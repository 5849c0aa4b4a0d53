package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"github.com/pushcore/pushcore/plugins/mq/internal/outbox"
	"github.com/pushcore/pushcore/plugins/mq/internal/pace"
	"github.com/pushcore/pushcore/sdk"
)

// inputWriter writes records to the topics of the input.
type inputWriter struct {
	cluster  *cluster
	topics   []string
	there    layout
	balancer kafka.Murmur2Balancer
}

// Input opens a way to write to the input's topics.
func (k *Kafka) Input(ctx context.Context) (sdk.InputWriter, error) {
	if k.options.Input == nil {
		return nil, errors.New("the options have no input")
	}
	c, err := newCluster(&k.options, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	w := &inputWriter{cluster: c, topics: k.options.Input.Topics}
	if w.there, err = c.layout(ctx, w.topics); err == nil && len(w.there) == 0 {
		err = refuse("input: no topic of %s exists", strings.Join(w.topics, ", "))
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return w, nil
}

// target is a partition.
type target struct {
	topic     string
	partition int
}

// Write appends records, each to the partition where it stood: whoever chose that
// one by the key chooses it for the key's later records.
func (w *inputWriter) Write(ctx context.Context, records []sdk.InputRecord) []error {
	failed := make([]error, len(records))
	places := make(map[target][]int)
	for i := range records {
		t := w.target(&records[i])
		places[t] = append(places[t], i)
	}
	for t, indexes := range places {
		w.append(ctx, t, indexes, records, failed)
	}
	return failed
}

// target is where a record stood if that is still there, else where Kafka's own
// hash of its key leads.
func (w *inputWriter) target(r *sdk.InputRecord) target {
	topic, number := r.Source, -1
	if i := strings.LastIndexByte(r.Source, '/'); i >= 0 {
		if n, err := strconv.Atoi(r.Source[i+1:]); err == nil {
			topic, number = r.Source[:i], n
		}
	}
	if w.there[topic] == 0 {
		topic, number = w.topics[slices.IndexFunc(w.topics, func(t string) bool { return w.there[t] > 0 })], -1
	}
	if number >= 0 && number < w.there[topic] {
		return target{topic, number}
	}
	var partitions []int
	for id := range w.there[topic] {
		partitions = append(partitions, id)
	}
	key := r.Key
	if len(key) == 0 {
		key = nil // Any partition.
	}
	return target{topic, w.balancer.Balance(kafka.Message{Key: key}, partitions...)}
}

// append writes the records with the indexes. A request that is refused for its
// size is halved until it is a single record.
func (w *inputWriter) append(ctx context.Context, t target, indexes []int, records []sdk.InputRecord, failed []error) {
	for len(indexes) > 0 {
		n := w.requestLength(indexes, records)
		err := w.produce(ctx, t, indexes[:n], records)
		switch {
		case refused(err) && n > 1:
			w.append(ctx, t, indexes[:n/2], records, failed)
			w.append(ctx, t, indexes[n/2:n], records, failed)
		case err != nil:
			for _, i := range indexes[:n] {
				failed[i] = fmt.Errorf("write to %s/%d: %w", t.topic, t.partition, err)
			}
		}
		indexes = indexes[n:]
	}
}

func (w *inputWriter) requestLength(indexes []int, records []sdk.InputRecord) int {
	size := 0
	for n, i := range indexes {
		size += len(records[i].Key) + len(records[i].Body)
		if n > 0 && (size > requestBytes || n == requestRecords) {
			return n
		}
	}
	return len(indexes)
}

// produce makes one request, and again while that may help.
func (w *inputWriter) produce(ctx context.Context, t target, indexes []int, records []sdk.InputRecord) error {
	ctx, cancel := context.WithTimeout(ctx, outbox.Timeout)
	defer cancel()
	backoff := pace.Backoff{Least: 100 * time.Millisecond, Most: 2 * time.Second}
	for {
		all := make([]kafka.Record, len(indexes))
		for n, i := range indexes {
			r := &records[i]
			all[n] = recordOf(&sdk.Outgoing{Key: r.Key, Headers: r.Headers, Body: r.Body})
		}
		err := w.cluster.produce(ctx, t.topic, t.partition, all)
		var answered kafka.Error
		lasting := errors.As(err, &answered) && !answered.Temporary()
		if err == nil || lasting || final(err) || backoff.Wait(ctx) != nil {
			return err
		}
	}
}

// Close ends the connections.
func (w *inputWriter) Close() error {
	w.cluster.close()
	return nil
}
