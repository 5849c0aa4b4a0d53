package kafka

import (
	"context"
	"fmt"
	"sync"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"github.com/pushcore/pushcore/plugins/mq/internal/outbox"
	"github.com/pushcore/pushcore/plugins/mq/internal/pace"
	"github.com/pushcore/pushcore/sdk"
)

// output publishes to one topic. What it holds is bounded by what the host hands
// over without an answer. run spreads the records over lanes, one a partition.
type output struct {
	topic   string
	cluster *cluster
	host    sdk.MQHost
	queue   *outbox.Queue // Publish → run

	// Everything following is run's.
	partitions []int // nil: not known yet
	asked      time.Time
	lanes      map[int]*lane
	sending    sync.WaitGroup // the lanes
	balancer   kafka.Murmur2Balancer
}

func newOutput(topic string, c *cluster, h sdk.MQHost) *output {
	return &output{topic: topic, cluster: c, host: h, queue: outbox.New(), lanes: make(map[int]*lane)}
}

func (o *output) put(r *sdk.Outgoing, now time.Time) {
	o.queue.Put(outbox.Pending{Record: *r, Deadline: now.Add(outbox.Timeout)})
}

// run ends when ctx has ended and each record is answered.
func (o *output) run(ctx context.Context) {
	for ctx.Err() == nil {
		for _, p := range o.queue.Wait(ctx) {
			o.route(ctx, p)
		}
	}
	for _, p := range o.queue.Wait(ctx) {
		o.route(ctx, p)
	}
	for _, l := range o.lanes {
		l.queue.Close()
	}
	o.sending.Wait()
}

// route gives a record to the lane of its key's partition, as other producers
// with Kafka's own hash would.
func (o *output) route(ctx context.Context, p outbox.Pending) {
	if err := o.lookUp(ctx, p.Deadline); err != nil {
		o.host.Published([]sdk.PublishResult{{ID: p.Record.ID, Error: err.Error()}})
		return
	}
	key := p.Record.Key
	if len(key) == 0 {
		key = nil // Any partition.
	}
	id := o.balancer.Balance(kafka.Message{Key: key}, o.partitions...)
	l := o.lanes[id]
	if l == nil {
		l = &lane{output: o, partition: id, queue: outbox.New()}
		o.lanes[id] = l
		o.sending.Go(func() { l.run(ctx) })
	}
	l.queue.Put(p)
}

// lookUp finds the topic's partitions, and looks again from time to time. While
// the cluster is away, the last answer will do.
func (o *output) lookUp(ctx context.Context, deadline time.Time) error {
	if o.partitions != nil && time.Since(o.asked) < metadataTTL {
		return nil
	}
	backoff := pace.Backoff{Least: 100 * time.Millisecond, Most: 2 * time.Second}
	for {
		there, err := o.cluster.layout(ctx, []string{o.topic})
		if n := there[o.topic]; n > 0 {
			o.asked = time.Now()
			o.partitions = o.partitions[:0]
			for id := range n {
				o.partitions = append(o.partitions, id)
			}
			return nil
		}
		if err == nil {
			err = fmt.Errorf("topic %s does not exist", o.topic)
		}
		if o.partitions != nil {
			o.asked = time.Now()
			return nil
		}
		if time.Now().After(deadline) || backoff.Wait(ctx) != nil {
			return err
		}
	}
}
