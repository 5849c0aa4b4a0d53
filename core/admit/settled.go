package admit

import (
	"hash/maphash"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
)

// settledIDs remembers the ids of settled records for a window, at most a number
// of them: at the bound the oldest is forgotten early.
//
// Ids are kept as 128-bit hashes, without pointers: a million of them is no work
// for the collector. Two ids of one hash would have to come within the window; the
// later one would then be taken for a conflict, or, if all it says is the same, for
// a repeat. The chance is below one in 10^26 for a million ids.
type settledIDs struct {
	window time.Duration
	max    int
	seeds  [2]maphash.Seed
	early  uint64 // ids forgotten before their time

	places map[idHash]uint64 // → number in the queue
	queue  []settledID       // by age; number n stands at n % len, a power of two
	first  uint64            // number of the oldest
	next   uint64            // number of the next one
}

type idHash [2]uint64

type settledID struct {
	hash        idHash
	fingerprint uint64
	until       time.Duration
	how         envelope.How
	acked       bool // by one receiver at least
}

func newSettledIDs(window time.Duration, most int) settledIDs {
	return settledIDs{
		window: window,
		max:    most,
		seeds:  [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		places: map[idHash]uint64{},
		queue:  make([]settledID, 64),
	}
}

func (s *settledIDs) len() int { return int(s.next - s.first) }

func (s *settledIDs) hash(id string) idHash {
	return idHash{maphash.String(s.seeds[0], id), maphash.String(s.seeds[1], id)}
}

func (s *settledIDs) at(number uint64) *settledID {
	return &s.queue[number&uint64(len(s.queue)-1)]
}

// find looks for an id that was settled within the window.
func (s *settledIDs) find(now time.Duration, id string) (settledID, bool) {
	if s.len() == 0 {
		return settledID{}, false
	}
	number, ok := s.places[s.hash(id)]
	if !ok || s.at(number).until <= now {
		return settledID{}, false
	}
	return *s.at(number), true
}

// add remembers an id for rest of the window, the whole of it for a new one. It
// returns what it remembers, or nil, until the next add.
func (s *settledIDs) add(now, rest time.Duration, id string, fingerprint uint64, how envelope.How) *settledID {
	if rest <= 0 || s.max == 0 {
		return nil
	}
	s.expire(now)
	if s.len() == s.max {
		s.forget()
		s.early++
	}
	if s.len() == len(s.queue) {
		s.grow()
	}
	hash := s.hash(id)
	added := s.at(s.next)
	*added = settledID{hash, fingerprint, now + rest, how, how == envelope.HowAcked}
	s.places[hash] = s.next
	s.next++
	return added
}

// expire forgets the oldest while their time is over.
func (s *settledIDs) expire(now time.Duration) {
	for s.first != s.next && s.at(s.first).until <= now {
		s.forget()
	}
}

// forget drops the oldest, unless the same id was added again later.
func (s *settledIDs) forget() {
	hash := s.at(s.first).hash
	if s.places[hash] == s.first {
		delete(s.places, hash)
	}
	s.first++
}

func (s *settledIDs) grow() {
	bigger := make([]settledID, 2*len(s.queue))
	for n := s.first; n != s.next; n++ {
		bigger[n&uint64(len(bigger)-1)] = *s.at(n)
	}
	s.queue = bigger
}
