package rabbitmq

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/pushcore/pushcore/plugins/mq/internal/mqtest"
	"github.com/pushcore/pushcore/sdk"
)

// node is a plugin in a host, as one node would run it.
type node struct {
	*mqtest.Host
	plugin *RabbitMQ
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

func (n *node) publish(records ...sdk.Outgoing) {
	n.calls.Lock()
	defer n.calls.Unlock()
	n.plugin.Publish(records)
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

// input is options with an input only; more are further options of it.
func input(url, more string, queues ...string) string {
	list, _ := json.Marshal(queues)
	return fmt.Sprintf(`{"url":%q,"input":{"queues":%s%s}}`, url, list, more)
}

func uplinks(url, queue string) string {
	return fmt.Sprintf(`{"url":%q,"uplink":{"routing_key":%q}}`, url, queue)
}

// name is a name of this test's own for a queue.
func name(t *testing.T, suffix string) string {
	return strings.NewReplacer("/", "-", " ", "-").Replace(t.Name()) + "-" + suffix
}

// with calls do with a channel of a connection of its own.
func with(t testing.TB, url string, do func(ch *amqp.Channel) error) {
	t.Helper()
	conn, err := amqp.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	if err := do(ch); err != nil {
		t.Fatal(err)
	}
}

func declare(t testing.TB, url, queue string, args amqp.Table) {
	t.Helper()
	with(t, url, func(ch *amqp.Channel) error {
		_, err := ch.QueueDeclare(queue, true, false, false, false, args)
		return err
	})
}

// send publishes messages to a queue and returns when the broker has them.
func send(t testing.TB, url, queue string, messages ...amqp.Publishing) {
	t.Helper()
	with(t, url, func(ch *amqp.Channel) error {
		if err := ch.Confirm(false); err != nil {
			return err
		}
		var last *amqp.DeferredConfirmation
		for _, m := range messages {
			m.DeliveryMode = amqp.Persistent
			confirmation, err := ch.PublishWithDeferredConfirm("", queue, true, false, m)
			if err != nil {
				return err
			}
			last = confirmation
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		_, err := last.WaitContext(ctx)
		return err
	})
}

// numbered are n messages whose bodies are prefix and a number from 0, and their
// ids as well.
func numbered(prefix string, n int) []amqp.Publishing {
	var all []amqp.Publishing
	for i := range n {
		text := fmt.Sprintf("%s%d", prefix, i)
		all = append(all, amqp.Publishing{MessageId: text, Body: []byte(text)})
	}
	return all
}

// left is how many messages wait in a queue; unacknowledged ones do not.
func left(t testing.TB, url, queue string) (n int) {
	t.Helper()
	with(t, url, func(ch *amqp.Channel) error {
		q, err := ch.QueueDeclarePassive(queue, true, false, false, false, nil)
		n = q.Messages
		return err
	})
	return n
}

// checkLeft checks that want messages are left in a queue that nobody reads any
// more, and that it stays so. The broker answers before it has done what it was
// told: what it gets back from a closed channel may be counted some time later.
func checkLeft(t testing.TB, url, queue string, want int) {
	t.Helper()
	const most, steady = 10 * time.Second, 3
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	late := time.NewTimer(most)
	defer late.Stop()
	for same := 0; same < steady; {
		got := left(t, url, queue)
		if same++; got != want {
			same = 0
		}
		select {
		case <-tick.C:
		case <-late.C:
			t.Errorf("%d messages are left in %s, not %d", got, queue, want)
			return
		}
	}
}
