package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/sdk/wire"
)

// cases are the rules, each on an engine of its own.
var cases = []struct {
	rule string
	run  func(b *bench)
}{
	{"PutIsIdempotent", putIsIdempotent},
	{"PutAgainAddsNobody", putAgain},
	{"EndedSessionLeavesToThePlaceholder", endSession},
	{"RemoveNamesWhatWasThere", removeNamesWhatWasThere},
	{"RemoveMessageOfOneUser", removeMessageOfOneUser},
	{"RemoveMessageOfAllTellsEachOwner", removeMessageOfAll},
	{"PageIsInOrderAndBounded", pageIsInOrder},
	{"PlaceholderGoesToTheFirstThatPasses", placeholder},
	{"MailboxBoundEndsTheOldest", mailboxBound},
	{"CollapseReplacesWhatIsNotSent", collapse},
	{"CollapseLeavesWhatIsSent", collapseSent},
	{"CollapseOfPlaceholdersNeedsOneFilter", collapsePlaceholders},
	{"TTLEnds", ttl},
	{"MemoryWaitEndsWhereNothingIsDurable", memoryWait},
	{"DevicesAndMembershipsAreCarried", carried},
	{"ForgetDeviceEndsItsOwn", forgetDevice},
	{"EraseUserEndsAll", eraseUser},
	{"HistoryIsReadFromAPosition", historyIsReadFromAPosition},
	{"HistoryForgetsWhatIsOld", historyForgetsWhatIsOld},
	{"HistoryHasNoHoles", historyHasNoHoles},
	{"PositionsAreKept", positionsAreKept},
	{"AnswersComeInOrder", answersInOrder},
	{"NoticesAreKeptUntilTold", noticesAreKeptUntilTold},
	{"OweIsIdempotent", oweIsIdempotent},
	{"FindNamesPairsAndChangesNothing", findNamesAndChangesNothing},
	{"IDsAreKeptUntilTheirTime", idsAreKeptUntilTheirTime},
	{"HistoryIsBoundedAndReplayed", historyIsBoundedAndReplayed},
	{"HighestOrderOutlivesWhatWasPut", highestOrderOutlivesWhatWasPut},
}

func putIsIdempotent(b *bench) {
	m := message("a")
	b.removed("a first Put", b.do(put("u1", 10, m, "phone")), "")
	b.removed("a Put of what is there", b.do(put("u1", 10, m, "phone")), "")
	b.census(1)
	again := put("u1", 10, m, "phone", "laptop")
	again.Receivers[0].Attempts = 3
	b.do(again)
	b.census(2)
	again.Receivers[0].Attempts = 1
	b.do(again)
	b.paged("receivers are added, attempts only rise", b.do(page("u1", "phone", 0)), false, "10 a phone×3")
	b.paged("receivers are added", b.do(page("u1", "laptop", 0)), false, "10 a laptop×0")
	b.do(store.Op{Kind: store.Put, User: "u1", Order: 11, Message: message("b")})
	b.census(2)
}

func putAgain(b *bench) {
	b.do(put("u1", 1, message("a"), "x"))
	op := put("u1", 1, message("a"), "x", "y")
	op.Again = true
	op.Receivers[0].Attempts = 2
	b.do(op)
	b.paged("Again raises who is there", b.do(page("u1", "x", 0)), false, "1 a x×2")
	b.census(1)
	b.do(store.Op{Kind: store.Remove, User: "u1", Order: 1, Fate: envelope.Expired})
	b.do(op)
	b.census(0)
}

func endSession(b *bench) {
	key := store.SessionPrefix + "s1"
	b.do(put("u1", 1, message("alone"), key))
	b.do(put("u1", 2, message("shared"), key, "x"))
	b.do(put("u1", 3, message("acked"), key, "x"))
	b.do(store.Op{Kind: store.Remove, User: "u1", Order: 3, Receivers: []store.Receiver{{Device: "x"}}, Fate: envelope.Acked})
	b.do(put("u1", 4, message("other"), store.SessionPrefix+"s2"))
	b.do(put("u2", 5, message("other"), key))
	op := store.Op{Kind: store.EndSession, User: "u1", Device: key, Fate: envelope.Dropped, Reason: envelope.SessionEnded}
	b.removed("what another receiver has or has acked ends", b.do(op),
		"2 u1/"+key+" dropped session_ended; 3 u1/"+key+" dropped session_ended")
	b.census(4)
	b.paged("the rest is the placeholder's", b.do(page("u1", "new", 0)), false, "1 alone new×0")
	b.removed("and only once", b.do(op), "")
}

func removeNamesWhatWasThere(b *bench) {
	b.do(put("u1", 1, message("a"), "x", "y", "z"))
	b.do(put("u1", 2, message("b"), "x"))
	op := store.Op{Kind: store.Remove, User: "u1", Order: 1, Receivers: []store.Receiver{{Device: "y"}, {Device: "none"}}, Fate: envelope.Acked}
	b.removed("Remove of one receiver", b.do(op), "1 u1/y acked")
	b.removed("Remove of one that is gone", b.do(op), "")
	op.Receivers, op.Fate, op.Reason = nil, envelope.Dead, envelope.NoAck
	b.removed("Remove without receivers ends all", b.do(op), "1 u1/x dead no_ack; 1 u1/z dead no_ack")
	op.Order = 7
	b.removed("Remove of an order that is not there", b.do(op), "")
	op.User = "u2"
	b.removed("Remove of a user who is not there", b.do(op), "")
	b.census(1)
	b.paged("other messages stay", b.do(page("u1", "x", 0)), false, "2 b x×0")
}

func removeMessageOfOneUser(b *bench) {
	b.do(put("u1", 1, message("a"), "x", "y"))
	b.do(put("u2", 1, message("a"), "x"))
	other := message("a", func(m *envelope.Message) { m.Scope = "jobs" })
	b.do(put("u1", 2, other, "x"))
	op := store.Op{Kind: store.RemoveMessage, User: "u1", Scope: "orders", ID: "a", Except: "y", Fate: envelope.Acked}
	b.removed("RemoveMessage spares Except, other users and other scopes", b.do(op), "1 u1/x acked")
	b.census(3)
}

func removeMessageOfAll(b *bench) {
	shared := message("a")
	for i := range 2 * loopCount {
		b.do(put(fmt.Sprint("u", i), uint64(10+i), shared, "x"))
	}
	asker := owner("u0")
	a := b.do(store.Op{Kind: store.RemoveMessage, Loop: asker, Scope: "orders", ID: "a", Fate: envelope.Withdrawn})
	told := map[string]int{}
	note := func(loop int, some []store.Pair) {
		for _, p := range some {
			if loop != owner(p.User) || p.Fate != envelope.Withdrawn {
				b.t.Fatalf("loop %d was told of %q %v: of a RemoveMessage for all, each owner is told of his users", loop, p.User, p.Fate)
			}
			told[p.User]++
		}
	}
	note(asker, a.Removed)
	for range loopCount - 1 {
		o := b.await(func(o *answered) bool { return o.Kind == store.RemoveMessage && o.Token == 0 })
		note(o.loop, o.Removed)
	}
	if len(told) != 2*loopCount {
		b.t.Fatalf("told of %d users, want %d: %v", len(told), 2*loopCount, told)
	}
	b.census(0)
}

func pageIsInOrder(b *bench) {
	for _, order := range []uint64{5, 1, 4, 2, 3} {
		b.do(put("u1", order, message(fmt.Sprint("m", order)), "x"))
	}
	b.do(put("u1", 6, message("m6"), "y"))
	op := page("u1", "x", 0)
	op.Max = 2
	b.paged("a page has at most Max", b.do(op), true, "1 m1 x×0; 2 m2 x×0")
	op.Order = 2
	b.paged("the next page begins after Order", b.do(op), true, "3 m3 x×0; 4 m4 x×0")
	op.Order = 4
	b.paged("the last page says so, whatever others have", b.do(op), false, "5 m5 x×0")
	op.Order, op.Max, op.MaxBytes = 0, 1000, 1
	b.paged("a page has one entry at least", b.do(op), true, "1 m1 x×0")
	op.MaxBytes = 2 * message("m1").Size()
	if a := b.do(op); len(a.Entries) < 2 || len(a.Entries) > 3 || !a.More {
		b.t.Fatalf("a page of two messages' MaxBytes has %d entries, more %v: it ends about there", len(a.Entries), a.More)
	}
	op.MaxBytes = 1 << 20
	b.paged("a page ends nothing", b.do(op), false, "1 m1 x×0; 2 m2 x×0; 3 m3 x×0; 4 m4 x×0; 5 m5 x×0")
	b.census(6)
}

func placeholder(b *bench) {
	phones := func(m *envelope.Message) { m.Platforms = []string{"phone"} }
	notThis := func(m *envelope.Message) { m.Except = []wire.Address{{Kind: wire.Device, ID: "u1", Device: "d1"}} }
	b.do(put("u1", 1, message("any"), ""))
	b.do(put("u1", 2, message("phones", phones), ""))
	b.do(put("u1", 3, message("others", notThis), ""))
	op := page("u1", "d1", 0)
	op.Platform = "till"
	b.paged("a device takes the placeholders whose filter it passes", b.do(op), false, "1 any d1×0")
	op.Device = "d2"
	b.paged("what was taken is the other's", b.do(op), false, "3 others d2×0")
	op.Device, op.Platform = "d3", "phone"
	b.paged("the rest waits for one that passes", b.do(op), false, "2 phones d3×0")
	b.census(3)
	b.removed("a placeholder that was taken ends under the device's name",
		b.do(store.Op{Kind: store.Remove, User: "u1", Order: 1, Receivers: []store.Receiver{{Device: "d1"}}, Fate: envelope.Acked}), "1 u1/d1 acked")
	b.do(put("u1", 4, message("again"), ""))
	b.paged("a session without a device reads placeholders and leaves them", b.do(page("u1", "", 0)), false, "4 again ×0")
	b.paged("and a device may still take them", b.do(page("u1", "d9", 3)), false, "4 again d9×0")
}

func mailboxBound(b *bench) {
	limited := func(order uint64, limit store.Limit, devices ...string) store.Op {
		op := put("u1", order, message(fmt.Sprint("m", order)), devices...)
		op.Limit = limit
		return op
	}
	three := store.Limit{Messages: 3}
	b.do(limited(1, three, "x", "y"))
	b.do(limited(2, three, "x"))
	b.removed("below the bound nothing goes", b.do(limited(3, three, "x")), "")
	b.removed("a message counts once, whatever its receivers", b.do(limited(3, three, "y")), "")
	b.removed("above it the oldest goes, for all its receivers", b.do(limited(4, three, "x")),
		"1 u1/x dead mailbox_full; 1 u1/y dead mailbox_full")
	size := message("m5").Size()
	b.removed("bytes are bounded likewise", b.do(limited(5, store.Limit{Bytes: 2*size + 1}, "x")),
		"2 u1/x dead mailbox_full; 3 u1/x dead mailbox_full; 3 u1/y dead mailbox_full")
	b.removed("the newest stays, however large", b.do(limited(6, store.Limit{Bytes: 1}, "x")),
		"4 u1/x dead mailbox_full; 5 u1/x dead mailbox_full")
	b.census(1)
	b.removed("another user's mailbox is another's", b.do(put("u2", 1, message("m1"), "x")), "")
}

func keyed(m *envelope.Message) { m.Collapse = "score" }

func collapse(b *bench) {
	b.do(put("u1", 1, message("a", keyed), "x", "y"))
	b.do(put("u1", 2, message("plain"), "x"))
	b.removed("a newer one with the key replaces, receiver by receiver", b.do(put("u1", 3, message("b", keyed), "x")),
		"1 u1/x dropped collapsed")
	b.removed("another user keeps his", b.do(put("u2", 4, message("b", keyed), "x")), "")
	b.removed("one that comes after a newer one goes itself", b.do(put("u1", 2, message("plain"), "x")), "")
	late := message("late", keyed)
	b.removed("one that comes after a newer one goes itself", b.do(put("u3", 9, message("new", keyed), "x")), "")
	b.removed("one that comes after a newer one goes itself", b.do(put("u3", 8, late, "x", "y")), "8 u3/x dropped collapsed")
	b.census(6)
	b.do(put("u4", 1, message("twice", keyed), "x"))
	b.removed("a redelivered one does not replace itself, which would lose its place", b.do(put("u4", 2, message("twice", keyed), "x")), "")
}

func collapseSent(b *bench) {
	tried := put("u1", 1, message("a", keyed), "x")
	tried.Receivers[0].Attempts = 1
	b.do(tried)
	sent := put("u1", 2, message("b", keyed), "x")
	sent.Receivers[0].Sent = true
	b.removed("what was tried stays", b.do(sent), "")
	b.removed("what was sent stays", b.do(put("u1", 3, message("c", keyed), "x")), "")
	b.do(page("u1", "x", 2))
	b.removed("what a page handed out stays", b.do(put("u1", 4, message("d", keyed), "x")), "")
	b.removed("what was not goes", b.do(put("u1", 5, message("e", keyed), "x")), "4 u1/x dropped collapsed")
}

func collapsePlaceholders(b *bench) {
	phones := func(m *envelope.Message) { m.Platforms = []string{"phone"} }
	b.do(put("u1", 1, message("a", keyed), ""))
	b.removed("of another filter: may be another device's", b.do(put("u1", 2, message("b", keyed, phones), "")), "")
	b.removed("of the same filter: is replaced", b.do(put("u1", 3, message("c", keyed, phones), "")), "2 u1/ dropped collapsed")
}

func ttl(b *bench) {
	b.do(put("u1", 1, message("hour"), "x"))
	b.do(put("u2", 1, message("minute", func(m *envelope.Message) { m.ExpiresAt = begin.Add(time.Minute) }), "x", "y"))
	b.advance(time.Minute - time.Second)
	if got := pairs(b.expired()); got != "" {
		b.t.Fatalf("expired before its time: %s", got)
	}
	b.advance(time.Second)
	if got := pairs(b.expired()); got != "1 u2/x expired; 1 u2/y expired" {
		b.t.Fatalf("after a minute expired %q", got)
	}
	b.advance(time.Hour)
	if got := pairs(b.expired()); got != "1 u1/x expired" {
		b.t.Fatalf("after an hour expired %q", got)
	}
	b.census(0)
}

func memoryWait(b *bench) {
	waits := put("u1", 1, message("a"), "x", "y")
	waits.Receivers[1].Here = true // Another device of the user, which is behind, has time.
	waits.Until = begin.Add(time.Minute)
	b.do(waits)
	longer := put("u2", 1, message("b"), "x")
	longer.Until = begin.Add(time.Minute)
	b.do(longer)
	b.do(store.Op{Kind: store.Touch, User: "u2", Device: "x", Until: begin.Add(2 * time.Minute)})
	b.advance(time.Minute)
	first, second := "1 u1/x dropped memory_wait", "1 u2/x dropped memory_wait"
	if b.engine.Durable() {
		first, second = "", "" // nothing waits in memory only
	}
	if got := pairs(b.expired()); got != first {
		b.t.Fatalf("after a minute ended %q, want %q", got, first)
	}
	b.advance(time.Minute)
	if got := pairs(b.expired()); got != second {
		b.t.Fatalf("after two minutes ended %q, want %q: Touch sets the deadline anew", got, second)
	}
}

func forgetDevice(b *bench) {
	b.do(put("u1", 1, message("a"), "x", "y"))
	b.do(put("u1", 2, message("b"), "x"))
	b.do(store.Op{Kind: store.PutDevice, User: "u1", Device: "x"})
	op := store.Op{Kind: store.ForgetDevice, User: "u1", Device: "x", Fate: envelope.Dropped, Reason: envelope.DeviceForgotten}
	b.removed("ForgetDevice ends what is stored for it", b.do(op), "1 u1/x dropped device_forgotten; 2 u1/x dropped device_forgotten")
	b.removed("and only once", b.do(op), "")
	b.census(1)
}

func eraseUser(b *bench) {
	b.do(put("u1", 1, message("a"), "x", "y"))
	b.do(put("u2", 2, message("a"), "x"))
	b.do(store.Op{Kind: store.PutMember, User: "u1", Group: "g"})
	op := store.Op{Kind: store.EraseUser, User: "u1", Fate: envelope.Dropped, Reason: envelope.UserErased}
	b.removed("EraseUser ends all of his", b.do(op), "1 u1/x dropped user_erased; 1 u1/y dropped user_erased")
	b.removed("and only once", b.do(op), "")
	b.census(1)
}

func answersInOrder(b *bench) {
	var ops []store.Op
	for i := range 500 {
		op := put("u1", uint64(i+1), message(fmt.Sprint("m", i)), "x")
		op.Loop, op.Token = owner("u1"), uint64(1000+i)
		ops = append(ops, op)
	}
	b.engine.Submit(ops[:100])
	b.engine.Submit(ops[100:])
	for i := range ops {
		a := b.await(func(a *answered) bool { return a.Token >= 1000 })
		if a.Token != uint64(1000+i) {
			b.t.Fatalf("answer %d is of operation %d: the answers to one loop come in the order of submission", i, a.Token-1000)
		}
	}
	b.census(500)
}

func testConcurrent(t *testing.T, open Open) {
	b := start(t, open)
	const goroutines, each = 4, 200
	for g := range goroutines {
		go func() {
			for i := range each {
				op := put(fmt.Sprint("u", g), uint64(i+1), message(fmt.Sprint("m", i)), "x")
				op.Loop, op.Token = owner(op.User), uint64(1000+g*each+i)
				b.engine.Submit([]store.Op{op})
			}
		}()
	}
	for range goroutines * each {
		b.await(func(a *answered) bool { return a.Token >= 1000 })
	}
	b.census(goroutines * each)
}
