package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	kafka "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

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
		got, err := g.fetch(ctx, p, offset)
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

// fetched is the answer to one fetch.
type fetched struct {
	records []sdk.Record
	next    int64 // the offset to read next
	end     int64 // of the partition
}

func (g *generation) fetch(ctx context.Context, p *partition, offset int64) (fetched, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchWait+callTimeout)
	defer cancel()
	answer, err := g.cluster.client.Fetch(ctx, &kafka.FetchRequest{
		Topic: p.topic, Partition: p.id, Offset: offset, MinBytes: 1, MaxBytes: g.fetchBytes, MaxWait: fetchWait,
	})
	if err == nil {
		err = answer.Error
	}
	if err != nil {
		return fetched{}, err
	}
	got := fetched{next: offset, end: answer.HighWatermark}
	stream, ok := answer.Records.(*protocol.RecordStream)
	if !ok {
		return got, nil // Nothing came.
	}
	if err := got.read(stream); err != nil {
		return fetched{}, fmt.Errorf("read records of %s from %d: %w", p.name, offset, err)
	}
	if got.next == offset {
		// Batches came, and nothing in them is as new as offset: compaction took it.
		// The library does not tell where the batch ends, so look behind one by one.
		got.next++
	}
	return got, nil
}

// read takes the records from next on. Control records, the marks of transactions,
// only move next; a batch may begin before what was asked for.
func (f *fetched) read(stream *protocol.RecordStream) error {
	for _, batch := range stream.Records {
		control, isControl := batch.(*protocol.ControlBatch)
		if isControl {
			batch = control.Records
		}
		for {
			record, err := batch.ReadRecord()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
			if record.Offset >= f.next && !isControl {
				taken, err := take(record)
				if err != nil {
					return err
				}
				f.records = append(f.records, taken)
			}
			release(record)
			f.next = max(f.next, record.Offset+1)
		}
	}
	return nil
}

// take copies a record out of the fetch buffer, so that the bytes that the host
// counts are the bytes that are held.
func take(r *protocol.Record) (sdk.Record, error) {
	key, value := lengthOf(r.Key), lengthOf(r.Value)
	both := make([]byte, key+value)
	if err := fill(both[:key], r.Key); err != nil {
		return sdk.Record{}, err
	}
	if err := fill(both[key:], r.Value); err != nil {
		return sdk.Record{}, err
	}
	taken := sdk.Record{Position: uint64(r.Offset), Body: both[key:]}
	if r.Time.UnixMilli() > 0 {
		taken.Timestamp = r.Time
	}
	if r.Key != nil {
		taken.Key = both[:key:key]
	}
	if len(r.Headers) > 0 {
		taken.Headers = make([]sdk.Header, len(r.Headers))
		for i, h := range r.Headers {
			taken.Headers[i] = sdk.Header{Name: h.Key, Value: h.Value}
		}
	}
	return taken, nil
}

func lengthOf(b protocol.Bytes) int {
	if b == nil {
		return 0
	}
	return b.Len()
}

func fill(dst []byte, b protocol.Bytes) error {
	if len(dst) == 0 {
		return nil
	}
	_, err := io.ReadFull(b, dst)
	return err
}

// release returns a record's pages to the library.
func release(r *protocol.Record) {
	if r.Key != nil {
		r.Key.Close()
	}
	if r.Value != nil {
		r.Value.Close()
	}
}
