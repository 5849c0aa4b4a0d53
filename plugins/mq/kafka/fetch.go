package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"

	kafka "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"github.com/pushcore/pushcore/sdk"
)

// fetched is the answer to one fetch.
type fetched struct {
	records []sdk.Record
	next    int64 // the offset to read next
	end     int64 // of the partition
}

// fetch reads from offset on, waiting a moment for a first record.
func (c *cluster) fetch(ctx context.Context, topic string, partition int, offset, bytesMost int64) (fetched, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchWait+callTimeout)
	defer cancel()
	answer, err := c.client.Fetch(ctx, &kafka.FetchRequest{
		Topic: topic, Partition: partition, Offset: offset, MinBytes: 1, MaxBytes: bytesMost, MaxWait: fetchWait,
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
		return fetched{}, fmt.Errorf("read records of %s/%d from %d: %w", topic, partition, offset, err)
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
