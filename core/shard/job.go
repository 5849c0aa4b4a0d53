package shard

import (
	"cmp"
	"slices"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/session"
	"github.com/pushcore/pushcore/core/store"
)

// job is an operation of the store that has no good answer yet. One that fails is
// tried again after a while, and so are all of the same user behind it, in order;
// nothing is lost meanwhile, for what they are about stays in memory or in the job
// itself.
type job struct {
	op    store.Op
	user  *session.User    // whose mailbox it touches; nil: nobody's or several
	part  *session.Part    // Put
	held  bool             // Put: the part waits for it
	again bool             // Put: the receiver was stored before, only its attempts are new
	void  bool             // Put: the pair ended before the store had it
	pair  *session.Pair    // Put of a pair that is in memory
	page  *session.Session // Page, Replay
	catch *session.CatchUp // Replay
	gone  pairKey          // Remove of a pair that ended in memory
	debt  *debt            // Remove, Owe: what the answer names the notice of; nil: nothing
	order *operation       // part of an operation of the backend
	query uint64           // Find: the token of who asked

	waits bool // to be tried again
	delay time.Duration
	due   time.Duration
}

// pairKey names a pair in the store.
type pairKey struct {
	user   string
	order  uint64
	device string
}

// put is what a Put is about.
type put struct {
	part      *session.Part
	user      *session.User
	receivers []store.Receiver
	pair      *session.Pair
	again     bool
	held      bool
}

// Delays before an operation that failed is tried again.
const (
	jobDelayFirst = 100 * time.Millisecond
	jobDelayMost  = 5 * time.Second
)

// submit hands a job's operation to the store, or lines it up behind those of the
// user that wait to be tried again. Its token is the job's for good.
func (s *Shard) submit(j *job) uint64 {
	j.op.Token, j.op.Loop = s.nextToken(), s.cfg.ID
	if j.op.User == "" && j.user != nil {
		j.op.User = j.user.ID
	}
	s.jobs[j.op.Token] = j
	if j.user != nil && j.op.Kind == store.Put {
		j.user.Puts++
	}
	if j.ordered() && j.user.Failed > 0 {
		s.wait(j)
	} else {
		s.send(j)
	}
	return j.op.Token
}

// ordered says that a job's operation keeps its place among those of its user.
func (j *job) ordered() bool { return j.user != nil && j.op.Ordered() }

func (s *Shard) send(j *job) {
	if j.ordered() {
		j.user.Busy++
	}
	s.effects.Store = append(s.effects.Store, j.op)
}

// wait puts a job on the list of those to be tried again, which is in the order of
// their tokens.
func (s *Shard) wait(j *job) {
	j.waits = true
	if j.ordered() {
		j.user.Failed++
	}
	at, _ := slices.BinarySearchFunc(s.failed, j.op.Token, func(o *job, token uint64) int { return cmp.Compare(o.op.Token, token) })
	s.failed = slices.Insert(s.failed, at, j)
}

// put stores a message for receivers of one user.
func (s *Shard) put(p put) uint64 {
	op := store.Op{
		Kind: store.Put, Order: p.part.Order, Message: p.part.Message, Receivers: p.receivers,
		Limit: store.Limit{Messages: s.cfg.Mailbox.Messages, Bytes: s.cfg.Mailbox.Bytes},
	}
	op.Again = p.again
	s.limitWait(&op, p.user)
	return s.submit(&job{op: op, user: p.user, part: p.part, pair: p.pair, again: p.again, held: p.held})
}

// putPair stores a pair that stays in memory.
func (s *Shard) putPair(p *session.Pair) {
	p.Store = session.Storing
	p.Job = s.put(put{part: p.Part, user: p.Session.User, receivers: []store.Receiver{s.receiverOf(p)}, pair: p, held: !p.Safe})
}

// receiverOf is how the store knows a pair's receiver.
func (s *Shard) receiverOf(p *session.Pair) store.Receiver {
	return store.Receiver{Device: p.Session.Key(), Attempts: p.Attempts, Sent: p.Sent}
}

// removeStored takes a pair that ended in memory out of the store.
// Its debt, if there is one, is kept by the notice that the store makes then.
func (s *Shard) removeStored(p *session.Pair, f envelope.Fate, r envelope.Reason, d *debt) {
	key := pairKey{p.Session.User.ID, p.Part.Order, p.Session.Key()}
	s.removing[key]++
	s.haunt(key, p.Store == session.Stored)
	s.depart(key, d)
	s.submit(&job{
		op:   store.Op{Kind: store.Remove, Order: key.order, Receivers: []store.Receiver{{Device: key.device}}, Fate: f, Reason: r},
		user: p.Session.User, gone: key, debt: d,
	})
}

// stored takes an answer of the store.
func (s *Shard) stored(a *store.Answer) {
	j := s.jobs[a.Token]
	if j == nil {
		s.removed(a.Removed) // Pairs whose time ran out, or another shard's operation.
		return
	}
	defer s.pageLine() // There is one operation less.
	if j.ordered() {
		j.user.Busy--
	}
	if j.op.Kind == store.Find {
		delete(s.jobs, a.Token)
		s.foundStored(j.query, a)
		return
	}
	if a.Err != nil && j.op.Kind == store.Replay {
		delete(s.jobs, a.Token)
		s.replayFailed(j)
		return
	}
	if a.Err != nil {
		s.jobFailed(j)
		return
	}
	delete(s.jobs, a.Token)
	if j.user != nil && j.op.Kind == store.Put {
		j.user.Puts--
		for _, ses := range j.user.Sessions {
			ses.HeldPuts = max(0, ses.HeldPuts-1)
		}
	}
	switch j.op.Kind {
	case store.Put:
		s.putDone(j, a)
	case store.Remove:
		s.removeDone(j, a.Removed)
	case store.Owe:
		s.named(j.debt, a.Owed)
	case store.Page:
		s.paged(j.page, a)
	case store.Replay:
		s.replayed(j, a)
	}
	if j.op.Kind != store.Remove {
		s.removed(a.Removed)
	}
	if j.order != nil {
		if j.order.answer != nil {
			j.order.answer.Count += len(a.Removed)
		}
		s.operationDone(j.order)
	}
	if j.user != nil {
		s.pageBehind(j.user)
		s.forgetIdle(j.user)
	}
}

// putDone notes that receivers are in the store. Where an earlier run has left the
// message there, its pair is the one that counts: what was owed anew is taken back.
func (s *Shard) putDone(j *job, a *store.Answer) {
	there := a.There
	if j.void {
		s.haunt(pairKey{j.user.ID, j.op.Order, j.op.Receivers[0].Device}, len(there) == 0)
	}
	if !j.again {
		j.user.Stored += len(j.op.Receivers) - len(there)
	}
	s.storedNotices(j, a)
	if len(there) > 0 && !j.void {
		s.stats.Books.Owed -= uint64(len(there))
	}
	if p := j.pair; p != nil && len(there) > 0 {
		s.discard(p)
	} else if p != nil {
		p.Store, p.Job = session.Stored, 0
		p.Safe = p.Safe || s.storedIsSafe(j.part.Message)
	}
	if j.held && s.storedIsSafe(j.part.Message) {
		how := envelope.HowStored
		if !s.cfg.Durable {
			how = envelope.HowMemory
		}
		for range j.op.Receivers {
			s.safe(j.part, how)
		}
	}
}

// discard drops a pair from memory that has become one with a stored pair. Its part
// goes on waiting for the Put that said so.
func (s *Shard) discard(p *session.Pair) {
	s.takeOut(p)
	p.Ended = true
	if p.Kin != nil {
		p.Kin.Pending--
	}
	if !p.Resend {
		s.freePair(p)
	}
}

// storedIsSafe says whether a message's record may be settled when it is stored.
func (s *Shard) storedIsSafe(m *envelope.Message) bool { return s.cfg.Durable || m.MemorySafe }

func (s *Shard) removeDone(j *job, there []store.Pair) {
	j.user.Stored = max(0, j.user.Stored-len(there))
	if j.debt != nil {
		s.named(j.debt, there)
		delete(s.leaving, j.gone)
	} else {
		s.disown(there)
	}
	if s.removing[j.gone]--; s.removing[j.gone] == 0 {
		delete(s.removing, j.gone)
	}
	delete(s.ghosts, j.gone)
}

// removed gives fates to pairs that the store has removed.
func (s *Shard) removed(pairs []store.Pair) {
	for i := range pairs {
		r := &pairs[i]
		u := s.user(r.User)
		u.Stored = max(0, u.Stored-1)
		if key := (pairKey{r.User, r.Order, r.Receiver.Device}); s.removing[key] > 0 {
			delete(s.ghosts, key)
			s.inherit(key, r.Owed)
			continue // It has its fate; the store only was faster.
		}
		if p := s.inMemory(u, r.Order, r.Receiver.Device); p != nil {
			p.Store = session.NotStored
			s.takeOut(p)
			s.endKept(p, r.Fate, r.Reason, r.Owed)
			continue
		}
		s.bereave(u, r.Order)
		part := s.parts[r.Message.Record]
		held := part != nil && !s.storedIsSafe(r.Message)
		if !held {
			part = &session.Part{Message: r.Message, Order: r.Order}
		}
		d := s.conclude(part, u.ID, r.Receiver.Device, r.Fate, r.Reason, r.Receiver.Attempts, held)
		s.keepEnd(d, u.ID, r.Owed)
		s.forgetIdle(u)
	}
}

// inMemory finds the pair of a stored receiver among the user's sessions.
func (s *Shard) inMemory(u *session.User, order uint64, device string) *session.Pair {
	for _, ses := range u.Sessions {
		if ses.Key() != device {
			continue
		}
		s.chosen = ses.Pairs(func(p *session.Pair) bool { return p.Part.Order == order }, s.chosen[:0])
		if len(s.chosen) > 0 {
			return s.chosen[0]
		}
	}
	return nil
}

// jobFailed puts a job on the list to be tried again. While one of a user's is
// there, nothing of him is stored or read: so nothing overtakes it.
func (s *Shard) jobFailed(j *job) {
	s.stats.StoreFailures++
	j.delay = min(max(2*j.delay, jobDelayFirst), jobDelayMost)
	j.due = s.now.Mono + j.delay
	s.wait(j)
	s.chore(j.due)
}

// busy counts the operations that are with the store. Those that wait to be tried
// again keep nobody from reading: a full store becomes emptier by being read.
func (s *Shard) busy() int { return len(s.jobs) - len(s.failed) }

// retryJobs submits again what failed some time ago, and what waits behind it. Of a
// user it is all or nothing, and not while one of his operations is with the store:
// that one will fail too, and belongs before those behind it.
func (s *Shard) retryJobs() {
	failed := s.failed
	s.failed = nil
	s.looks++
	for _, j := range failed {
		ready := j.due <= s.now.Mono
		if u := j.user; j.ordered() {
			first := u.Pass != s.looks
			if first {
				u.Pass, u.Ready = s.looks, ready && u.Busy == 0
			}
			ready, j.op.Retry = u.Ready, first
		}
		if !ready {
			s.failed = append(s.failed, j)
			s.chore(max(j.due, s.now.Mono+jobDelayFirst))
			continue
		}
		s.tryAgain(j)
	}
	s.pageLine()
}

func (s *Shard) tryAgain(j *job) {
	j.waits = false
	if j.op.Kind == store.Page {
		delete(s.jobs, j.op.Token)
		j.page.Paging = false
		s.page(j.page)
		s.catchUp(j.page) // If there is no page to be read first, a history may go on.
		s.forgetIdle(j.user)
		return
	}
	if j.ordered() {
		j.user.Failed--
	}
	s.send(j)
}

// chore asks for a look at what waits to be tried again.
func (s *Shard) chore(at time.Duration) {
	if s.chores == 0 || at < s.chores {
		s.chores = at
	}
}

// waitsUntil is how long what is stored now for a receiver without a session waits
// in a store that is not durable; zero: for ever.
func (s *Shard) waitsUntil() time.Time {
	if s.cfg.Durable {
		return time.Time{}
	}
	return s.now.Wall.Add(s.cfg.MemoryWait)
}

// limitWait bounds the wait of those receivers of a Put that have no session.
func (s *Shard) limitWait(op *store.Op, u *session.User) {
	if s.cfg.Durable {
		return
	}
	for i := range op.Receivers {
		r := &op.Receivers[i]
		if r.Here = u.Has(r.Device); !r.Here {
			op.Until = s.waitsUntil()
		}
	}
}

// touch sets until when what is stored for a device may wait in a store that is not
// durable; the zero time lifts it.
func (s *Shard) touch(u *session.User, device string, until time.Time) {
	if !s.cfg.Durable && u.Stored+u.Puts > 0 {
		s.submit(&job{op: store.Op{Kind: store.Touch, Device: device, Until: until}, user: u})
	}
}
