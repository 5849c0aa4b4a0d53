package admit

import (
	"time"

	"github.com/pushcore/pushcore/core/envelope"
)

// State is admission: what is open, what was settled, and what may be taken.
//
//	Assigned, Offer… → Dispatched → Owed, Safe → (Remember → Kept) → Effects.Settled
//
// One goroutine uses it. now.Mono must not go back between calls.
type State struct {
	cfg       Config
	instances []instance
	records   map[envelope.RecordID]*record // all open ones
	last      envelope.RecordID             // the latest given
	retries   []*record                     // letters to publish again
	unkept    []*record                     // ids to be kept, which the store has refused
	effects   Effects
	past      past

	// Memory to be used again.
	free    []*record
	handles []*handle
}

// instance is what belongs to one plugin instance.
type instance struct {
	Instance // immutable
	index    int

	sources []*Source
	open    map[string]*record // by id
	settled settledIDs

	// Open records in the order of acceptance, and what they amount to.
	oldest, newest *record
	load           load

	// The part of them that no StoreNow was asked for, from unasked on.
	asked       envelope.RecordID
	unasked     *record
	unaskedLoad load
	keeping     int // records whose ids are on their way to the store

	paused        Reason // by a bound of the instance
	need          int64  // bytes that the record needs which met OpenBytes
	pausedSources int    // by any bound

	withoutID, joined, repeats uint64
	dead                       [envelope.NumReasons]uint64
}

// New makes the state of a node without records. It panics if cfg is not valid.
func New(cfg Config) *State {
	if err := cfg.Validate(); err != nil {
		panic(err)
	}
	cfg.setDefaults()
	s := &State{cfg: cfg, records: map[envelope.RecordID]*record{}}
	s.instances = make([]instance, len(cfg.Instances))
	for i := range s.instances {
		in := &s.instances[i]
		in.Instance, in.index = cfg.Instances[i], i
		in.setDefaults()
		in.open = map[string]*record{}
		in.settled = newSettledIDs(max(cfg.DedupeWindow, 0), cfg.RememberMax)
	}
	return s
}

// Recall takes back an id that was kept by an earlier run, with the rest of its
// time. Ids are recalled oldest first, before anything is offered.
func (s *State) Recall(now Now, r Remembered, rest time.Duration) {
	s.instances[r.Instance].settled.add(now.Mono, rest, r.ID, r.Fingerprint, r.How)
}

// Effects is what is to be done since the last Reset.
func (s *State) Effects() *Effects { return &s.effects }

// Tick does what time asks for: letters that were not taken are published again,
// and ids whose time is over are forgotten.
func (s *State) Tick(now Now) {
	s.retryLetters(now)
	s.retryKeeping(now)
	for i := range s.instances {
		s.instances[i].settled.expire(now.Mono)
	}
}

// Due returns when Tick has a letter to publish or an id to keep again.
func (s *State) Due() (at time.Duration, ok bool) {
	for _, r := range s.retries {
		if !ok || r.letter.due < at {
			at, ok = r.letter.due, true
		}
	}
	for _, r := range s.unkept {
		if !ok || r.keep.due < at {
			at, ok = r.keep.due, true
		}
	}
	return at, ok
}
