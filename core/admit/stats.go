package admit

import (
	"time"

	"github.com/pushcore/pushcore/core/envelope"
)

// Stats are the numbers of one instance, for metrics.
type Stats struct {
	Instance string

	Open   int64 // records neither ended nor stored, each bringing counted
	Pairs  int64
	Bytes  int64
	Oldest time.Duration // age of the oldest open record; 0: none
	Waits  Waits         // which that is

	Keeping int // of the open ones, those that only wait for their id to be kept

	Sources int // assigned
	// Paused counts the paused sources by reason.
	Paused [len(reasonNames)]int

	WithoutID  uint64 // records that brought no id
	Joined     uint64 // repeats of open records
	Repeats    uint64 // repeats of settled records
	Dead       [envelope.NumReasons]uint64
	Remembered int    // ids
	Forgotten  uint64 // ids forgotten before their time, see Config.RememberMax
}

// Stats takes the numbers of an instance.
func (s *State) Stats(now Now, instance int) Stats {
	in := &s.instances[instance]
	stats := Stats{
		Instance: in.Name, Keeping: in.keeping, Open: in.load.records, Pairs: in.load.pairs, Bytes: in.load.bytes,
		Sources: len(in.sources), WithoutID: in.withoutID, Joined: in.joined, Repeats: in.repeats, Dead: in.dead,
		Remembered: in.settled.len(), Forgotten: in.settled.early,
	}
	if in.oldest != nil {
		stats.Oldest, stats.Waits = now.Mono-in.oldest.at, in.oldest.describe(now)
	}
	for _, src := range in.sources {
		stats.Paused[src.paused]++
	}
	return stats
}

// Instances is the number of instances.
func (s *State) Instances() int { return len(s.instances) }
