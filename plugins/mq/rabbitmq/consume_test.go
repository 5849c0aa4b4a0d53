package rabbitmq

import (
	"fmt"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/pushcore/pushcore/plugins/mq/internal/mqtest"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/test/brokers"
)

func TestRecordsArriveWholeAndInOrder(t *testing.T) {
	b := brokers.SharedRabbitMQ(t)
	queue := name(t, "push")
	declare(t, b.URL(), queue, nil)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	send(t, b.URL(), queue, amqp.Publishing{
		MessageId: "m1", Timestamp: at, ContentType: "text/plain", Body: []byte("hello"),
		Headers: amqp.Table{"push-to": []any{"user:alice", "user:bob"}, "push-ttl": int32(0), "raw": []byte{0xff}},
	}, amqp.Publishing{Body: nil})
	n := newNode(t, input(b.URL(), "", queue)).settling().open(t)
	n.Await("two records", func() bool { return len(n.Taken()) == 2 })
	first, second := n.Taken()[0], n.Taken()[1]
	if first.Source != queue || n.Stable(queue) || first.Position != 1 || second.Position != 2 || first.Redelivered {
		t.Errorf("the records came as %+v and %+v", first, second)
	}
	if first.MessageID != "m1" || !first.Timestamp.Equal(at) || string(first.Body) != "hello" || string(first.Key) != queue {
		t.Errorf("got %q %v %q %q", first.MessageID, first.Timestamp, first.Body, first.Key)
	}
	want := "[{push-to user:alice} {push-to user:bob} {push-ttl 0} {raw \xff} {content-type text/plain}]"
	if got := fmt.Sprintf("%s", first.Headers); got != want {
		t.Errorf("headers are %s, want %s", got, want)
	}
	n.close()
	checkLeft(t, b.URL(), queue, 0)
}

func TestOnlySettledRecordsAreAcknowledged(t *testing.T) {
	b := brokers.SharedRabbitMQ(t)
	queue := name(t, "push")
	declare(t, b.URL(), queue, nil)
	send(t, b.URL(), queue, numbered("", 10)...)
	n := newNode(t, input(b.URL(), "", queue)).open(t)
	n.Await("ten records", func() bool { return len(n.Taken()) == 10 })
	settle := func(outcome sdk.Outcome, tags ...uint64) {
		n.settle(sdk.Settlement{Source: queue, Epoch: n.Epoch(queue), Outcome: outcome, Positions: tags})
	}
	settle(sdk.Done, 5, 8)
	settle(sdk.Done, 1, 2)
	settle(sdk.Done, 3, 4, 6) // 5 is past already: the multiple ack has to end at a tag that is new.
	settle(sdk.Done, 6, 99)   // Settled, and never delivered.
	n.settle(sdk.Settlement{Source: queue, Epoch: n.Epoch(queue) - 1, Positions: []uint64{7}})
	settle(sdk.Dead, 9)
	n.close()

	again := newNode(t, input(b.URL(), "", queue)).settling().open(t)
	again.Await("what was not settled", func() bool { return len(again.Taken()) == 2 })
	for i, want := range []string{"6", "9"} {
		if r := again.Taken()[i]; string(r.Body) != want || !r.Redelivered {
			t.Errorf("record %q came again, redelivered %v", r.Body, r.Redelivered)
		}
	}
	if strings.Contains(n.Logged(), "queue is not read") {
		t.Errorf("the broker closed a channel:\n%s", n.Logged())
	}
}

func TestRecordGivenBackIsDeliveredAgain(t *testing.T) {
	b := brokers.SharedRabbitMQ(t)
	queue := name(t, "push")
	declare(t, b.URL(), queue, nil)
	send(t, b.URL(), queue, numbered("", 3)...)
	n := newNode(t, input(b.URL(), "", queue)).open(t)
	n.Await("three records", func() bool { return len(n.Taken()) == 3 })
	epoch := n.Epoch(queue)
	n.settle(sdk.Settlement{Source: queue, Epoch: epoch, Outcome: sdk.Requeue, Positions: []uint64{2}})
	n.Await("the record once more", func() bool { return len(n.Taken()) == 4 })
	if r := n.Taken()[3]; string(r.Body) != "1" || !r.Redelivered || r.Epoch != epoch {
		t.Errorf("came again %q, redelivered %v, in epoch %d", r.Body, r.Redelivered, r.Epoch)
	}
	n.settle(sdk.Settlement{Source: queue, Epoch: epoch, Positions: []uint64{1, 3, 4}})
	n.close()
	checkLeft(t, b.URL(), queue, 0)
}

func TestDeadRecordsGoTheBrokersOwnWay(t *testing.T) {
	b := brokers.SharedRabbitMQ(t)
	queue, graves := name(t, "push"), name(t, "graves")
	declare(t, b.URL(), graves, nil)
	declare(t, b.URL(), queue, amqp.Table{"x-dead-letter-exchange": "", "x-dead-letter-routing-key": graves})
	send(t, b.URL(), queue, numbered("", 2)...)
	n := newNode(t, input(b.URL(), "", queue)).open(t)
	n.Await("both records", func() bool { return len(n.Taken()) == 2 })
	n.settle(sdk.Settlement{Source: queue, Epoch: n.Epoch(queue), Outcome: sdk.Dead, Positions: []uint64{1}})
	n.Eventually("the dead letter", func() bool { return left(t, b.URL(), graves) == 1 })
}

func TestUnacknowledgedRecordsAreBoundedByPrefetch(t *testing.T) {
	b := brokers.SharedRabbitMQ(t)
	queue := name(t, "push")
	declare(t, b.URL(), queue, nil)
	send(t, b.URL(), queue, numbered("", 30)...)
	n := newNode(t, input(b.URL(), `,"prefetch":10`, queue)).open(t)
	n.Await("as many as may be open", func() bool { return len(n.Taken()) == 10 })
	n.Eventually("the lag", func() bool { return n.LagOf(queue) == 20 })
	if got := len(n.Taken()); got != 10 {
		t.Errorf("%d records came while 10 may be open", got)
	}
	for done := 0; done < 30; {
		taken := n.Taken()
		for _, r := range taken[done:] {
			n.settle(mqtest.Settlement(queue, r.Epoch, sdk.Done, r.Record))
		}
		done = len(taken)
		n.Await("more", func() bool { return len(n.Taken()) > done || done == 30 })
	}
}

func TestPausedSourceHandsOverNothing(t *testing.T) {
	b := brokers.SharedRabbitMQ(t)
	queue, other := name(t, "push"), name(t, "other")
	declare(t, b.URL(), queue, nil)
	declare(t, b.URL(), other, nil)
	n := newNode(t, input(b.URL(), "", queue, other)).settling().open(t)
	n.Await("both queues", func() bool { return len(n.Sources()) == 2 })
	n.plugin.Pause(queue)
	send(t, b.URL(), queue, numbered("paused", 5)...)
	send(t, b.URL(), other, numbered("other", 5)...)
	n.Await("the other queue", func() bool { return len(n.Taken()) == 5 })
	for _, r := range n.Taken() {
		if r.Source != other {
			t.Errorf("%q came from a paused source", r.Body)
		}
	}
	n.plugin.Resume(queue)
	n.Await("all", func() bool { return len(n.Taken()) == 10 })
}

func TestFullHostLosesNothing(t *testing.T) {
	b := brokers.SharedRabbitMQ(t)
	queue := name(t, "push")
	declare(t, b.URL(), queue, nil)
	send(t, b.URL(), queue, numbered("", 700)...)
	n := newNode(t, input(b.URL(), "", queue)).settling()
	n.Fill()
	n.open(t)
	n.Await("the queue", func() bool { return len(n.Sources()) == 1 })
	n.Empty()
	n.Await("all records", func() bool { return len(n.Taken()) == 700 })
	n.Fill()
	send(t, b.URL(), queue, numbered("more", 3)...)
	n.close() // Ends although Batch waits.
	checkLeft(t, b.URL(), queue, 3)
}

func TestMissingQueueIsOneWarningAndWaitedFor(t *testing.T) {
	b := brokers.SharedRabbitMQ(t)
	queue, there := name(t, "late"), name(t, "there")
	declare(t, b.URL(), there, nil)
	n := newNode(t, input(b.URL(), "", queue, there)).settling().open(t)
	n.Await("a word on the missing queue", func() bool { return strings.Contains(n.Text(), queue) && n.Up() })
	send(t, b.URL(), there, numbered("", 1)...)
	n.Await("the queue that is there", func() bool { return len(n.Taken()) == 1 })
	declare(t, b.URL(), queue, nil)
	send(t, b.URL(), queue, numbered("late", 1)...)
	n.Await("the late queue", func() bool { return len(n.Taken()) == 2 })
	if got := strings.Count(n.Logged(), "does not exist"); got != 1 {
		t.Errorf("warned %d times:\n%s", got, n.Logged())
	}
}

func TestDeletedQueueIsRevokedAndWaitedFor(t *testing.T) {
	b := brokers.SharedRabbitMQ(t)
	queue := name(t, "push")
	declare(t, b.URL(), queue, nil)
	n := newNode(t, input(b.URL(), "", queue)).settling().open(t)
	n.Await("the queue", func() bool { return n.Epoch(queue) != 0 })
	first := n.Epoch(queue)
	with(t, b.URL(), func(ch *amqp.Channel) error {
		_, err := ch.QueueDelete(queue, false, false, false)
		return err
	})
	n.Await("its revocation", func() bool { return n.Epoch(queue) != first })
	declare(t, b.URL(), queue, nil)
	send(t, b.URL(), queue, numbered("", 1)...)
	n.Await("a record of the new one", func() bool { return len(n.Taken()) == 1 && n.Taken()[0].Epoch > first })
}

func TestDeclaredQueueHasASingleActiveConsumer(t *testing.T) {
	b := brokers.SharedRabbitMQ(t)
	queue := name(t, "push")
	first := newNode(t, input(b.URL(), `,"declare":true`, queue)).settling().open(t)
	first.Await("the queue", func() bool { return first.Epoch(queue) != 0 })
	second := newNode(t, input(b.URL(), `,"declare":true`, queue)).settling().open(t)
	second.Await("the queue", func() bool { return second.Epoch(queue) != 0 })
	send(t, b.URL(), queue, numbered("", 10)...)
	first.Await("all records", func() bool { return len(first.Taken()) == 10 })
	first.close()
	send(t, b.URL(), queue, numbered("later", 1)...)
	second.Await("what came later", func() bool { return len(second.Taken()) == 1 })
}

func TestAnotherConsumerIsReportedOnce(t *testing.T) {
	b := brokers.SharedRabbitMQ(t)
	queue := name(t, "push")
	declare(t, b.URL(), queue, nil)
	first := newNode(t, input(b.URL(), "", queue)).settling().open(t)
	first.Await("the queue", func() bool { return first.Epoch(queue) != 0 })
	second := newNode(t, input(b.URL(), "", queue)).settling().open(t)
	second.Await("a word on the other node", func() bool { return strings.Contains(second.Text(), "2 consumers") && second.Up() })
	first.Await("the same from the first one", func() bool { return strings.Contains(first.Text(), "2 consumers") })
	if got := strings.Count(first.Logged(), "2 consumers"); got != 1 {
		t.Errorf("said %d times:\n%s", got, first.Logged())
	}
}

func TestConsumingSurvivesAKilledBroker(t *testing.T) {
	b := brokers.RabbitMQ(t)
	declare(t, b.URL(), "push", amqp.Table{"x-queue-type": "quorum", "x-single-active-consumer": true})
	b.WaitQuorumQueue("push")
	send(t, b.URL(), "push", numbered("", 100)...)
	n := newNode(t, input(b.URL(), "", "push")).open(t)
	n.Await("the records", func() bool { return len(n.Taken()) == 100 })
	old := n.Epoch("push")
	var half []sdk.Record
	for _, r := range n.Taken()[:50] {
		half = append(half, r.Record)
	}
	b.Kill()
	n.Await("the revocation", func() bool { return n.Epoch("push") == 0 && !n.Up() })
	n.settle(mqtest.Settlement("push", old, sdk.Done, half...)) // Of an epoch that is gone.
	b.Start()
	n.Await("all of them again", func() bool { return len(n.Taken()) == 200 && n.Up() })
	for i, r := range n.Taken()[100:] {
		if string(r.Body) != fmt.Sprint(i) || r.MessageID != fmt.Sprint(i) || r.Epoch <= old {
			t.Fatalf("record %d came again as %q in epoch %d", i, r.Body, r.Epoch)
		}
		n.settle(mqtest.Settlement("push", r.Epoch, sdk.Done, r.Record))
	}
	n.close()
	checkLeft(t, b.URL(), "push", 0)
}
