package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/pushcore/pushcore/plugins/mq/kafka"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/plugintest"
	"github.com/pushcore/pushcore/test/brokers"
)

func TestConformance(t *testing.T) {
	b := brokers.SharedKafka(t)
	places := 0
	plugintest.TestMQ(t, plugintest.MQSuite{
		New: func() sdk.MQ { return kafka.New() },
		Broker: func() (plugintest.Broker, error) {
			places++
			return newPlace(b, fmt.Sprintf("conformance-%d", places)), nil
		},
		Contiguous: true,
		// A requeued record comes again with the next assignment only. Brokers tell
		// clients their own addresses, so nothing can stand in between to cut.
		Lacks:    []plugintest.Ability{plugintest.Requeues, plugintest.Cuts},
		Patience: time.Minute, // A group takes its time to balance.
	})
}

const (
	partitions     = 2
	requestTimeout = 20 * time.Second
)

// place is a topic, a group that reads it, and a topic for what is published.
type place struct {
	broker   *brokers.KafkaBroker
	name     string
	produced [partitions]int
}

func newPlace(b *brokers.KafkaBroker, name string) *place {
	b.CreateTopic(name, partitions)
	b.CreateTopic(name+"-out", 1)
	b.CreateTopic(name+"-dead", partitions)
	return &place{broker: b, name: name}
}

func (p *place) Options() []byte {
	return fmt.Appendf(nil, `{"brokers":[%q],"input":{"topics":[%q],"group":%q,"offset_reset":"earliest"},"uplink":{"topic":%q},"dead_letter":{"topic":%q}}`,
		p.broker.Addr(), p.name, p.name, p.name+"-out", p.name+"-dead")
}

func (p *place) Sources() []string {
	var sources []string
	for n := range partitions {
		sources = append(sources, fmt.Sprintf("%s/%d", p.name, n))
	}
	return sources
}

// partition is which one a source is.
func (p *place) partition(source string) int {
	return int(source[len(source)-1] - '0')
}

// with calls do with a client of its own.
func (p *place) with(do func(ctx context.Context, c *kafkago.Client) error) error {
	transport := &kafkago.Transport{}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	return do(ctx, &kafkago.Client{Addr: kafkago.TCP(p.broker.Addr()), Transport: transport, Timeout: requestTimeout})
}

func (p *place) Produce(source string, bodies ...[]byte) error {
	var records []kafkago.Record
	for _, body := range bodies {
		records = append(records, kafkago.Record{Value: kafkago.NewBytes(body)})
	}
	n := p.partition(source)
	p.produced[n] += len(bodies)
	return p.with(func(ctx context.Context, c *kafkago.Client) error {
		answer, err := c.Produce(ctx, &kafkago.ProduceRequest{
			Topic: p.name, Partition: n, RequiredAcks: kafkago.RequireAll, Records: kafkago.NewRecordReader(records...),
		})
		if err == nil {
			err = answer.Error
		}
		return err
	})
}

func (p *place) Waiting(source string) (int, error) {
	n := p.partition(source)
	committed := p.broker.CommittedOffsets(p.name, p.name)[n]
	return p.produced[n] - int(max(committed, 0)), nil
}

func (p *place) Published(sdk.Output) (bodies [][]byte, err error) {
	r := kafkago.NewReader(kafkago.ReaderConfig{Brokers: []string{p.broker.Addr()}, Topic: p.name + "-out", MaxWait: 100 * time.Millisecond})
	defer func() { err = errors.Join(err, r.Close()) }()
	var end int64
	err = p.with(func(ctx context.Context, c *kafkago.Client) error {
		answer, err := c.ListOffsets(ctx, &kafkago.ListOffsetsRequest{
			Topics: map[string][]kafkago.OffsetRequest{p.name + "-out": {kafkago.LastOffsetOf(0)}},
		})
		if err == nil {
			end = answer.Topics[p.name+"-out"][0].LastOffset
		}
		return err
	})
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	for err == nil && int64(len(bodies)) < end {
		var m kafkago.Message
		if m, err = r.ReadMessage(ctx); err == nil {
			bodies = append(bodies, m.Value)
		}
	}
	return bodies, err
}

func (p *place) Cut() error { return errors.ErrUnsupported }

// Reassign lets a second member join the group and leave it.
func (p *place) Reassign() error {
	member, err := kafkago.NewConsumerGroup(kafkago.ConsumerGroupConfig{
		ID: p.name, Brokers: []string{p.broker.Addr()}, Topics: []string{p.name},
		HeartbeatInterval: 500 * time.Millisecond, SessionTimeout: 8 * time.Second, JoinGroupBackoff: 100 * time.Millisecond,
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for err = errors.New("not yet"); err != nil && ctx.Err() == nil; {
		_, err = member.Next(ctx)
	}
	return errors.Join(err, member.Close())
}

func (p *place) Close() error { return nil }
