package admit

import (
	"slices"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
)

// origin says where a record's name is from.
type origin uint8

const (
	published  origin = iota // who published it gave it: anybody may bring it again
	positional               // its stable position: the broker may bring it again until it is settled
	made                     // here: nobody can bring it again
)

// keeping is the way of a safe record's id to the store.
type keeping struct {
	begun bool
	delay time.Duration // before it is tried again
	due   time.Duration
}

// Delays before an id that the store refused is offered to it again.
const (
	keepRetryFirst = 100 * time.Millisecond
	keepRetryMost  = 5 * time.Second
)

// recordSafe settles a record whose receivers are all terminal or stored, when its
// id is kept where a crash would make it new.
func (s *State) recordSafe(now Now, r *record) {
	if !s.keeps(r) {
		s.closeRecord(now, r)
		return
	}
	if !r.keep.begun {
		r.keep.begun = true
		r.instance.keeping++
		s.remember(now, r)
	}
}

// keeps says whether an id is worth a write. A record that every receiver has acked
// and that only the broker can bring again, before it is settled, is not: it never
// touches the disk, and if a crash comes first its receivers get it again under the
// same id. Any other one must not come to life again: it may have been withdrawn,
// have expired, or lie in the store before what would now overtake it.
func (s *State) keeps(r *record) bool {
	if !s.cfg.KeepIDs || r.name == "" || r.instance.settled.window == 0 {
		return false
	}
	return r.origin == published || r.origin == positional && r.how > envelope.HowAcked
}

func (s *State) remember(now Now, r *record) {
	s.effects.Remember = append(s.effects.Remember, Remembered{
		Record: r.id, Instance: r.instance.index, Scope: r.instance.Name, ID: r.name, Fingerprint: r.fingerprint, How: r.how,
		Until: now.Wall.Add(r.instance.settled.window)})
}

// Kept answers a Remember: with failed it is asked for again after a while, and the
// record stays unsettled.
func (s *State) Kept(now Now, id envelope.RecordID, failed bool) {
	r := s.records[id]
	switch {
	case r == nil || !r.keep.begun: // late or twice
	case failed:
		r.keep.delay = min(max(2*r.keep.delay, keepRetryFirst), keepRetryMost)
		r.keep.due = now.Mono + r.keep.delay
		s.unkept = append(s.unkept, r)
	default:
		s.closeRecord(now, r)
	}
}

// retryKeeping asks again for what is due.
func (s *State) retryKeeping(now Now) {
	s.unkept = slices.DeleteFunc(s.unkept, func(r *record) bool {
		if r.keep.due > now.Mono {
			return false
		}
		s.remember(now, r)
		return true
	})
}
