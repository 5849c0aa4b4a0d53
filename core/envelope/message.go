package envelope

import (
	"time"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// RecordID is admission's handle of an accepted record while it is open, unique
// within the run of the process; 0 means none (a message replayed from the store).
type RecordID uint64

// AckMode says whose acks end a message.
type AckMode uint8

// Modes of push-ack.
const (
	AckEach AckMode = iota // every receiver's own
	AckAny                 // per user, the first of his receivers'
)

// ReceiptMode says which receipts were asked for.
type ReceiptMode uint8

// Modes of push-receipt.
const (
	ReceiptNone ReceiptMode = iota
	ReceiptFinal
	ReceiptAll // also `stored`
)

// Message is one accepted publish. It is immutable from acceptance on and shared
// by all shards; its slices are its own (copied out of the broker's buffers).
type Message struct {
	ID       string // what devices, receipts and people see
	Scope    string // the plugin instance within which ID names one event
	Name     string
	Class    sdk.Class
	Ack      AckMode
	Receipt  ReceiptMode
	Collapse string // replaces an unsent one with the same key; empty: none

	To        []wire.Address // union of receivers
	Except    []wire.Address
	Platforms []string // empty: all

	// SessionsOnly is push-ttl 0: only who has a session at acceptance.
	SessionsOnly bool
	AcceptedAt   time.Time     // wall clock of this node
	ExpiresAt    time.Time     // wall clock; never zero
	StoreAfter   time.Duration // store what is not acked by then
	// MemorySafe says that a store that is not durable will do: there is no
	// broker's record to fall back on, and the sender is told.
	MemorySafe bool

	Origin  Origin
	Key     []byte       // the record's key, kept for dead letters
	Headers []sdk.Header // all of the record's, forwarded and kept for dead letters
	Payload []byte
	// Original is the record's value where that is not the payload (an input of
	// format json with a dead-letter target); see Body.
	Original []byte

	Record RecordID

	// Positions, by index into To, are the message's in the histories of the groups
	// it was pushed to; nil where none of them has one. The dispatcher gives them,
	// before any shard sees the message.
	Positions []uint64
}

// Position is the message's in the history of the group at index i of To; 0: none.
func (m *Message) Position(i int) uint64 {
	if i < len(m.Positions) {
		return m.Positions[i]
	}
	return 0
}

// Body is the value that the record had, for dead letters.
func (m *Message) Body() []byte {
	if m.Original != nil {
		return m.Original
	}
	return m.Payload
}

// Origin says where a record came from.
type Origin struct {
	Plugin   string // instance: "orders", "http"
	Source   string // "push/3"
	Position uint64
}

// Size is what a message counts for in bounds: the bytes it holds.
func (m *Message) Size() int {
	n := len(m.ID) + len(m.Name) + len(m.Collapse) + len(m.Key) + len(m.Payload) + len(m.Original) + messageOverhead
	for _, h := range m.Headers {
		n += len(h.Name) + len(h.Value)
	}
	return n
}

const messageOverhead = 256 // the struct and its addresses, roughly
