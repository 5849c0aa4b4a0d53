package chaos

import (
	"context"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/pushcore/pushcore/test/brokers"
	"github.com/pushcore/pushcore/test/chaos/check"
)

// kafkaSource writes to a topic, keyed by user.
type kafkaSource struct {
	broker *brokers.KafkaBroker
	addr   string
	topic  string
	writer *kafka.Writer
}

const kafkaPartitions = 4

// newKafkaSource makes a topic of its own on the broker. addr is the broker's as node and publisher see it.
func newKafkaSource(r *rig, broker *brokers.KafkaBroker, addr string) *kafkaSource {
	s := &kafkaSource{broker: broker, addr: addr, topic: fmt.Sprintf("push-%d", time.Now().UnixNano())}
	broker.CreateTopic(s.topic, kafkaPartitions)
	s.writer = &kafka.Writer{
		Addr: kafka.TCP(addr), Topic: s.topic, Balancer: &kafka.Hash{}, BatchTimeout: 5 * time.Millisecond, RequiredAcks: kafka.RequireAll,
		MaxAttempts: 1, WriteTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, // The publisher tries again itself.
	}
	r.t.Cleanup(func() { _ = s.writer.Close() })
	return s
}

func (s *kafkaSource) name() string { return "kafka" }

func (s *kafkaSource) plugin() string {
	return fmt.Sprintf("  orders: { use: kafka, config: { brokers: [%q], input: { topics: [%q], group: %q, offset_reset: earliest } } }\n", s.addr, s.topic, s.topic)
}

func (s *kafkaSource) put(ctx context.Context, m check.Message, id, body string) (string, error) {
	err := s.writer.WriteMessages(ctx, kafka.Message{
		Key: []byte(m.User), Value: []byte(body),
		Headers: []kafka.Header{{Key: "push-to", Value: []byte("user:" + m.User)}, {Key: "push-id", Value: []byte(id)}},
	})
	return "acks=all", err
}

// settled says whether the group has committed so many records.
func (s *kafkaSource) settled(records int) bool {
	var sum int64
	for _, offset := range s.broker.CommittedOffsets(s.topic, s.topic) {
		sum += offset
	}
	return sum >= int64(records)
}
