package kafka

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"github.com/pushcore/pushcore/plugins/mq/internal/mqtest"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/test/brokers"
)

func TestRecordsArriveWholeAndInOrder(t *testing.T) {
	b := brokers.SharedKafka(t)
	topic, group := name(t, "push"), name(t, "group")
	b.CreateTopic(topic, 1)
	at := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)
	write(t, b.Addr(), topic, 0,
		kafka.Record{
			Time: at, Key: kafka.NewBytes([]byte("alice")), Value: kafka.NewBytes([]byte("hello")),
			Headers: []kafka.Header{{Key: "push-to", Value: []byte("user:alice")}, {Key: "push-to", Value: []byte("user:bob")}},
		},
		kafka.Record{Time: at})

	n := newNode(t, input(b.Addr(), group, topic)).settling().open(t)
	n.Await("two records", func() bool { return len(n.Taken()) == 2 })

	first, second := n.Taken()[0], n.Taken()[1]
	if first.Source != topic+"/0" || !n.Stable(first.Source) || first.Position != 0 || second.Position != 1 {
		t.Errorf("the records came as %s/%d and %s/%d, stable %v", first.Source, first.Position, second.Source, second.Position, n.Stable(first.Source))
	}
	if !first.Timestamp.Equal(at) || string(first.Key) != "alice" || string(first.Body) != "hello" {
		t.Errorf("got %v %q %q", first.Timestamp, first.Key, first.Body)
	}
	if got := fmt.Sprintf("%s", first.Headers); got != "[{push-to user:alice} {push-to user:bob}]" {
		t.Errorf("headers are %s", got)
	}
	if second.Key != nil || len(second.Body) != 0 {
		t.Errorf("a record of nulls has key %q, body %q", second.Key, second.Body)
	}
	n.awaitCommitted(b, group, topic, 0, 2)
}

func TestCommitsNeverPassARecordThatIsNotSettled(t *testing.T) {
	b := brokers.SharedKafka(t)
	topic, group := name(t, "push"), name(t, "group")
	b.CreateTopic(topic, 1)
	write(t, b.Addr(), topic, 0, numbered("", 10)...)
	n := newNode(t, input(b.Addr(), group, topic)).open(t)
	n.Await("ten records", func() bool { return len(n.Taken()) == 10 })

	source := topic + "/0"
	settle := func(outcome sdk.Outcome, positions ...uint64) {
		n.settle(sdk.Settlement{Source: source, Epoch: n.Epoch(source), Outcome: outcome, Positions: positions})
	}
	settle(sdk.Done, 5, 6, 9)
	settle(sdk.Done, 0, 1)
	settle(sdk.Dead, 2)
	n.awaitCommitted(b, group, topic, 0, 3)
	settle(sdk.Done, 4, 7)
	settle(sdk.Done, 3)
	n.awaitCommitted(b, group, topic, 0, 8)
	n.settle(sdk.Settlement{Source: source, Epoch: n.Epoch(source) + 1, Positions: []uint64{8}})
	n.close()
	if got := b.CommittedOffsets(group, topic)[0]; got != 8 {
		t.Errorf("committed is %d while record 8 is open", got)
	}

	again := newNode(t, input(b.Addr(), group, topic)).settling().open(t)
	again.Await("what was not committed", func() bool { return len(again.Taken()) == 2 })
	if got := again.Taken()[0].Position; got != 8 {
		t.Errorf("reading goes on at %d", got)
	}
}

func TestWhatIsSettledLastIsCommittedOnClose(t *testing.T) {
	b := brokers.SharedKafka(t)
	topic, group := name(t, "push"), name(t, "group")
	b.CreateTopic(topic, 1)
	write(t, b.Addr(), topic, 0, numbered("", 3)...)
	n := newNode(t, input(b.Addr(), group, topic)).open(t)
	n.Await("three records", func() bool { return len(n.Taken()) == 3 })
	n.awaitCommitted(b, group, topic, 0, 0)
	n.settle(sdk.Settlement{Source: topic + "/0", Epoch: n.Epoch(topic + "/0"), Positions: []uint64{0, 1, 2}})
	n.close()
	if got := b.CommittedOffsets(group, topic)[0]; got != 3 {
		t.Errorf("committed is %d", got)
	}
}

func TestRecordGivenBackIsDeliveredAgain(t *testing.T) {
	b := brokers.SharedKafka(t)
	topic, group := name(t, "push"), name(t, "group")
	b.CreateTopic(topic, 1)
	write(t, b.Addr(), topic, 0, numbered("", 3)...)
	n := newNode(t, input(b.Addr(), group, topic)).open(t)
	n.Await("three records", func() bool { return len(n.Taken()) == 3 })
	source := topic + "/0"
	first := n.Epoch(source)
	n.settle(
		sdk.Settlement{Source: source, Epoch: first, Positions: []uint64{0, 2}},
		sdk.Settlement{Source: source, Epoch: first, Outcome: sdk.Requeue, Positions: []uint64{1}})
	n.Await("the record once more", func() bool { return len(n.Taken()) == 5 })
	again := n.Taken()[3:]
	if again[0].Position != 1 || again[1].Position != 2 || again[0].Epoch <= first {
		t.Errorf("came again %d and %d in epoch %d", again[0].Position, again[1].Position, again[0].Epoch)
	}
	n.settle(mqtest.Settlement(source, again[0].Epoch, sdk.Done, again[0].Record, again[1].Record))
	n.awaitCommitted(b, group, topic, 0, 3)
}

func TestPausedSourceIsNotFetched(t *testing.T) {
	b := brokers.SharedKafka(t)
	topic, group := name(t, "push"), name(t, "group")
	b.CreateTopic(topic, 2)
	n := newNode(t, input(b.Addr(), group, topic)).settling().open(t)
	n.Await("both partitions", func() bool { return len(n.Sources()) == 2 })
	n.plugin.Pause(topic + "/0")
	// What was under way when the pause came may bring one more batch.
	write(t, b.Addr(), topic, 0, numbered("late", 1)...)
	write(t, b.Addr(), topic, 0, numbered("paused", 1)...)
	n.Await("the paused source's lag", func() bool { return n.LagOf(topic+"/0") > 0 })
	before := len(n.Taken())
	write(t, b.Addr(), topic, 0, numbered("more", 5)...)
	write(t, b.Addr(), topic, 1, numbered("other", 5)...)
	n.Await("the other source", func() bool { return len(n.Taken()) == before+5 })
	for _, r := range n.Taken()[before:] {
		if !bytes.HasPrefix(r.Body, []byte("other")) {
			t.Errorf("%q came from a paused source", r.Body)
		}
	}
	n.plugin.Resume(topic + "/0")
	n.Await("all", func() bool { return n.Distinct() == 12 })
}

func TestFullHostHoldsTheReaderAndLosesNothing(t *testing.T) {
	b := brokers.SharedKafka(t)
	topic, group := name(t, "push"), name(t, "group")
	b.CreateTopic(topic, 1)
	write(t, b.Addr(), topic, 0, numbered("", 3*batchRecords)...)
	n := newNode(t, input(b.Addr(), group, topic)).settling()
	n.Fill()
	n.open(t)
	n.Await("the lag", func() bool { return n.LagOf(topic+"/0") > 0 })
	n.Empty()
	n.Await("all records", func() bool { return len(n.Taken()) == 3*batchRecords })
	n.Fill()
	write(t, b.Addr(), topic, 0, numbered("more", 1)...)
	n.Await("the lag of a blocked reader", func() bool { return n.LagOf(topic+"/0") > 0 })
	n.close() // Ends although Batch waits.
	if got := b.CommittedOffsets(group, topic)[0]; got != 3*batchRecords {
		t.Errorf("committed is %d", got)
	}
}
