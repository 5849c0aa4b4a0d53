// Package store keeps reliable messages, known devices, memberships and ids
// while nobody takes them. It is asked by effects and answers by events: a shard
// submits operations, an engine answers each in a later turn. Stored pairs belong
// to the store: it decides atomically what an operation removes and names it in
// the answer, and the shard makes fates of it.
//
// A stored message is one payload plus one reference for each receiver. Nothing
// is keyed by loop.
package store

import (
	"time"

	"github.com/pushcore/pushcore/core/envelope"
)

// Store is an engine. Submit may be called from any goroutine and never blocks;
// operations of one user take effect in the order of submission, also where one
// fails: those behind it fail too (Page and operations for all users aside), until
// one has Retry set. So what is stored of a receiver never has a hole, whenever the
// process ends. Answers go to the Sink given at open, in batches, those of one loop
// in order of submission.
type Store interface {
	// Durable says whether what is answered without an error survives the
	// process: whether stored counts as safe.
	Durable() bool
	Submit(ops []Op)
	// Census counts the stored (message, receiver) pairs.
	Census() int
	Close() error
}

// Sink takes an engine's answers on their way to the loop that asked, or for
// Expired the loop that owns the user. It must not block.
type Sink func(loop int, a []Answer)

// OpKind is what is asked of the store.
type OpKind uint8

// The operations; each comment names the fields used besides Loop, Token, User.
const (
	// Put stores Message at Order for Receivers. If (user, Order) is there, the
	// receivers are added, the attempts and Sent of those that are there raised.
	// Removed names what a collapse key or the mailbox bound (Limit) pushed out,
	// which may be what was just put. A collapse key replaces only what was
	// neither sent nor handed out by Page. The newest message always stays,
	// however large.
	// With Again only receivers that are there are raised, none is added.
	Put OpKind = iota + 1
	// Remove ends Receivers of (user, Order), all of them if nil. Removed names
	// those that were there.
	Remove
	// RemoveMessage ends every receiver of the message (Scope, ID) of this user,
	// Except's aside; of all users if User is empty: then the owner of each user
	// is told of his pairs, who is not the asker by an answer with Token 0.
	RemoveMessage
	// Page reads entries pending for Device (a device's own, and placeholders
	// it may take over, which become its own) after Order, at most Max entries
	// and about MaxBytes. Entries and More answer it. Who asks has a session:
	// what it is given has no deadline of memory_wait any more.
	Page
	// PutDevice makes Device known (Platform, Seen); Removed is empty.
	PutDevice
	// ForgetDevice removes Device and ends what is stored for it.
	ForgetDevice
	// PutMember, RemoveMember: User is a member of Group, or no more.
	PutMember
	RemoveMember
	// Dissolve removes every membership in Group (User empty).
	Dissolve
	// EraseUser removes devices, memberships and mailbox.
	EraseUser
	// Touch sets the deadline of what is stored for Device in a store that is not
	// durable: Until (memory_wait from the end of its session), or none.
	Touch
	// EndSession tells that a session without a device id is over, whose
	// receiver is Device: what is stored for it becomes the placeholder's,
	// unless another of the user's receivers has it pending or has acked it:
	// then it ends by Fate and Reason, and Removed names it. Until is the
	// placeholder's deadline, as Put's.
	EndSession
)

// SessionPrefix begins the key of a session without a device id; ids of devices
// hold no control characters.
const SessionPrefix = "\x00"

// Receiver is one receiver of a stored message: a device by its id, the
// placeholder of a user who had none by the empty id, or a session without a
// device id by SessionPrefix and its id. When a store is opened its sessions are
// over, as by EndSession.
type Receiver struct {
	Device   string
	Attempts int
	Sent     bool // handed to a connection before: a collapse key replaces it no more
	Here     bool // Put: it has a session, so Until is not for it; not stored
}

// Op is one operation. Loop and Token are echoed in the answer.
type Op struct {
	Kind      OpKind
	Retry     bool // the first one after a failure; ends the failing of its user's operations
	Again     bool // Put
	Loop      int
	Token     uint64
	User      string
	Order     uint64
	Message   *envelope.Message
	Receivers []Receiver
	Scope, ID string
	Except    string // device
	Device    string
	Platform  string
	Group     string
	Seen      time.Time
	Until     time.Time // Put: its Receivers end by MemoryWait if sooner than the message's ExpiresAt; zero: none
	Max       int
	MaxBytes  int
	Limit     Limit
	Reason    envelope.Reason // why what is removed ends
	Fate      envelope.Fate
}

// Limit bounds a user's mailbox: beyond it the oldest goes.
type Limit struct {
	Messages int
	Bytes    int
}

// Answer answers one operation, or (Kind 0) tells of pairs whose time ran out.
type Answer struct {
	Kind    OpKind
	Token   uint64
	User    string
	Err     error // nothing was done
	Removed []Pair
	Entries []Entry
	More    bool
}

// Pair is a stored (message, receiver) that ended.
type Pair struct {
	Message  *envelope.Message
	Order    uint64
	User     string
	Receiver Receiver
	Fate     envelope.Fate
	Reason   envelope.Reason
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
