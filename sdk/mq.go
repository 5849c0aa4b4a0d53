package sdk

import (
	"context"
	"log/slog"
	"time"
)

// MQ joins a broker. It is implemented by the author of a plugin and brings its
// own goroutines. Open, Settle, Publish, Pause and Resume are called by one
// goroutine of the runtime at a time and must not block: what cannot be done at
// once is queued (its length is bounded by what the host has handed over and not
// yet heard back of).
type MQ interface {
	Plugin

	// Open connects and starts to consume and publish. It fails for what will
	// not mend itself (refused credentials, a missing output); a broker that is
	// away is retried with back-off, and is no error.
	Open(h MQHost) error

	// Settle says what became of records. Settlements of an epoch that was
	// revoked are ignored.
	Settle(s []Settlement)

	// Publish sends records to outputs. Each is answered by exactly one result
	// through MQHost.Published, in any order, whether or not the broker is
	// there. The slice and what it refers to belong to the plugin.
	Publish(r []Outgoing)

	// Pause stops a source soon: what is under way may still arrive. It ends with
	// Resume, which also follows when the source's epoch has ended meanwhile.
	Pause(source string)
	// Resume starts it again.
	Resume(source string)
}

// MQHost is what the runtime gives an MQ plugin. All methods may be called from
// any goroutine.
type MQHost interface {
	// Assigned begins an epoch of a source: records of it may follow. Epochs of
	// one source grow.
	Assigned(s Source)

	// Revoked ends it: no settlement of that epoch has an effect any more.
	Revoked(source string, epoch uint64)

	// Batch hands over records of one source, in order, and takes ownership of
	// them. It blocks while the runtime has no credit for them and returns
	// ctx's error when ctx ends first: then nothing was taken. Batches of one
	// source must not overlap.
	Batch(ctx context.Context, b Records) error

	// Published answers Publish.
	Published(r []PublishResult)

	// Status says whether the broker is reached; the text is for people.
	Status(up bool, text string)

	// Lag reports how many records of a source wait at the broker.
	Lag(source string, records int64)

	// Log is the instance's logger.
	Log() *slog.Logger
}

// Source is one unit of order: a partition, a queue, a stream.
type Source struct {
	Name  string // unique in the instance: "push/3", "jobs"
	Epoch uint64 // this assignment of it
	// StablePositions says that Position names the same record for ever, so that
	// (source, position, timestamp) may serve as a message's id. Kafka offsets
	// do, delivery tags do not.
	StablePositions bool
}

// Records is a batch of one source.
type Records struct {
	Source  string
	Epoch   uint64
	Records []Record
}

// Record is one record of a broker.
type Record struct {
	Position    uint64    // grows within an epoch
	Timestamp   time.Time // the broker's, or zero
	MessageID   string    // the broker's own message id, or empty
	Redelivered bool      // the broker says it may have been delivered before
	Key         []byte
	Headers     []Header // a name may stand more than once
	Body        []byte
}

// Outcome is what became of a record.
type Outcome uint8

// The outcomes.
const (
	Done    Outcome = iota // safe: acknowledge it, commit past it
	Requeue                // not taken: let the broker deliver it again
	Dead                   // not to be understood and no dead_letter output: give it up the broker's own way
)

// Settlement settles records of one source.
type Settlement struct {
	Source    string
	Epoch     uint64
	Outcome   Outcome
	Positions []uint64 // ascending
}

// Outgoing is a record to publish.
type Outgoing struct {
	ID      uint64 // the host's, for PublishResult
	Output  Output
	Key     []byte
	Headers []Header
	Body    []byte
}

// PublishResult tells whether the broker took a record.
type PublishResult struct {
	ID    uint64
	Error string // empty: the broker has it
	Final bool   // it never will take this record (too large, for instance)
}

// InputOptions are the options that every MQ plugin's `input` has, so that they
// read the same everywhere; a plugin embeds them beside its own.
type InputOptions struct {
	Format    string   `json:"format,omitempty"`     // raw (default) or json
	Allow     []string `json:"allow,omitempty"`      // push (default), control
	DefaultTo string   `json:"default_to,omitempty"` // address list for records without push-to; {key} is the record's key
	MaxOpen   MaxOpen  `json:"max_open,omitzero"`    // bounds on open records of the instance
	MaxSpan   int64    `json:"max_span,omitempty"`   // records from the oldest open one to the newest of a source; default 1,000,000
}

// MaxOpen bounds what is open: neither ended nor stored. At half of any bound the
// oldest are stored at once, at the bound the input pauses. One record above a
// bound is taken alone. 0 means the default.
type MaxOpen struct {
	Records int64 `json:"records,omitempty"` // default 10,000
	Pairs   int64 `json:"pairs,omitempty"`   // (message, receiver) pairs; default 1,000,000
	Bytes   Size  `json:"bytes,omitempty"`   // default 64MiB
}
