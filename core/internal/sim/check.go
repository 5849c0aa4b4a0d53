package sim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/sdk"
)

// pairKey names a (message, receiver).
type pairKey struct {
	user  string
	order uint64
	key   string
	taken bool // the store has ended it and does not say so yet, and meanwhile its receiver has taken another's place
}

// fated is told of each pair's end.
func (w *World) fated(f shard.Fated) {
	w.log.add("FATE %s %s/%s %v %v", f.Message.ID, f.User, f.Device, f.Fate, f.Reason)
	r := w.records[f.Message.ID]
	if r == nil {
		w.broken("%s has a fate and was never published", f.Message.ID)
	}
	r.fates[f.Fate]++
	r.ended[f.User] = true
	if f.Fate != envelope.Acked && f.Fate != envelope.Sent {
		w.history.ended[[2]string{r.id, f.User}] = int64(w.elapsed)
	}
	d := w.soloDevice(f.User)
	if d == nil {
		return
	}
	if f.Fate == envelope.Acked && !d.seen[r.id] {
		w.broken("%s counts as acked by %s, which never got it", r.id, d)
	}
	if f.Fate == envelope.Withdrawn && r.message.Ack == envelope.AckAny && d.seen[r.id] {
		return // The copy of an earlier run; the other one was acked.
	}
	if w.owedPlainly(r) && f.Fate != envelope.Acked && (w.shape.durable || f.Reason != envelope.MemoryWait) {
		w.broken("%s ends for %s as %v %v", r.id, d, f.Fate, f.Reason)
	}
}

// owedPlainly says that there is no reason for a record not to be acked.
func (w *World) owedPlainly(r *record) bool {
	return r.plain && r.solo && w.shape.patient && r.message.Class == sdk.Reliable
}

func (w *World) soloDevice(user string) *device {
	for _, d := range w.devices {
		if d.user == user && d.kind == solo {
			return d
		}
	}
	return nil
}

// checkOrder holds the order of one source to a device.
func (d *device) checkOrder(r *record) {
	w := d.world
	m := r.message
	inRun := len(r.started) == 1 && r.started[0] == w.runs
	if d.kind == wild && m.Class == sdk.Reliable {
		return // What a session without an id leaves is another receiver's.
	}
	check := func(run int) {
		key := orderKey{r.source, m.Class, run}
		if last := d.last[key]; uint64(r.position)+1 < last {
			w.broken("%s gets %s after position %d of its source", d, r.id, last-1)
		}
		d.last[key] = uint64(r.position) + 1
	}
	// A withdrawal or a collapse key of another source may have ended one receiver's
	// pair before a crash that brings its record back, because another receiver's
	// was not safe: see docs/decisions/0003.
	revived := (r.withdraw || m.Collapse != "") && len(r.started) > 1
	if !revived && d.kind == solo && r.solo && m.Class == sdk.Reliable && w.shape.patient && w.shape.durable && len(m.Except)+len(m.Platforms) == 0 && !m.SessionsOnly {
		check(0)
	}
	if inRun {
		check(w.runs + 1)
	}
}

// check is done after each step.
func (w *World) check() { w.checkBooks() }

// pending is the set of all pairs that have not ended, wherever they are.
func (w *World) pending() map[pairKey]string {
	n := w.node
	set := map[pairKey]string{}
	n.store.Scan(func(p store.Pair) { set[pairKey{p.User, p.Order, p.Receiver.Device, false}] = p.Message.ID })
	failed, waiting := map[[2]uint64]bool{}, map[[2]uint64]bool{}
	for i := range n.ops {
		waiting[[2]uint64{uint64(n.ops[i].Loop), n.ops[i].Token}] = true
	}
	for loop := range n.loops {
		for _, in := range n.loops[loop].lanes[laneStore] {
			for _, a := range in.(*shard.StoreAnswers).Answers {
				if a.Err != nil {
					failed[[2]uint64{uint64(loop), a.Token}] = true
				}
				for _, p := range slices.Concat(a.Removed, a.There) {
					key := pairKey{p.User, p.Order, p.Receiver.Device, false}
					_, key.taken = set[key]
					set[key] = p.Message.ID
				}
			}
		}
	}
	var over []pairKey
	for loop, s := range n.shards {
		s.Census(func(p shard.PairAt) {
			key := pairKey{p.User, p.Order, p.Key, false}
			switch p.Place {
			case shard.InMemory:
				set[key] = p.Message.ID
			case shard.EndedHere:
				over = append(over, key)
			case shard.UnderWay:
				token := [2]uint64{uint64(loop), p.Token}
				if p.Token == 0 || failed[token] || waiting[token] {
					set[key] = p.Message.ID
				}
			}
		})
	}
	for _, key := range over {
		delete(set, key)
		key.taken = true
		delete(set, key)
	}
	return set
}

// checkBooks compares what was owed with what has ended and what is pending.
func (w *World) checkBooks() {
	var made, ended uint64
	for loop, s := range w.node.shards {
		b := s.Books()
		if d := b.Difference(); d != 0 {
			w.broken("the books of loop %d differ by %d: %+v", loop, d, b)
		}
		made += b.Carried + b.Owed
		ended += b.Ended()
	}
	set := w.pending()
	if size := len(set); made != ended+uint64(size) {
		before := len(w.before)
		for key := range w.before {
			if set[key] != "" {
				delete(set, key)
				delete(w.before, key)
			}
		}
		w.broken("the books differ: %d carried and owed, %d ended, %d pending; a step ago %d ended, %d pending. Since the last step these went:\n%sand these came:\n%s",
			made, ended, size, w.endedBefore, before, showSet(w.before), showSet(set))
	}
	w.before, w.endedBefore = set, ended
}

func showSet(set map[pairKey]string) string {
	var lines []string
	for key, id := range set {
		lines = append(lines, fmt.Sprintf("  %s at %d for %s %q", id, key.order%1e9, key.user, key.key))
	}
	slices.Sort(lines)
	return strings.Join(append(lines, ""), "\n")
}

// checkSafe is done when a record is settled: every receiver's pair has ended or is
// in a durable store.
func (w *World) checkSafe(r *record) {
	if r.message == nil || r.message.Class == sdk.Fast {
		return
	}
	n := w.node
	stored := map[pairKey]bool{}
	n.store.Scan(func(p store.Pair) {
		if p.Message.ID == r.id {
			stored[pairKey{p.User, p.Order, p.Receiver.Device, false}] = true
		}
	})
	for _, s := range n.shards {
		s.Census(func(p shard.PairAt) {
			if p.Place == shard.EndedHere {
				delete(stored, pairKey{p.User, p.Order, p.Key, false})
			}
		})
	}
	if len(stored) > 0 && !w.shape.durable {
		w.broken("%s is settled while a store that is not durable has it", r.id)
	}
	for loop := range n.loops {
		for _, p := range n.removedOnTheWay(loop) {
			stored[pairKey{p.User, p.Order, p.Receiver.Device, false}] = true // It has ended, and will be told.
		}
	}
	for loop, s := range n.shards {
		s.Census(func(p shard.PairAt) {
			if p.Place == shard.EndedHere || p.Message.ID != r.id || stored[pairKey{p.User, p.Order, p.Key, false}] {
				return
			}
			if p.Place == shard.InMemory || p.Token == 0 || slices.ContainsFunc(n.ops, func(o store.Op) bool { return o.Loop == loop && o.Token == p.Token }) {
				w.broken("%s is settled, and loop %d has it for %s %q only in memory", r.id, loop, p.User, p.Key)
			}
		})
		for _, in := range slices.Concat(n.loops[loop].lanes[laneDispatcher], n.dispatcher.Outbound(loop)) {
			if d, ok := in.(*envelope.Deliver); ok && d.Message.ID == r.id {
				w.broken("%s is settled, and is still on its way to loop %d", r.id, loop)
			}
		}
	}
}

// removedOnTheWay are the pairs in answers of the store that a loop has not heard.
func (n *node) removedOnTheWay(loop int) (pairs []store.Pair) {
	for _, in := range n.loops[loop].lanes[laneStore] {
		for _, a := range in.(*shard.StoreAnswers).Answers {
			pairs = append(pairs, a.Removed...)
		}
	}
	return pairs
}

// checkJoined is done when a device is told that it joined: from now on what is
// pushed to the group must come to its loop.
func (w *World) checkJoined(loop int, group string) {
	members := w.node.dispatcher.Table().Members(group)
	if !members.Has(loop) {
		w.broken("a device of loop %d is told that it joined %s, which is not routed there", loop, group)
	}
}
