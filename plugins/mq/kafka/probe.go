package kafka

import (
	"context"
	"fmt"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"github.com/pushcore/pushcore/plugins/mq/internal/pace"
)

// behindMax is how many records a new group may be behind without saying where
// it wants to begin.
const behindMax = 10_000

// probe looks at the cluster once before anything is started: refused
// credentials, missing outputs, a new group far behind.
func (c *cluster) probe(o *Options) error {
	ctx, cancel := context.WithTimeout(context.Background(), probeTimeout)
	defer cancel()
	if err := c.missingOutput(ctx, o); err != nil {
		return err
	}
	if o.Input == nil {
		return nil
	}
	there, err := c.layout(ctx, o.Input.Topics)
	if err != nil {
		return err
	}
	// A coordinator that is still starting is asked again by the consumer.
	return c.farBehind(ctx, o.Input, there)
}

// missingOutput refuses topics that are not there. One that was created a moment
// ago may need a second look.
func (c *cluster) missingOutput(ctx context.Context, o *Options) error {
	for _, out := range o.outputs() {
		for try := 0; ; try++ {
			there, err := c.layout(ctx, []string{out.Topic})
			if err != nil {
				return err
			}
			if there[out.Topic] > 0 {
				break
			}
			if try == 1 {
				return refuse("%s: topic %s does not exist", out.name, out.Topic)
			}
			if err := pace.Sleep(ctx, metadataTTL+100*time.Millisecond); err != nil {
				return err
			}
		}
	}
	return nil
}

// farBehind refuses a group without any commit that has much to read and was not
// told where to begin.
func (c *cluster) farBehind(ctx context.Context, in *Input, there layout) error {
	if in.OffsetReset != "" {
		return nil
	}
	committed, err := c.committed(ctx, in.Group, there)
	if err != nil {
		return err
	}
	for _, offsets := range committed {
		if len(offsets) > 0 {
			return nil
		}
	}
	bounds, err := c.bounds(ctx, there)
	if err != nil {
		return err
	}
	var behind int64
	for _, partitions := range bounds {
		for _, b := range partitions {
			behind += b.last - b.first
		}
	}
	if behind <= behindMax {
		return nil
	}
	return refuse("input: the new group %s is %d records behind; write offset_reset: earliest to push them all, or offset_reset: latest to begin with what comes from now on",
		in.Group, behind)
}

// offsets are by topic and partition.
type offsets map[string]map[int]int64

// committed is what the group has committed; partitions without are absent.
func (c *cluster) committed(ctx context.Context, group string, there layout) (offsets, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	ask := make(map[string][]int)
	for topic, partitions := range there {
		for p := range partitions {
			ask[topic] = append(ask[topic], p)
		}
	}
	found := make(offsets)
	if len(ask) == 0 {
		return found, nil
	}
	answer, err := c.client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: group, Topics: ask})
	if err == nil {
		err = answer.Error
	}
	if err != nil {
		return nil, fmt.Errorf("offsets of group %s: %w", group, err)
	}
	for topic, partitions := range answer.Topics {
		found[topic] = make(map[int]int64)
		for _, p := range partitions {
			if p.Error != nil {
				return nil, fmt.Errorf("offset of group %s in %s/%d: %w", group, topic, p.Partition, p.Error)
			}
			if p.CommittedOffset >= 0 {
				found[topic][p.Partition] = p.CommittedOffset
			}
		}
	}
	return found, nil
}

// bound is what a partition holds: offsets from first up to, not including, last.
type bound struct{ first, last int64 }

// bounds asks for all partitions of the topics. One request for the first and one
// for the last ones: brokers refuse a partition that stands twice in one.
func (c *cluster) bounds(ctx context.Context, there layout) (map[string]map[int]bound, error) {
	found := make(map[string]map[int]bound)
	for topic := range there {
		found[topic] = make(map[int]bound)
	}
	if len(there) == 0 {
		return found, nil
	}
	for _, at := range []func(int) kafka.OffsetRequest{kafka.FirstOffsetOf, kafka.LastOffsetOf} {
		answer, err := c.listOffsets(ctx, there, at)
		if err != nil {
			return nil, err
		}
		for topic, partitions := range answer {
			for _, p := range partitions {
				if p.Error != nil {
					return nil, fmt.Errorf("offsets of %s/%d: %w", topic, p.Partition, p.Error)
				}
				b := found[topic][p.Partition]
				b.first, b.last = max(b.first, p.FirstOffset), max(b.last, p.LastOffset)
				found[topic][p.Partition] = b
			}
		}
	}
	return found, nil
}

func (c *cluster) listOffsets(ctx context.Context, there layout, at func(int) kafka.OffsetRequest) (map[string][]kafka.PartitionOffsets, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	ask := make(map[string][]kafka.OffsetRequest)
	for topic, partitions := range there {
		for p := range partitions {
			ask[topic] = append(ask[topic], at(p))
		}
	}
	answer, err := c.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: ask})
	if err != nil {
		return nil, fmt.Errorf("list offsets: %w", err)
	}
	return answer.Topics, nil
}
