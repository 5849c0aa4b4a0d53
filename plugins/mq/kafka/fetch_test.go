package kafka

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	kafka "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"github.com/pushcore/pushcore/test/brokers"
)

func batchOf(offsets ...int64) protocol.RecordReader {
	var records []protocol.Record
	for _, offset := range offsets {
		records = append(records, protocol.Record{Offset: offset, Value: protocol.NewBytes(fmt.Append(nil, offset))})
	}
	return &protocol.RecordBatch{Records: protocol.NewRecordReader(records...)}
}

func controlMark(offset int64) protocol.RecordReader {
	return &protocol.ControlBatch{Records: protocol.NewRecordReader(protocol.Record{Offset: offset, Key: protocol.NewBytes(make([]byte, 4))})}
}

func TestFetchedRecordsAreThoseFromTheOffsetOnWithoutMarks(t *testing.T) {
	for _, c := range []struct {
		name    string
		from    int64
		batches []protocol.RecordReader
		want    string
		next    int64
	}{
		{"all", 0, []protocol.RecordReader{batchOf(0, 1), batchOf(2)}, "[0 1 2]", 3},
		{"a batch that begins earlier", 2, []protocol.RecordReader{batchOf(0, 1, 2, 3)}, "[2 3]", 4},
		{"with holes", 5, []protocol.RecordReader{batchOf(4, 7, 9)}, "[7 9]", 10},
		{"a mark in between", 0, []protocol.RecordReader{batchOf(0), controlMark(1), batchOf(2)}, "[0 2]", 3},
		{"a mark at the end", 0, []protocol.RecordReader{batchOf(0), controlMark(1)}, "[0]", 2},
		{"only a mark", 3, []protocol.RecordReader{controlMark(3)}, "[]", 4},
		{"nothing as new as that", 6, []protocol.RecordReader{batchOf(4, 5)}, "[]", 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := fetched{next: c.from}
			if err := got.read(&protocol.RecordStream{Records: c.batches}); err != nil {
				t.Fatal(err)
			}
			bodies := []string{}
			for _, r := range got.records {
				bodies = append(bodies, string(r.Body))
			}
			if fmt.Sprint(bodies) != c.want || got.next != c.next {
				t.Errorf("got %v and then %d, want %s and then %d", bodies, got.next, c.want, c.next)
			}
		})
	}
}

func TestOffsetBeyondTheEndBeginsAnewInANewEpoch(t *testing.T) {
	b := brokers.SharedKafka(t)
	topic, group := name(t, "push"), name(t, "group")
	b.CreateTopic(topic, 1)
	write(t, b.Addr(), topic, 0, numbered("", 5)...)
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	_, err := (&kafka.Client{Addr: kafka.TCP(b.Addr()), Transport: transport}).OffsetCommit(ctx, &kafka.OffsetCommitRequest{
		GroupID: group, GenerationID: -1, Topics: map[string][]kafka.OffsetCommit{topic: {{Partition: 0, Offset: 100}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	n := newNode(t, input(b.Addr(), group, topic)).settling().open(t)
	n.Await("the records", func() bool { return len(n.Taken()) == 5 })
	n.awaitCommitted(b, group, topic, 0, 5)
	if !strings.Contains(n.Logged(), "made anew") {
		t.Errorf("nothing was said of it:\n%s", n.Logged())
	}
}
