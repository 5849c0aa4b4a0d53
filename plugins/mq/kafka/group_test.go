package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"github.com/pushcore/pushcore/plugins/mq/internal/mqtest"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/test/brokers"
)

// stranger is a bare second member of a group: it takes its partitions, commits
// nothing, and leaves.
func stranger(t *testing.T, addr, group, topic string) (partitions int, leave func()) {
	t.Helper()
	member, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: group, Brokers: []string{addr}, Topics: []string{topic},
		HeartbeatInterval: 500 * time.Millisecond, SessionTimeout: 8 * time.Second, JoinGroupBackoff: 100 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Second)
	defer cancel()
	for {
		next, err := member.Next(ctx)
		if ctx.Err() != nil {
			member.Close()
			t.Fatal("the second member was not let in")
		}
		if err == nil && len(next.Assignments[topic]) > 0 {
			return len(next.Assignments[topic]), func() { member.Close() }
		}
	}
}

func TestRebalanceInTheMiddleOfWorkLosesNothing(t *testing.T) {
	const partitions, each = 4, 1500
	b := brokers.SharedKafka(t)
	topic, group := name(t, "push"), name(t, "group")
	b.CreateTopic(topic, partitions)
	for p := range partitions {
		write(t, b.Addr(), topic, p, numbered(fmt.Sprintf("%d-", p), each/2)...)
	}
	n := newNode(t, input(b.Addr(), group, topic))
	n.Batched = func(batch sdk.Records) {
		// Every seventh record stays open until the rebalances are over: a hole in each partition.
		for _, r := range batch.Records {
			if r.Position%7 != 3 || n.Distinct() == partitions*each {
				n.settle(mqtest.Settlement(batch.Source, batch.Epoch, sdk.Done, r))
			}
		}
	}
	n.open(t)
	n.Await("the first half", func() bool { return n.Distinct() == partitions*each/2 })
	got, leave := stranger(t, b.Addr(), group, topic)
	if got == 0 || got == partitions {
		t.Errorf("the second member was given %d partitions", got)
	}
	n.Await("the rest of the partitions", func() bool { return len(n.Sources()) == partitions-got })
	n.Await("a word on the other member", func() bool { return strings.Contains(n.Logged(), "has 2 members") })
	for p := range partitions {
		write(t, b.Addr(), topic, p, numbered(fmt.Sprintf("%d+", p), each/2)...)
	}
	leave()
	n.Await("all partitions again", func() bool { return len(n.Sources()) == partitions })
	n.Await("all records", func() bool { return n.Distinct() == partitions*each })
	for p, offset := range b.CommittedOffsets(group, topic) {
		if offset > 3 {
			t.Errorf("%d is committed in partition %d while record 3 is open", offset, p)
		}
	}
	for _, r := range n.Taken() {
		n.settle(mqtest.Settlement(r.Source, r.Epoch, sdk.Done, r.Record))
	}
	for p := range partitions {
		n.awaitCommitted(b, group, topic, p, each)
	}
	if got := strings.Count(n.Logged(), "has 2 members"); got != 1 {
		t.Errorf("the other member was reported %d times", got)
	}
}

func TestConsumingSurvivesAKilledBroker(t *testing.T) {
	b := brokers.Kafka(t)
	b.CreateTopic("push", 2)
	for p := range 2 {
		write(t, b.Addr(), "push", p, numbered(fmt.Sprintf("%d-", p), 100)...)
	}
	n := newNode(t, input(b.Addr(), "g", "push")).settling().open(t)
	n.Await("the first records", func() bool { return n.Distinct() == 200 })
	n.awaitCommitted(b, "g", "push", 0, 100)
	b.Kill()
	n.Await("a status that says so", func() bool { return !n.Up() })
	b.Start()
	for p := range 2 {
		write(t, b.Addr(), "push", p, numbered(fmt.Sprintf("%d+", p), 100)...)
	}
	n.Await("the later records", func() bool { return n.Distinct() == 400 && n.Up() })
	n.awaitCommitted(b, "g", "push", 0, 200)
	n.awaitCommitted(b, "g", "push", 1, 200)
}

func TestMissingTopicIsOneWarningAndWaitedFor(t *testing.T) {
	b := brokers.SharedKafka(t)
	there, late, group := name(t, "there"), name(t, "late"), name(t, "group")
	b.CreateTopic(there, 1)
	write(t, b.Addr(), there, 0, numbered("", 1)...)
	// Even from latest on, a topic that appeared while we waited is read from its beginning.
	n := newNode(t, strings.Replace(input(b.Addr(), group, there, late), earliest, latest, 1)).settling().open(t)
	n.Await("the topic that is there", func() bool { return n.Epoch(there+"/0") != 0 })
	b.CreateTopic(late, 1)
	write(t, b.Addr(), late, 0, numbered("late", 1)...)
	n.Await("the late topic", func() bool { return len(n.Taken()) == 1 })
	if r := n.Taken()[0]; string(r.Body) != "late0" {
		t.Errorf("got %q", r.Body)
	}
	if got := strings.Count(n.Logged(), "does not exist"); got != 1 {
		t.Errorf("warned %d times:\n%s", got, n.Logged())
	}
}

func TestNewGroupFarBehindStopsAndAsks(t *testing.T) {
	b := brokers.SharedKafka(t)
	topic, group := name(t, "push"), name(t, "group")
	b.CreateTopic(topic, 2)
	write(t, b.Addr(), topic, 0, numbered("", behindMax)...)
	write(t, b.Addr(), topic, 1, numbered("", 1)...)
	silent := strings.Replace(input(b.Addr(), group, topic), `,"offset_reset":"earliest"`, "", 1)
	n := newNode(t, silent)
	err := n.plugin.Open(n.Host)
	if err == nil {
		n.plugin.Close(time.Now().Add(time.Second))
		t.Fatal("opened without asking")
	}
	var refused *refusal
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "10001") || !strings.Contains(err.Error(), earliest) || !strings.Contains(err.Error(), latest) {
		t.Errorf("the error is %v", err)
	}

	// Once it was told, the group is not new any more, also where nothing was read.
	fromNow := newNode(t, strings.Replace(input(b.Addr(), group, topic), earliest, latest, 1)).settling().open(t)
	fromNow.awaitCommitted(b, group, topic, 0, behindMax)
	fromNow.awaitCommitted(b, group, topic, 1, 1)
	write(t, b.Addr(), topic, 0, numbered("new", 1)...)
	fromNow.Await("the new record", func() bool { return len(fromNow.Taken()) == 1 })
	fromNow.close()
	newNode(t, silent).open(t)
}

func TestTLSAndPasswordsArePassedThrough(t *testing.T) {
	b := brokers.Kafka(t, brokers.Secure())
	b.CreateTopic("push", 1)
	b.CreateTopic("uplink", 1)
	write(t, b.Addr(), "push", 0, numbered("", 1)...)
	secure := func(mechanism, password string) string {
		return fmt.Sprintf(`{"brokers":[%q],"tls":{"ca_file":%q},"sasl":{"mechanism":%q,"username":%q,"password":%q},
			"input":{"topics":["push"],"group":%q},"uplink":{"topic":"uplink"}}`,
			b.SecureAddr(), b.CAFile(), mechanism, brokers.Username, password, mechanism)
	}
	for i, mechanism := range []string{"plain", "scram-sha-512"} {
		n := newNode(t, secure(mechanism, brokers.Password)).settling().open(t)
		n.Await("a record by "+mechanism, func() bool { return len(n.Taken()) == 1 })
		n.publish(keyed(uint64(i+1), 1, "alice")...)
		n.Await("an answer", func() bool { return n.Results() == 1 })
		if r, _ := n.Result(uint64(i + 1)); r.Error != "" {
			t.Errorf("publish by %s: %s", mechanism, r.Error)
		}
	}
	wrong := newNode(t, secure("scram-sha-512", "guess"))
	if err := wrong.plugin.Open(wrong.Host); err == nil {
		wrong.plugin.Close(time.Now().Add(time.Second))
		t.Error("opened with a wrong password")
	}
}
