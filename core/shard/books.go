package shard

import (
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/session"
	"github.com/pushcore/pushcore/core/store"
)

// Books hold both sides of a shard's accounts, for one run of the process:
//
//	Carried + Owed = Σ Fates + Pending
//
// The left side is counted when pairs are made, the fates when they end. What is
// pending is no counter but a census, taken in one turn: of outboxes, windows and
// Puts by walking them, of the store by its own count, as of the answers that have
// come (store.Answer.Held). So it is exact at any time, also while operations are
// under way: what they do counts from their answers on, on all sides.
type Books struct {
	Carried, Owed uint64
	Fates         [envelope.NumFates]uint64

	// The census; filled in by Shard.Books.
	Memory  int // pairs in outboxes and windows, fast ones at transports included
	Storing int // pairs in Puts under way that are not in memory
	Held    int // pairs of the shard's users in the store, by its own count
	InStore int // of these, what is in Memory as well, or has ended here
}

// Ended is the sum of the fates.
func (b *Books) Ended() (n uint64) {
	for _, f := range b.Fates {
		n += f
	}
	return n
}

// Pending is the census: each pair that has not ended, once.
func (b *Books) Pending() int { return b.Memory + b.Storing + b.Held - b.InStore }

// Difference is 0. Above it a pair was lost without a fate, below it one has two
// fates or was never owed.
func (b *Books) Difference() int64 {
	return int64(b.Carried+b.Owed) - int64(b.Ended()) - int64(b.Pending()) //nolint:gosec // Counts of pairs.
}

// Books takes the census.
func (s *Shard) Books() Books {
	b := s.stats.Books
	b.Held, b.InStore = s.held, len(s.ghosts)
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

// counted takes the store's count, which stands in the last answer of a batch.
func (s *Shard) counted(answers []store.Answer) {
	if n := len(answers); n > 0 {
		s.held = answers[n-1].Held
	}
}

// haunt notes that the store still counts a pair that has ended here.
func (s *Shard) haunt(key pairKey, counts bool) {
	if counts {
		s.ghosts[key] = struct{}{}
	}
}

// onlyStored counts the pairs of a user that are in the store, or
// on their way to it alone, and have not ended here.
func (s *Shard) onlyStored(u *session.User) int {
	n := u.Stored
	for key := range s.ghosts {
		if key.user == u.ID {
			n--
		}
	}
	for _, j := range s.jobs {
		if j.user == u {
			n += storing(j)
		}
	}
	return max(0, n)
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
