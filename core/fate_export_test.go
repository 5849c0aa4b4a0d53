package core

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/host"
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/sdk"
)

// slowBroker keeps what it is given until it is told to answer.
type slowBroker struct {
	mu      sync.Mutex // guards the following
	records []sdk.Outgoing
	replies []host.Reply
}

func (b *slowBroker) publish(r sdk.Outgoing, reply host.Reply) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.records, b.replies = append(b.records, r), append(b.replies, reply)
}

// answer answers all that is unanswered.
func (b *slowBroker) answer(err string) (n int) {
	b.mu.Lock()
	replies := b.replies
	b.replies = nil
	b.mu.Unlock()
	for _, reply := range replies {
		reply(sdk.PublishResult{Error: err})
	}
	return len(replies)
}

func (b *slowBroker) given() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.records)
}

func someFates(from, n int) (all []shard.Fate) {
	for i := range n {
		all = append(all, shard.Fate{ID: fmt.Sprint("m", from+i), User: "alice"})
	}
	return all
}

func TestFatesArePublishedInOrderWithABoundOnThoseUnanswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := new(slowBroker)
		e := newFateExport(b.publish)
		e.start()
		const all = 3*fatesInFlightMax + 1
		e.put(someFates(0, 100))
		e.put(someFates(100, all-100))
		for want := fatesInFlightMax; ; want = min(want+fatesInFlightMax, all) {
			synctest.Wait()
			if got := b.given(); got != want {
				t.Fatalf("the broker was given %d, want %d", got, want)
			}
			if b.answer("") == 0 {
				break
			}
		}
		e.close(time.Minute)
		for i, r := range b.records {
			if want := fmt.Sprintf(`"id":"m%d"`, i); r.Output != sdk.OutputFates || string(r.Key) != "alice" || !strings.Contains(string(r.Body), want) {
				t.Fatalf("record %d is %s of %s: %s", i, r.Output, r.Key, r.Body)
			}
		}
		if lost := e.lost.Load(); lost != 0 {
			t.Errorf("%d are counted as lost", lost)
		}
	})
}

// TestFatesThatDoNotFitAreDroppedAndCounted has a broker that does not answer at
// all: put returns, memory is bounded, and every fate is published or counted.
func TestFatesThatDoNotFitAreDroppedAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := new(slowBroker)
		e := newFateExport(b.publish)
		e.start()
		const batches, each = 5, fatesWaitingMax
		for i := range batches {
			e.put(someFates(i*each, each))
			synctest.Wait()
		}
		e.put(someFates(batches*each, 1))
		if got, want := e.lost.Load(), uint64((batches-2)*each+1); got != want {
			t.Errorf("%d are counted as lost, want %d: two times %d are held", got, want, each)
		}
		begun := time.Now()
		e.close(2 * time.Second)
		if took := time.Since(begun); took != 2*time.Second {
			t.Errorf("the end took %v", took)
		}
		b.answer("the node is stopping")
		if got, want := e.lost.Load(), uint64(batches*each+1); got != want {
			t.Errorf("at the end %d are counted as lost, want %d", got, want)
		}
		e.put(someFates(0, 1))
		if got, want := e.lost.Load(), uint64(batches*each+2); got != want {
			t.Errorf("after the end %d are counted as lost, want %d", got, want)
		}
	})
}

func TestFatesThatTheBrokerRefusesAreCountedAndNotTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var e *fateExport
		tries := 0
		e = newFateExport(func(_ sdk.Outgoing, reply host.Reply) {
			tries++
			reply(sdk.PublishResult{Error: "away"}) // At once, as a full instance does.
		})
		e.start()
		e.put(someFates(0, 2*fatesInFlightMax))
		e.close(time.Minute)
		if lost := e.lost.Load(); lost != 2*fatesInFlightMax || tries != 2*fatesInFlightMax {
			t.Errorf("%d tries, %d lost", tries, lost)
		}
	})
}

func TestFateIsPublishedAsAReceipt(t *testing.T) {
	at := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	f := shard.Fate{
		ID: "m1", Origin: envelope.Origin{Plugin: "orders", Source: "push/3", Position: 7}, User: "alice", Device: "phone",
		Fate: envelope.Dead, Reason: envelope.NoAck, Attempts: 30, AcceptedAt: at, At: at.Add(time.Second)}
	var got any
	if err := json.Unmarshal(f.Body(), &got); err != nil {
		t.Fatal(err)
	}
	const want = `map[accepted_at:2026-05-04T03:02:01Z at:2026-05-04T03:02:02Z attempts:30 device:phone event:dead id:m1 reason:no_ack ` +
		`source:map[offset:7 partition:3 plugin:orders topic:push] to:device:alice/phone user:alice]`
	if fmt.Sprint(got) != want {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}
