package session

import (
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/fates"
)

// Part is one message's part in a shard: what its receivers here have in common.
type Part struct {
	Message *envelope.Message
	Order   uint64 // of acceptance in the shard; the store keeps mailboxes in this order

	Unsafe int          // pairs that are neither terminal nor stored durably
	How    envelope.How // the weakest way in which one became safe
	Open   bool         // the dispatcher waits for ReportSafe
	Acked  bool         // by one at least

	Forms []Form // as it was given to transports

	// Replayed is the position of a message that comes from a group's history: it is
	// given as a fast one, and is in no books. 0: it comes as it was pushed.
	Replayed uint64

	Past fates.Ref // what is remembered of it
}

// Form is a message in one of the shapes in which devices get it.
type Form struct {
	Key        FormKey
	Payload    []byte // compressed or not
	Compressed bool
	Batch      uint64 // the batch in which Index is its place; see Shard.Serve
	Index      uint32
}

// FormKey says what distinguishes the forms of a message.
type FormKey struct {
	Plugin  uint16
	From    uint16 // index into Message.To of the address that reached the receiver
	Codec   uint8
	Headers uint64 // mask over the configured forwarded headers
}

// Pair is a (message, receiver) in memory, from acceptance or replay to its end.
// Fast ones have no Pair: they are only an Entry.
type Pair struct {
	Part     *Part
	Session  *Session
	Kin      *Kin // what it shares with the user's other receivers; nil: there are none
	Seq      uint64
	Attempts int // counted in earlier sessions
	From     uint16
	Store    StoreState
	Safe     bool   // it holds its part's settlement back no more
	Sent     bool   // handed to a connection before
	Resend   bool   // it waits in Session.Resend
	Ended    bool   // it has its fate; only lists still name it
	Job      uint64 // Storing: the shard's name for the Put
}

// StoreState says what the store knows of a pair that is in memory.
type StoreState uint8

// The states.
const (
	NotStored StoreState = iota
	Storing              // a Put is under way
	Stored
)

// Kin is what the receivers of one message that belong to one user share.
type Kin struct {
	Pending int
	Acked   bool
}

// Entry is a place in an outbox.
type Entry struct {
	Part *Part
	Pair *Pair // nil: fast
	From uint16
}
