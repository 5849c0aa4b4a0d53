package store

import (
	"time"

	"github.com/pushcore/pushcore/core/envelope"
)

// Answer answers one operation, or (Kind 0) tells of pairs whose time ran out.
type Answer struct {
	Kind    OpKind
	Token   uint64
	User    string
	Err     error // nothing was done
	Removed []Pair
	Owed    []Pair // Put: receivers newly stored whose "stored" is owed; Owe: the one
	There   []Pair // Put: what was asked and not done, for an earlier run has left it there
	Found   []Pair // Find
	Entries []Entry
	More    bool
	First   uint64 // Replay

	// Held is, in the last answer of a batch, how many pairs the engine counts of
	// the users whom the loop owns, once all that the batch says is done. With it a
	// shard balances its books at any time, whatever is under way.
	Held int
}

// Pair is a stored (message, receiver): one that ended, that is told of, or that
// was asked for.
type Pair struct {
	Message  *envelope.Message
	Order    uint64
	User     string
	Receiver Receiver
	Fate     envelope.Fate // Pending: it is stored
	Reason   envelope.Reason
	At       time.Time // when it ended or was stored

	// Owed names the notice that is kept until Told because its broker is to hear
	// of this: a receipt of the pair's end, or of its being stored (receipt all), or
	// the dead letter. The engine makes it in the commit that ends or stores the
	// pair, so a crash in between loses no notice. 0: there is none; always in a
	// store that is not durable.
	Owed uint64
}

// Notable says whether a broker is to hear of a message's end by a fate, or with
// Pending of its being stored.
func Notable(m *envelope.Message, f envelope.Fate) bool {
	switch {
	case f == envelope.Pending:
		return m.Receipt == envelope.ReceiptAll
	case f == envelope.Dead:
		return true
	}
	return m.Receipt != envelope.ReceiptNone
}

// Entry is a stored message pending for the device that was asked for.
type Entry struct {
	Order    uint64
	Message  *envelope.Message
	Receiver Receiver
}

// Carried is what a store holds of one user when it is opened.
type Carried struct {
	User     string
	Devices  []Device
	Groups   []string
	Pairs    int
	Messages int
	Bytes    int
}

// Device is a known device.
type Device struct {
	ID, Platform string
	Seen         time.Time
}
