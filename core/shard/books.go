package shard

import (
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/session"
	"github.com/pushcore/pushcore/core/store"
)

// Books hold both sides of a shard's accounts, for one run of the process:
//
//	Carried + Owed = Σ Fates + pending
//
// The left side is counted when pairs are made, the fates when they end. What is
// pending is no counter but a census: Memory + Storing + (what the store counts −
// InStore). The store is the node's, so the sum is made there.
type Books struct {
	Carried, Owed uint64
	Fates         [envelope.NumFates]uint64

	// The census; filled in by Shard.Books.
	Memory  int // pairs in outboxes and windows, fast ones at transports included
	Storing int // pairs in Puts under way that are not in memory
	InStore int // pairs of Memory and Storing, or ended, that the store may count as well

	// Settled says that no operation of the store is under way, so that the
	// census is exact.
	Settled bool
}

// Ended is the sum of the fates.
func (b *Books) Ended() (n uint64) {
	for _, f := range b.Fates {
		n += f
	}
	return n
}

// Books takes the census.
func (s *Shard) Books() Books {
	b := s.stats.Books
	b.Settled = len(s.jobs) == 0
	for _, ses := range s.slots {
		if ses == nil {
			continue
		}
		b.Memory += ses.InMemory()
		for item := range ses.Window.All() {
			b.InStore += inStore(item.Message)
		}
		for i := range ses.Queued() {
			if p := ses.QueuedAt(i).Pair; p != nil {
				b.InStore += inStore(p)
			}
		}
	}
	for _, j := range s.jobs {
		b.Storing += storing(j)
	}
	return b
}

func inStore(p *session.Pair) int {
	if p.Store == session.Stored {
		return 1
	}
	return 0
}

// storing counts the pairs that only a Put under way knows of.
func storing(j *job) int {
	if j.op.Kind != store.Put || j.pair != nil || j.again || j.void {
		return 0
	}
	return len(j.op.Receivers)
}
