package kafka

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"github.com/pushcore/pushcore/plugins/mq/internal/mqtest"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/test/brokers"
)

// node is a plugin in a host, as one node would run it.
type node struct {
	*mqtest.Host
	plugin *Kafka
	calls  sync.Mutex // the runtime calls from one goroutine at a time
	close  func()
}

// settling makes a node settle each batch as done when it is taken.
func (n *node) settling() *node {
	n.Batched = func(b sdk.Records) { n.settle(mqtest.Done(b)...) }
	return n
}

func (n *node) settle(s ...sdk.Settlement) {
	n.calls.Lock()
	defer n.calls.Unlock()
	n.plugin.Settle(s)
}

func newNode(t *testing.T, options string) *node {
	t.Helper()
	n := &node{Host: mqtest.New(t), plugin: New()}
	mqtest.Configure(t, n.plugin, options)
	return n
}

// open opens the plugin; it is closed with the test, or earlier by close.
func (n *node) open(t *testing.T) *node {
	t.Helper()
	if err := n.plugin.Open(n.Host); err != nil {
		t.Fatal(err)
	}
	n.close = sync.OnceFunc(func() {
		if err := n.plugin.Close(time.Now().Add(20 * time.Second)); err != nil {
			t.Errorf("close: %v", err)
		}
		if left := n.Sources(); len(left) > 0 {
			t.Errorf("closed with %q assigned", left)
		}
	})
	t.Cleanup(n.close)
	return n
}

// input is options with an input only.
func input(addr, group string, topics ...string) string {
	list, _ := json.Marshal(topics)
	return fmt.Sprintf(`{"brokers":[%q],"input":{"topics":%s,"group":%q,"offset_reset":"earliest"}}`, addr, list, group)
}

// name is a name of this test's own for a topic or group.
func name(t *testing.T, suffix string) string {
	return strings.NewReplacer("/", "-", " ", "-").Replace(t.Name()) + "-" + suffix
}

// write writes records to one partition.
func write(t testing.TB, addr, topic string, partition int, records ...kafka.Record) {
	t.Helper()
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(addr), Transport: transport, Timeout: 20 * time.Second}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	answer, err := client.Produce(ctx, &kafka.ProduceRequest{
		Topic: topic, Partition: partition, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(records...),
	})
	if err == nil {
		err = answer.Error
	}
	if err != nil {
		t.Fatal(err)
	}
}

// numbered are n records whose values are prefix and a number from 0.
func numbered(prefix string, n int) []kafka.Record {
	var all []kafka.Record
	for i := range n {
		all = append(all, kafka.Record{Value: kafka.NewBytes(fmt.Appendf(nil, "%s%d", prefix, i))})
	}
	return all
}

// awaitCommitted waits until the group has committed offset in a partition.
func (n *node) awaitCommitted(b *brokers.KafkaBroker, group, topic string, partition int, offset int64) {
	n.Eventually(fmt.Sprintf("the commit of %d in %s/%d", offset, topic, partition), func() bool {
		got, ok := b.CommittedOffsets(group, topic)[partition]
		return ok && got == offset
	})
}
