package kafka

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/pushcore/pushcore/plugins/mq/internal/mqtest"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/test/brokers"
)

// holder settles what comes, but for a hole every few records that stays open until
// the test has come so far.
type holder struct {
	n *node

	mu      sync.Mutex // guards the following
	until   uint64     // holes below this are settled
	settled map[string]bool
}

func (h *holder) take(b sdk.Records) {
	h.mu.Lock()
	var some []sdk.Record
	for _, r := range b.Records {
		if r.Position%7 != 3 || r.Position < h.until {
			some = append(some, r)
			h.settled[fmt.Sprint(b.Source, ":", r.Position)] = true
		}
	}
	h.mu.Unlock()
	if len(some) > 0 {
		h.n.settle(mqtest.Settlement(b.Source, b.Epoch, sdk.Done, some...))
	}
}

// fill settles the holes below a position, those that have come already.
func (h *holder) fill(until uint64) {
	h.mu.Lock()
	h.until = until
	h.mu.Unlock()
	for _, r := range h.n.Taken() {
		if r.Epoch == h.n.Epoch(r.Source) {
			h.take(sdk.Records{Source: r.Source, Epoch: r.Epoch, Records: []sdk.Record{r.Record}})
		}
	}
}

// check holds the commits against what was settled.
func (h *holder) check(t *testing.T, b *brokers.KafkaBroker, when string) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	for p, end := range b.CommittedOffsets("g", "push") {
		for offset := range end {
			if source := "push/" + strconv.Itoa(p); !h.settled[fmt.Sprint(source, ":", offset)] {
				t.Errorf("%s: %d is committed in %s, while %d was never settled", when, end, source, offset)
				break
			}
		}
	}
}

func TestCommitsNeverPassAHoleWhenTheBrokerIsKilledAgainAndAgain(t *testing.T) {
	const partitions, each = 2, 60
	kills := 2
	if os.Getenv("PUSHCORE_LONG") != "" {
		kills = 5
	}
	b := brokers.Kafka(t)
	b.CreateTopic("push", partitions)
	n := newNode(t, input(b.Addr(), "g", "push"))
	h := &holder{n: n, settled: map[string]bool{}}
	n.Batched = h.take
	n.open(t)
	for kill := range kills {
		before := n.Distinct()
		for p := range partitions {
			write(t, b.Addr(), "push", p, numbered(fmt.Sprintf("%d-%d-", p, kill), each)...)
		}
		n.Await("the first of this round", func() bool { return n.Distinct() > before })
		b.Kill()
		h.fill(uint64(kill * each)) // Some of it for an epoch that is about to end.
		n.Await("a status that says so", func() bool { return !n.Up() })
		b.Start()
		h.check(t, b, fmt.Sprintf("after kill %d", kill+1))
		n.Await("all that was written", func() bool { return n.Up() && n.Distinct() == (kill+1)*each*partitions })
		h.check(t, b, fmt.Sprintf("in round %d", kill+1))
	}
	h.fill(uint64(kills * each))
	for p := range partitions {
		n.awaitCommitted(b, "g", "push", p, int64(kills*each))
	}
	h.check(t, b, "at the end")
	if got := strings.Count(n.Logged(), "were not committed"); got > 2*kills {
		t.Errorf("failed commits were reported %d times", got)
	}
}
