package brokers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
)

const adminTimeout = 30 * time.Second

// client is for one call or two: with connections of its own, which done closes, so that nothing of it outlives the call
// or remembers a node that has been restarted since.
func (b *KafkaBroker) client() (client *kafka.Client, done func()) {
	transport := &kafka.Transport{}
	return &kafka.Client{Addr: kafka.TCP(b.addr), Transport: transport}, transport.CloseIdleConnections
}

// CreateTopic creates a topic and returns when each partition has a leader.
func (b *KafkaBroker) CreateTopic(name string, partitions int, config ...kafka.ConfigEntry) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), adminTimeout)
	defer cancel()
	client, done := b.client()
	defer done()
	b.must("CreateTopic", createTopic(ctx, client, kafka.TopicConfig{
		Topic: name, NumPartitions: partitions, ReplicationFactor: 1, ConfigEntries: config,
	}))
}

func createTopic(ctx context.Context, client *kafka.Client, topic kafka.TopicConfig) error {
	created, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{topic}})
	if err != nil {
		return err
	}
	if err := created.Errors[topic.Topic]; err != nil {
		return err
	}
	tick := time.NewTicker(readyEvery)
	defer tick.Stop()
	for {
		err := topicServed(ctx, client, topic)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("topic %s was created, but: %w", topic.Topic, err)
		}
	}
}

// topicServed asks each partition's leader for an offset: metadata alone is ahead of what the leader knows.
func topicServed(ctx context.Context, client *kafka.Client, topic kafka.TopicConfig) error {
	var ask []kafka.OffsetRequest
	for partition := range topic.NumPartitions {
		ask = append(ask, kafka.LastOffsetOf(partition))
	}
	answer, err := client.ListOffsets(ctx, &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{topic.Topic: ask},
	})
	if err != nil {
		return err
	}
	if got := len(answer.Topics[topic.Topic]); got != topic.NumPartitions {
		return fmt.Errorf("%d of %d partitions have a leader", got, topic.NumPartitions)
	}
	for _, p := range answer.Topics[topic.Topic] {
		if p.Error != nil {
			return p.Error
		}
	}
	return nil
}

// CommittedOffsets is what the group has committed, by partition of the topic; partitions without a commit are absent.
func (b *KafkaBroker) CommittedOffsets(group, topic string) map[int]int64 {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), adminTimeout)
	defer cancel()
	client, done := b.client()
	defer done()
	offsets, err := committedOffsets(ctx, client, group, topic)
	b.must("CommittedOffsets", err)
	return offsets
}

func committedOffsets(ctx context.Context, client *kafka.Client, group, topic string) (map[int]int64, error) {
	metadata, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return nil, err
	}
	var partitions []int
	for _, p := range metadata.Topics[0].Partitions {
		partitions = append(partitions, p.ID)
	}
	answer, err := client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{
		GroupID: group, Topics: map[string][]int{topic: partitions},
	})
	if err == nil {
		err = answer.Error
	}
	if err != nil {
		return nil, err
	}
	offsets := make(map[int]int64)
	for _, p := range answer.Topics[topic] {
		if p.CommittedOffset >= 0 {
			offsets[p.Partition] = p.CommittedOffset
		}
	}
	return offsets, nil
}

// kafkaReady asks for the last two things that a starting node has: a broker that the controller has let in, and the
// groups' coordinator with its offsets loaded.
func kafkaReady(ctx context.Context, client *kafka.Client) error {
	metadata, err := client.Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return err
	}
	if len(metadata.Brokers) == 0 {
		return errors.New("no broker is registered")
	}
	const group = "pushcore-ready"
	coordinator, err := client.FindCoordinator(ctx, &kafka.FindCoordinatorRequest{Key: group, KeyType: kafka.CoordinatorKeyTypeConsumer})
	if err == nil {
		err = coordinator.Error
	}
	if err != nil {
		return err
	}
	offsets, err := client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{"none": {0}}})
	if err != nil {
		return err
	}
	return offsets.Error
}
