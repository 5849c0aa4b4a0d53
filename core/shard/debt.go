package shard

import (
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/session"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/core/wheel"
	"github.com/pushcore/pushcore/sdk"
)

// debt is what brokers are still to hear of one pair's end, or of its being stored:
// a receipt, a dead letter, or both. Until they have, either the record that brought
// the message is not settled, or a durable store keeps the notice, so that no crash
// loses it:
//
//	ended in memory only     the record waits; the store keeps it (Owe) when the
//	                         broker has not taken it within store_after, or refuses
//	ended in memory, stored  the Remove on its way to the store makes the notice
//	stored or ended by the   the answer that tells of it names the notice
//	store
//
// Told ends what the store keeps. In a store that is not durable only the record
// waits.
type debt struct {
	left int           // notices that no broker has taken
	part *session.Part // waits for it; nil: nothing does

	kept   []uint64 // names of the notices in the store
	timer  wheel.ID
	pair   pairKey
	ending ending
}

// ending is how a pair ended, as Owe wants to know it.
type ending struct {
	message  *envelope.Message
	fate     envelope.Fate
	reason   envelope.Reason
	attempts int
}

// noticesMost bounds what a shard holds for brokers that take nothing: beyond it
// records are not settled because the store keeps their notices, so that what
// brings new ones comes to its own bounds.
const noticesMost = 100_000

// pay takes one notice off a debt, which the broker has taken or never will.
func (s *Shard) pay(d *debt) {
	if d.left--; d.left > 0 {
		return
	}
	s.stopOwing(d)
	s.release(d)
	s.forgive(d)
}

// forgive has the store forget what it keeps of a debt that is paid.
func (s *Shard) forgive(d *debt) {
	for _, owed := range d.kept {
		s.toldStore(d.pair.user, owed)
	}
	d.kept = nil
}

// toldStore has the store forget a notice.
func (s *Shard) toldStore(user string, owed uint64) {
	s.submit(&job{user: s.user(user), op: store.Op{Kind: store.Told, Owed: owed}})
}

// release lets the record go on that waits for a debt.
func (s *Shard) release(d *debt) {
	if d.part != nil {
		s.safe(d.part, envelope.HowEnded)
		d.part = nil
	}
}

// keep notes that the store keeps a debt's notice.
func (s *Shard) keep(d *debt, owed uint64) {
	d.kept = append(d.kept, owed)
	s.stopOwing(d)
	if d.left == 0 {
		s.forgive(d)
	} else if s.notices <= noticesMost {
		s.release(d)
	}
}

// keepEnd notes that the store keeps a notice of a pair's end, of which brokers may
// not be to hear after all.
func (s *Shard) keepEnd(d *debt, user string, owed uint64) {
	switch {
	case owed == 0:
	case d == nil:
		s.toldStore(user, owed)
	default:
		s.keep(d, owed)
	}
}

// named takes the answer of an operation that was to name a debt's notice. Without a
// name the pair was not there any more: it is owed as one that ended in memory.
func (s *Shard) named(d *debt, pairs []store.Pair) {
	some := false
	for i := range pairs {
		if pairs[i].Owed != 0 {
			s.keep(d, pairs[i].Owed)
			some = true
		}
	}
	if !some && d.left > 0 && len(d.kept) == 0 {
		s.oweLater(d)
	}
}

// oweLater has the store keep a debt's notice if the broker does not take it in time.
func (s *Shard) oweLater(d *debt) {
	if s.cfg.Durable && d.timer == 0 {
		d.timer = s.debts.Set(s.now.Mono+max(d.ending.message.StoreAfter, tick), d)
	}
}

func (s *Shard) stopOwing(d *debt) {
	if d.timer != 0 {
		s.debts.Cancel(d.timer)
		d.timer = 0
	}
}

// oweDue has the store keep what no broker has taken for long enough.
func (s *Shard) oweDue() {
	s.overdebts = s.debts.Advance(s.now.Mono, s.overdebts[:0])
	for _, d := range s.overdebts {
		d.timer = 0
		s.owe(d)
	}
	clear(s.overdebts)
}

// oweLine has the store keep at once what a broker that takes nothing is to hear
// of a user.
func (s *Shard) oweLine(key lineKey) {
	for _, n := range s.lines[key] {
		if n.debt != nil && n.debt.timer != 0 {
			s.stopOwing(n.debt)
			s.owe(n.debt)
		}
	}
}

func (s *Shard) owe(d *debt) {
	e := &d.ending
	s.submit(&job{user: s.user(d.pair.user), debt: d, op: store.Op{
		Kind: store.Owe, Order: d.pair.order, Message: e.message, Fate: e.fate, Reason: e.reason,
		Receivers: []store.Receiver{{Device: d.pair.device, Attempts: e.attempts}}}})
}

// depart notes that a Remove is to name the notice of a debt.
func (s *Shard) depart(key pairKey, d *debt) {
	if d != nil {
		s.stopOwing(d)
		s.leaving[key] = d
	}
}

// disown has the store forget notices of pairs that brokers are not to hear of.
func (s *Shard) disown(pairs []store.Pair) {
	for i := range pairs {
		s.keepEnd(nil, pairs[i].User, pairs[i].Owed)
	}
}

// inherit takes a notice that the store made of a pair while the Remove of that pair
// was on its way.
func (s *Shard) inherit(key pairKey, owed uint64) {
	s.keepEnd(s.leaving[key], key.user, owed)
}

// storedNotices tells that nobody has taken a message so far. Of a pair that has
// ended meanwhile it is too late: its end is told already.
func (s *Shard) storedNotices(j *job, a *store.Answer) {
	for i := range a.Owed {
		p := &a.Owed[i]
		if j.void {
			s.toldStore(p.User, p.Owed)
			continue
		}
		s.tellPair(p, s.now.Wall)
	}
	if s.cfg.Durable || j.void || j.again || j.part.Message.Receipt != envelope.ReceiptAll {
		return
	}
	for _, r := range j.op.Receivers {
		if !isThere(a.There, r.Device) {
			s.tell(j.user.ID, s.receipt(j.part.Message, "stored", j.user.ID, deviceOf(r.Device), envelope.NoReason, r.Attempts), nil)
		}
	}
}

func isThere(there []store.Pair, device string) bool {
	for i := range there {
		if there[i].Receiver.Device == device {
			return true
		}
	}
	return false
}

// tellPair publishes a notice that the store keeps.
func (s *Shard) tellPair(p *store.Pair, at time.Time) {
	d := &debt{kept: []uint64{p.Owed}, pair: pairKey{p.User, p.Order, p.Receiver.Device}}
	s.tellEnd(d, ending{p.Message, p.Fate, p.Reason, p.Receiver.Attempts}, at)
}

// tellEnd lines up what brokers are to hear of a pair. Pending: it is stored.
func (s *Shard) tellEnd(d *debt, e ending, at time.Time) {
	m, user, device := e.message, d.pair.user, deviceOf(d.pair.device)
	d.ending = e
	receipt, letter := m.Receipt != envelope.ReceiptNone, hasLetter(m, e.fate)
	if receipt {
		d.left++
	}
	if letter {
		d.left++
	}
	if receipt {
		event := e.fate.String()
		if e.fate == envelope.Pending {
			event = "stored"
		}
		s.tell(user, s.receiptAt(m, event, user, device, e.reason, e.attempts, at), d)
	}
	if letter {
		s.tell(user, s.deadLetter(m, user, device, e.reason), d)
	}
}

// hasLetter says whether a message's end makes a dead letter.
func hasLetter(m *envelope.Message, f envelope.Fate) bool {
	return f == envelope.Dead && m.Class == sdk.Reliable
}

// Recall tells what brokers have not taken of what ended in earlier runs of the
// process, each user's in order. It is called after Load, before the first turn.
func (s *Shard) Recall(owed []store.Pair) {
	s.recalling = true
	s.tellStarted()
	for i := range owed {
		s.tellPair(&owed[i], owed[i].At)
	}
	s.recalling = false
}
