package shard

import (
	"github.com/pushcore/pushcore/core/session"
)

// echo tells when an instance with Config.Echoes has written what it was given.
type echo struct {
	batches uint64       // given since the instance's process began
	stale   bool         // the batch at hand is for an instance that has ended
	queue   []handedOver // in the order of batches, those before head written
	head    int
}

// handedOver is fast messages of one session in one batch.
type handedOver struct {
	batch uint64
	ses   *session.Session
	hand  uint32 // Session.Hand then
	n     uint32
}

// echoes says whether an instance tells what it has written.
func (s *Shard) echoes(plugin int) bool {
	return plugin < len(s.cfg.Echoes) && s.cfg.Echoes[plugin]
}

// handOverFast notes that the batch at hand has fast messages for a session.
func (s *Shard) handOverFast(ses *session.Session, n int) {
	e := &s.instances[ses.Plugin].echo
	e.queue = append(e.queue, handedOver{e.batches + 1, ses, ses.Hand, uint32(n)}) //nolint:gosec // Items of a batch.
}

// countBatch counts what was given to the instances in this turn.
func (s *Shard) countBatches() {
	for i := range s.instances {
		e := &s.instances[i].echo
		if len(s.effects.Plugins[i].Batch.Items) > 0 && !e.stale {
			e.batches++
		}
		e.stale = false
	}
}

// Written says that an instance with Config.Echoes has carried out the first batches
// that it was given since the shard was made or told PluginDown or Rename of it. A
// batch is one turn's PluginEffects.Batch that has items. Fast messages in them are sent now,
// or when their connection that has jammed is writable.
func (s *Shard) Written(plugin int, batches uint64) {
	e := &s.instances[plugin].echo
	for ; e.head < len(e.queue) && e.queue[e.head].batch <= batches; e.head++ {
		h := &e.queue[e.head]
		if h.hand == h.ses.Hand {
			h.ses.Written += h.n
			if !h.ses.Congested {
				s.sentWritten(h.ses)
			}
		}
		*h = handedOver{}
	}
	e.shrink()
}

// echoKeep is the most places that an empty queue keeps.
const echoKeep = 4096

// shrink gives the places of what was written to what comes.
func (e *echo) shrink() {
	if left := len(e.queue) - e.head; left <= e.head {
		copy(e.queue, e.queue[e.head:])
		clear(e.queue[left:])
		e.queue, e.head = e.queue[:left], 0
	}
	if len(e.queue) == 0 && cap(e.queue) > echoKeep {
		e.queue = nil
	}
}

// sentWritten ends the fast messages of a session that were written.
func (s *Shard) sentWritten(ses *session.Session) {
	s.sentFirst(ses, min(int(ses.Written), len(ses.Handed)))
}
