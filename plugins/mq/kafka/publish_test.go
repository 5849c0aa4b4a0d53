package kafka

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"github.com/pushcore/pushcore/plugins/mq/internal/mqtest"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/test/brokers"
)

func uplinks(addr, topic string) string {
	return fmt.Sprintf(`{"brokers":[%q],"uplink":{"topic":%q}}`, addr, topic)
}

func (n *node) publish(records ...sdk.Outgoing) {
	n.calls.Lock()
	defer n.calls.Unlock()
	n.plugin.Publish(records)
}

// keyed are n uplinks of each key, in turns, with IDs from first on.
func keyed(first uint64, n int, keys ...string) []sdk.Outgoing {
	var all []sdk.Outgoing
	for i := range n {
		for _, key := range keys {
			all = append(all, sdk.Outgoing{
				ID: first + uint64(len(all)), Output: sdk.OutputUplink, Key: []byte(key), Body: fmt.Appendf(nil, "%s %06d", key, i),
				Headers: []sdk.Header{{Name: "push-from", Value: []byte("device:" + key + "/1")}},
			})
		}
	}
	return all
}

// readAll reads n records of a partition.
func readAll(t *testing.T, addr, topic string, partition, n int) []kafka.Message {
	t.Helper()
	conn, err := kafka.DialLeader(context.Background(), "tcp", addr, topic, partition)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	var all []kafka.Message
	for len(all) < n {
		batch := conn.ReadBatch(1, 1<<20)
		for {
			m, err := batch.ReadMessage()
			if err != nil {
				break
			}
			all = append(all, m)
		}
		if err := batch.Close(); err != nil {
			t.Fatalf("after %d records: %v", len(all), err)
		}
	}
	return all
}

func endOf(t *testing.T, addr, topic string, partition int) int {
	t.Helper()
	conn, err := kafka.DialLeader(context.Background(), "tcp", addr, topic, partition)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	last, err := conn.ReadLastOffset()
	if err != nil {
		t.Fatal(err)
	}
	return int(last)
}

// checkOrder fails if a key's values are not in order, each at least once, and a
// key is in one partition only.
func checkOrder(t *testing.T, addr, topic string, partitions, perKey int, keys ...string) {
	t.Helper()
	seen := map[string]map[string]bool{}
	for p := range partitions {
		newest := map[string]string{}
		for _, m := range readAll(t, addr, topic, p, endOf(t, addr, topic, p)) {
			key, value := string(m.Key), string(m.Value)
			if seen[key] == nil {
				seen[key] = map[string]bool{}
			}
			if value <= newest[key] && !seen[key][value] {
				t.Errorf("%q came behind %q", value, newest[key])
			}
			seen[key][value] = true
			newest[key] = max(newest[key], value)
		}
	}
	for _, key := range keys {
		if len(seen[key]) != perKey {
			t.Errorf("%d of %d records of %s are in the topic", len(seen[key]), perKey, key)
		}
	}
}

func TestPublishedRecordsAreWholeAndKeepTheOrderOfTheirKey(t *testing.T) {
	b := brokers.SharedKafka(t)
	topic := name(t, "uplink")
	b.CreateTopic(topic, 4)
	n := newNode(t, uplinks(b.Addr(), topic)).open(t)
	keys := []string{"alice", "bob", "carol", "dave", "erin"}
	n.publish(keyed(1, 1000, keys...)...)
	n.Await("all answers", func() bool { return n.Results() == 5000 })
	for id := range uint64(5000) {
		if r, _ := n.Result(id + 1); r.Error != "" {
			t.Fatalf("publish %d: %s", r.ID, r.Error)
		}
	}
	checkOrder(t, b.Addr(), topic, 4, 1000, keys...)

	n.publish(sdk.Outgoing{ID: 9001, Output: sdk.OutputUplink, Body: nil})
	n.publish(sdk.Outgoing{ID: 9002, Output: sdk.OutputReceipt})
	n.Await("two more answers", func() bool { return n.Results() == 5002 })
	if r, _ := n.Result(9002); r.Error == "" || !r.Final {
		t.Errorf("a record for an output that is not configured: %+v", r)
	}
}

func TestRecordThatIsTooLargeIsFinalAndStopsNoOther(t *testing.T) {
	b := brokers.SharedKafka(t)
	topic := name(t, "uplink")
	b.CreateTopic(topic, 1, kafka.ConfigEntry{ConfigName: "max.message.bytes", ConfigValue: "2000"})
	n := newNode(t, uplinks(b.Addr(), topic)).open(t)
	all := keyed(1, 40, "alice") // Together they are above the bound as well.
	all[7].Body = []byte(strings.Repeat("x", 3000))
	n.publish(all...)
	n.Await("all answers", func() bool { return n.Results() == 40 })
	for id := range uint64(40) {
		r, _ := n.Result(id + 1)
		if large := id == 7; (r.Error != "") != large || r.Final != large {
			t.Errorf("publish %d: %+v", id+1, r)
		}
	}
	checkOrder(t, b.Addr(), topic, 1, 39, "alice")
}

func TestPublishingSurvivesABrokerThatIsAway(t *testing.T) {
	b := brokers.Kafka(t)
	b.CreateTopic("uplink", 2)
	n := newNode(t, uplinks(b.Addr(), "uplink")).open(t)
	n.publish(keyed(1, 10, "alice", "bob")...)
	n.Await("the first answers", func() bool { return n.Results() == 20 })
	b.Kill()
	n.publish(keyed(21, 10, "alice", "bob")...)
	n.Await("a status that says so", func() bool { return !n.Up() })
	b.Start()
	n.Await("all answers", func() bool { return n.Results() == 40 })
	for id := range uint64(40) {
		if r, _ := n.Result(id + 1); r.Error != "" {
			t.Errorf("publish %d: %s", r.ID, r.Error)
		}
	}
	checkOrder(t, b.Addr(), "uplink", 2, 10, "alice", "bob")
	n.Await("a status that says so", func() bool { return n.Up() })
}

func TestMissingOutputTopicIsAnErrorAtStart(t *testing.T) {
	b := brokers.SharedKafka(t)
	n := newNode(t, uplinks(b.Addr(), name(t, "nowhere")))
	err := n.plugin.Open(n.Host)
	if err == nil {
		n.plugin.Close(time.Now().Add(time.Second))
		t.Fatal("opened without its output")
	}
	if !strings.Contains(err.Error(), name(t, "nowhere")) {
		t.Errorf("the error does not name the topic: %v", err)
	}
}

func TestClusterThatIsAwayIsNoErrorAtStart(t *testing.T) {
	n := &node{Host: mqtest.New(t), plugin: New()}
	mqtest.Configure(t, n.plugin, `{"brokers":["127.0.0.1:1"],"input":{"topics":["push"],"group":"g"},"uplink":{"topic":"uplink"}}`)
	n.open(t)
	n.Await("a status that says so", func() bool { return !n.Up() && n.Text() != "" })
	n.publish(keyed(1, 1, "alice")...)
	n.close()
	if r, ok := n.Result(1); !ok || r.Error == "" || r.Final {
		t.Errorf("the answer at the end is %+v, %v", r, ok)
	}
}
