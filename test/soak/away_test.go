package soak

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pushcore/pushcore/sdk/client"
	"github.com/pushcore/pushcore/test/brokers"
)

func TestKafkaThatIsAway(t *testing.T) {
	b := newKafkaBus(t, brokers.Kafka(t))
	testAway(t, b, b.broker.Kill, b.broker.Start)
}

func TestRabbitMQThatIsAway(t *testing.T) {
	b := newRabbitBus(t, brokers.RabbitMQ(t))
	testAway(t, b, b.broker.Kill, func() { b.broker.Start(); b.connect() })
}

// uplinksAway is more than the queue of uplinks holds in this test.
const uplinksAway = 40

// testAway kills the broker while a node has records, a receipt, a dead letter and
// uplinks to deal with: what is here is still pushed, and when the broker is back
// everything that was owed arrives.
func testAway(t *testing.T, b bus, kill, start func()) {
	n := startNode(t, b.config()+"limits: { uplink: { queue: { messages: 8 } } }\n")
	got, away := make(chan client.Message, 10), make(chan struct{})
	c, err := client.Dial(t.Context(), client.Config{
		URLs: []string{n.urls["ws"]}, User: "alice", Device: "phone",
		Handler: func(ctx context.Context, m client.Message) error {
			got <- m
			switch m.Name {
			case "acked late":
				select {
				case <-away:
				case <-ctx.Done():
				}
			case "refused late":
				return client.Refuse(errors.New("not this one"))
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = c.Close(ctx)
	})
	next := func() client.Message {
		t.Helper()
		select {
		case m := <-got:
			return m
		case <-time.After(time.Minute):
			t.Fatalf("the device got nothing for a minute")
			return client.Message{}
		}
	}
	b.put(map[string]string{"push-to": "user:alice", "push-id": "m1", "push-name": "acked late", "push-receipt": "final"}, "1")
	next()
	b.put(map[string]string{"push-to": "user:alice", "push-id": "m2", "push-name": "refused late"}, "2")
	waitFor(t, "both records", time.Minute, func() bool { return n.metric(`pushcore_ingress_open_records{plugin="mq"}`) == "2" })

	kill()
	waitFor(t, "the node to notice", time.Minute, func() bool { return n.metric(`pushcore_plugin_up{plugin="mq"}`) == "0" })
	close(away)
	if m := next(); string(m.Payload) != "2" {
		t.Errorf("the device got %+v", m)
	}
	n.push(t, "user:alice", "by http")
	if m := next(); string(m.Payload) != "by http" {
		t.Errorf("while the broker was away, the device got %+v", m)
	}
	var sending sync.WaitGroup
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for i := range uplinksAway {
		sending.Go(func() {
			if err := c.SendUplink(ctx, client.Uplink{ID: fmt.Sprintf("up-%d", i), Payload: []byte("x")}); err != nil {
				t.Errorf("uplink %d: %v", i, err)
			}
		})
	}
	if open := n.metric(`pushcore_ingress_open_records{plugin="mq"}`); open == "0" {
		t.Error("records are settled while their receipt and letter are owed")
	}

	start()
	if r := b.next("receipts"); !strings.Contains(r.body, `"event":"acked","id":"m1"`) {
		t.Errorf("receipt %s", r.body)
	}
	if d := b.next("push.dead"); d.body != "2" || d.headers["push-dead-reason"] != "refused" {
		t.Errorf("dead letter %+v", d)
	}
	sending.Wait()
	for arrived := map[string]bool{}; len(arrived) < uplinksAway && !t.Failed(); {
		arrived[b.next("uplink").headers["push-id"]] = true
	}
	b.put(map[string]string{"push-to": "user:alice", "push-id": "m3"}, "3")
	for next().ID != "m3" {
	}
	waitFor(t, "all to be settled", time.Minute, func() bool { return n.metric(`pushcore_ingress_open_records{plugin="mq"}`) == "0" })
	if d := n.metric("pushcore_books_difference"); d != "0" {
		t.Errorf("the books differ by %s", d)
	}
}

// metric is the value of the first metric whose name and labels begin so.
func (n *node) metric(name string) string {
	res, err := http.Get(n.urls["http"] + "/metrics")
	if err != nil {
		return ""
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, name) {
			return strings.TrimSpace(line[strings.LastIndexByte(line, ' ')+1:])
		}
	}
	return ""
}

// push pushes a message by HTTP.
func (n *node) push(t *testing.T, to, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, n.urls["http"]+"/v1/push", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("push-to", to)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusAccepted {
		t.Errorf("push by HTTP: %s", res.Status)
	}
}
