package admit

import (
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/sdk"
)

// Effects is what the world is to do. Whoever moves State takes it after a call
// and Resets it; its slices are reused, what they refer to is not.
type Effects struct {
	Settled []Settled
	Pauses  []Pause
	Resumes []Resume
	Letters []Letter
	Dead    []Dead

	// StoreNow asks all shards to store what records up to it wait for; 0: none.
	StoreNow envelope.RecordID

	// Remember are ids to keep, of records that are safe; each is answered by
	// Kept, and its record is settled then. See Config.KeepIDs and State.Recall.
	Remember []Remembered
}

// Empty tells whether there is nothing to do.
func (e *Effects) Empty() bool {
	return len(e.Settled)+len(e.Pauses)+len(e.Resumes)+len(e.Letters)+len(e.Dead)+len(e.Remember) == 0 && e.StoreNow == 0
}

// Reset empties the effects and keeps the memory.
func (e *Effects) Reset() {
	clear(e.Settled)
	clear(e.Pauses)
	clear(e.Resumes)
	clear(e.Letters)
	clear(e.Dead)
	clear(e.Remember)
	e.Settled, e.Pauses, e.Resumes = e.Settled[:0], e.Pauses[:0], e.Resumes[:0]
	e.Letters, e.Dead, e.Remember = e.Letters[:0], e.Dead[:0], e.Remember[:0]
	e.StoreNow = 0
}

// Settled says what became of one record, once for each time it was brought (and
// its epoch not revoked).
type Settled struct {
	Instance int
	Source   string
	Epoch    uint64
	Position uint64
	Outcome  sdk.Outcome // Done, or Dead: Err says why and nothing keeps it

	ID     string       // the message's; empty for operations
	Class  sdk.Class    // of the message
	How    envelope.How // in what way it is safe
	Acked  bool         // by one receiver at least; not if it reached nobody
	Repeat bool         // it was a repeat of one that is settled
	Err    *Error
}

// Reason says which bound a pause comes from.
type Reason uint8

// The reasons of pauses.
const (
	NotPaused   Reason = iota
	OpenRecords        // of the instance
	OpenPairs
	OpenBytes
	Span // of the source
)

var reasonNames = [...]string{"", "open_records", "open_pairs", "open_bytes", "span"}

// String is the reason's name in metrics.
func (r Reason) String() string { return reasonNames[r] }

// Pause stops a source, because a bound is reached.
type Pause struct {
	Instance int
	Source   string
	Reason   Reason
	Waits    Waits // the oldest that it waits for
}

// Waits names an open record.
type Waits struct {
	Source   string
	Position uint64
	ID       string
	Age      time.Duration
}

// Resume starts a source again.
type Resume struct {
	Instance int
	Source   string
}

// Letter is a dead letter to publish: the record's key, headers and body with the
// push-dead-* headers. It is answered by Published.
type Letter struct {
	Token    uint64
	Instance int // of the record: the target where the route says `source`
	Key      []byte
	Headers  []sdk.Header
	Body     []byte
}

// Dead is for the log: a record was not taken. Lettered says that its letter is on
// the way; else the record is given up.
type Dead struct {
	Instance int
	Source   string
	Position uint64
	Err      *Error
	Lettered bool
}

// Remembered is an id that is not to be delivered again.
type Remembered struct {
	Record      envelope.RecordID
	Instance    int
	Scope       string // the instance's name
	ID          string
	Fingerprint uint64
	How         envelope.How
	Until       time.Time // on the wall clock
}
