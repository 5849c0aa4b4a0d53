package rabbitmq

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/pushcore/pushcore/plugins/mq/internal/mqtest"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/test/brokers"
)

// TestUnsettledRecordsComeBackWhenTheBrokerIsKilledAgainAndAgain leaves every
// seventh record open: an acknowledgement of all up to a tag must never take one
// along, so that each comes again with each epoch until it is settled.
func TestUnsettledRecordsComeBackWhenTheBrokerIsKilledAgainAndAgain(t *testing.T) {
	const each = 60
	kills := 2
	if os.Getenv("PUSHCORE_LONG") != "" {
		kills = 5
	}
	b := brokers.RabbitMQ(t)
	declare(t, b.URL(), "push", amqp.Table{"x-queue-type": "quorum", "x-single-active-consumer": true})
	b.WaitQuorumQueue("push")
	n := newNode(t, input(b.URL(), "", "push"))
	var mu sync.Mutex // guards open
	open := true
	held := func(id string) bool { return strings.HasSuffix(id, "3") }
	n.Batched = func(batch sdk.Records) {
		mu.Lock()
		hold := open
		mu.Unlock()
		for _, r := range batch.Records {
			if !hold || !held(r.MessageID) {
				n.settle(mqtest.Settlement(batch.Source, batch.Epoch, sdk.Done, r))
			}
		}
	}
	n.open(t)
	for kill := range kills {
		before := n.Distinct()
		send(t, b.URL(), "push", numbered(fmt.Sprintf("%d-", kill), each)...)
		n.Await("the first of this round", func() bool { return n.Distinct() > before })
		b.Kill()
		n.Await("the revocation", func() bool { return n.Epoch("push") == 0 && !n.Up() })
		b.Start()
		n.Await("all that was sent", func() bool { return n.Up() && n.Distinct() == (kill+1)*each })
		n.Await("all that is open", func() bool {
			again := map[string]bool{}
			for _, r := range n.Taken() {
				if r.Epoch == n.Epoch("push") && held(r.MessageID) {
					again[r.MessageID] = true
				}
			}
			return len(again) == (kill+1)*each/10
		})
	}
	mu.Lock()
	open = false
	mu.Unlock()
	for _, r := range n.Taken() {
		if r.Epoch == n.Epoch("push") && held(r.MessageID) {
			n.settle(mqtest.Settlement("push", r.Epoch, sdk.Done, r.Record))
		}
	}
	// What was acknowledged just before the last kill may come once more, behind all
	// that is open and before anything new.
	send(t, b.URL(), "push", numbered("last", 1)...)
	n.Await("the last record", func() bool { return n.Distinct() == kills*each+1 })
	n.close()
	checkLeft(t, b.URL(), "push", 0)
}
