package sim

import (
	"fmt"
	"strings"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/sdk"
)

// rest lets the world come to rest: nothing fails any more, all devices come back
// and ack. Then everything must have been delivered, and when all have left nothing
// must be left.
func (w *World) rest() {
	w.log.add("CALM")
	w.calm = true
	for _, c := range w.conns {
		c.unstall()
	}
	w.calmOutside()
	w.until("all records are settled and plain ones have arrived", 10*time.Minute, w.delivered)
	w.elapsed += 2 * time.Hour
	w.until("what nobody takes has expired", 10*time.Minute, func() bool { return len(w.pending()) == 0 && w.idle() })
	w.checkBooksAtRest()
	w.checkReceipts()
	w.leave()
}

// until lets time pass, all loops working, until a condition holds.
func (w *World) until(what string, most time.Duration, reached func() bool) {
	for end := w.elapsed + most; ; w.pass(200 * time.Millisecond) {
		w.work()
		w.check()
		if reached() {
			return
		}
		if w.elapsed > end {
			w.broken("it does not come about that %s; %s", what, w.state())
		}
	}
}

// state is what the world waits for.
func (w *World) state() string {
	var b strings.Builder
	for _, s := range w.sources {
		fmt.Fprintf(&b, "%s committed %d of %d; ", s.name, s.committed, len(s.log))
	}
	if r := w.missing(); r != nil {
		fmt.Fprintf(&b, "%s has not arrived; ", r.id)
	}
	for loop, s := range w.node.shards {
		fmt.Fprintf(&b, "loop %d holds %+v; ", loop, s.Held())
	}
	return b.String() + "pending:\n" + showSet(w.pending())
}

// work moves everything as far as it goes without time passing.
func (w *World) work() {
	for range 3 {
		w.calmOutside()
		for _, s := range w.sources {
			for s.next < len(s.log) {
				w.handOver(s)
			}
		}
		for _, d := range w.devices {
			for range 3 {
				w.liveDevice(d)
			}
		}
		for range 4 {
			w.dispatch()
		}
		for range 4 {
			w.answerAuth()
			w.answerPublish()
		}
		for loop := range w.shape.loops {
			for range 6 {
				w.turn(loop, 6)
			}
		}
		w.storeSome(20)
	}
}

// delivered says whether all that must arrive has.
func (w *World) delivered() bool {
	for _, s := range w.sources {
		if s.committed < len(s.log) {
			return false
		}
	}
	for _, id := range w.pending() {
		if r := w.records[id]; r != nil && w.owedPlainly(r) {
			return false // It has arrived, perhaps, and is not acked.
		}
	}
	return w.missing() == nil
}

// idle says that no loop waits for its store or its broker.
func (w *World) idle() bool {
	for _, s := range w.node.shards {
		if h := s.Held(); h.Jobs+h.Told+h.Untold > 0 {
			return false
		}
	}
	return true
}

// missing finds a plain record that has not arrived where it must.
func (w *World) missing() *record {
	if !w.shape.durable {
		return nil // Who was away too long has lost it, as configured.
	}
	for _, r := range w.order {
		if !w.owedPlainly(r) {
			continue
		}
		for _, d := range w.devices {
			if d.kind == solo && w.concerns(r, d) && !d.seen[r.id] {
				return r
			}
		}
	}
	return nil
}

// checkBooksAtRest compares the count of the store with what the shards know of it.
func (w *World) checkBooksAtRest() {
	held := 0
	for loop, s := range w.node.shards {
		if h := s.Held(); h.Jobs > 0 {
			w.broken("loop %d still waits for its store: %+v", loop, h)
		}
		held += s.Books().Held
	}
	if stored := w.node.store.Census(); stored != held {
		w.broken("the store has %d pairs, the shards were told of %d", stored, held)
	}
}

// checkReceipts counts receipts, where no crash has repeated any. Over crashes, too,
// what has ended for a user who is owed it in each run is told at least once.
func (w *World) checkReceipts() {
	for _, r := range w.order {
		if r.message.Receipt == envelope.ReceiptNone || !r.solo || r.message.Class == sdk.Fast || r.message.SessionsOnly {
			continue
		}
		for user := range r.ended {
			if !w.out.told[[2]string{r.id, user}] {
				w.broken("%s has ended for %s, and no receipt was published", r.id, user)
			}
		}
	}
	if w.runs > 0 {
		return
	}
	for _, r := range w.order {
		if r.message.Receipt == envelope.ReceiptNone {
			continue
		}
		ended := 0
		for _, n := range r.fates {
			ended += n
		}
		if w.out.receipts[r.id] != ended {
			w.broken("%s has ended for %d receivers and %d receipts were published", r.id, ended, w.out.receipts[r.id])
		}
	}
}

// leave ends everything and looks for what is left.
func (w *World) leave() {
	for _, d := range w.devices {
		if d.conn != nil {
			d.drop()
		}
	}
	devices := w.devices
	w.devices = nil
	w.until("all sessions have ended", time.Minute, func() bool {
		for _, s := range w.node.shards {
			if h := s.Held(); h.Sessions+h.Conns+h.Arrivals > 0 {
				return false
			}
		}
		return true
	})
	for _, d := range devices {
		w.ask(shard.Query{Kind: shard.QueryErase, User: d.user})
	}
	w.until("nothing is held", time.Minute, func() bool {
		for _, s := range w.node.shards {
			if s.Held() != (shard.Held{}) {
				return false
			}
		}
		return w.node.dispatcher.Table().Groups() == 0
	})
}

var _ = sdk.Reliable
