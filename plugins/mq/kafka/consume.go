package kafka

import (
	"context"
	"errors"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"github.com/pushcore/pushcore/plugins/mq/internal/pace"
	"github.com/pushcore/pushcore/sdk"
)

// What a fetch may bring: fetchBytesAll is shared by the partitions of a
// generation, each within the other two. A batch that the broker stored as one is
// always brought whole.
const (
	fetchBytesAll   = 32 << 20
	fetchBytesLeast = 64 << 10
	fetchBytesMost  = 1 << 20
	fetchWait       = 500 * time.Millisecond // the broker waits this long for a first record
	batchRecords    = 512                    // handed over at once
)

// consume reads a partition from offset and hands over what it finds, until ctx
// ends. It waits in Batch while the host has no room, and reads nothing meanwhile.
// If the partition was made anew it returns the offset to begin at in a new epoch,
// else -1.
func (g *generation) consume(ctx context.Context, p *partition, epoch uint64, offset int64) (rewound int64) {
	backoff := pace.Backoff{Least: 50 * time.Millisecond, Most: 5 * time.Second}
	for p.gate.Pass(ctx) == nil {
		got, err := g.cluster.fetch(ctx, p.topic, p.id, offset, g.fetchBytes)
		switch {
		case ctx.Err() != nil:
			return -1
		case errors.Is(err, kafka.OffsetOutOfRange):
			var next int64
			next, err = g.restart(ctx, p, offset)
			if err == nil && next < offset {
				return next
			}
			if err == nil {
				got.next = next
			}
		}
		if err != nil {
			if backoff.Failures() == 3 {
				g.host.Log().Warn("a partition cannot be read; trying again", "source", p.name, "error", err)
			}
			_ = backoff.Wait(ctx)
			continue
		}
		backoff.Reset()
		if g.hand(ctx, p, epoch, got.records) != nil {
			return -1
		}
		offset = got.next
		if p.skip(offset) {
			g.wake() // Only control records, or compacted ones: nobody settles them.
		}
		g.host.Lag(p.name, p.lag(got.end))
	}
	return -1
}

// hand gives records to the host in batches.
func (g *generation) hand(ctx context.Context, p *partition, epoch uint64, records []sdk.Record) error {
	for len(records) > 0 {
		n := min(len(records), batchRecords)
		p.handed(records[:n])
		if err := g.host.Batch(ctx, sdk.Records{Source: p.name, Epoch: epoch, Records: records[:n:n]}); err != nil {
			return err
		}
		p.took(int64(records[n-1].Position) + 1)
		records = records[n:]
	}
	return nil
}
