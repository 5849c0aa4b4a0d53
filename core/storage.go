package core

import (
	"errors"
	"fmt"
	"time"

	"github.com/pushcore/pushcore/core/admit"
	"github.com/pushcore/pushcore/core/config"
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/core/store/disk"
	"github.com/pushcore/pushcore/core/store/memory"
)

// openStore opens the engine that the configuration names. It is started when the
// loops are there to take its answers.
func (r *Runtime) openStore() (store.Store, error) {
	c := &r.prepared.cfg.Store
	if c.Kind == config.StoreMemory {
		return memory.Open(memory.Config{Owner: r.owner, Sink: r.storeAnswers}), nil
	}
	s, err := disk.Open(disk.Config{Dir: c.Path, LockWait: lockWait, Owner: r.owner, Sink: r.storeAnswers, Log: r.log.With("part", "store")})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStore, err)
	}
	return s, nil
}

// lockWait is how long a killed predecessor may take to be gone.
const lockWait = 3 * time.Second

// ErrStore is why a node cannot be built on its store.
var ErrStore = errors.New("the store is not usable")

// storeAnswers takes the store's answers to who asked.
func (r *Runtime) storeAnswers(l int, a []store.Answer) {
	if l != store.Dispatcher {
		r.answer(l, &shard.StoreAnswers{Answers: a})
		return
	}
	if a = r.histories.answered(a); len(a) > 0 {
		r.dispatcher.Stored(a)
	}
}

// recall gives admission the ids that an earlier run has kept.
func (r *Runtime) recall() {
	instances := map[string]int{}
	for i, name := range r.instanceNames() {
		instances[name] = i
	}
	wall := time.Now()
	for id := range r.store.CarriedIDs() {
		if i, known := instances[id.Scope]; known {
			r.dispatcher.State().Admit().Recall(r.admitNow(), admit.Remembered{
				Instance: i, ID: id.ID, Fingerprint: id.Fingerprint, How: id.How}, id.Until.Sub(wall))
		}
	}
}

// loadShards tells the shards what the store holds of their users, and the
// dispatcher where members of groups are, before anything is pushed to them.
func (r *Runtime) loadShards(shards []*shard.Shard) {
	carried := make([][]store.Carried, len(shards))
	for c := range r.store.Carried() {
		l := r.owner(c.User)
		carried[l] = append(carried[l], c)
	}
	owed := make([][]store.Pair, len(shards))
	for p := range r.store.CarriedOwed() {
		l := r.owner(p.User)
		owed[l] = append(owed[l], p)
	}
	order := r.store.HighestOrder()
	for l, s := range shards {
		s.Load(shard.Now(r.admitNow()), carried[l], order)
		s.Recall(owed[l])
		e := s.Effects()
		r.dispatcher.State().Reports(r.admitNow(), e.Reports)
		e.Reports = e.Reports[:0]
	}
}

// admitNow is the time, on the clock that loops and dispatcher have in common.
func (r *Runtime) admitNow() admit.Now {
	now := time.Now()
	return admit.Now{Mono: now.Sub(r.began), Wall: now}
}

// describeStore says in a line what survives a crash.
func describeStore(c *config.Config) string {
	if c.Store.Kind == config.StoreMemory {
		return "the store is memory: what is not acked is lost with the process unless a broker redelivers it"
	}
	return fmt.Sprintf("the store is on disk (%s): what is not acked in %v waits there", c.Store.Path, time.Duration(c.Delivery.StoreAfter))
}
