package store

import (
	"time"

	"github.com/pushcore/pushcore/core/envelope"
)

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
	// With Again only receivers that are there are raised, none is added. If an
	// earlier run has left the same message (scope, id, class and payload) at
	// another Order for a receiver, that one keeps its place and nothing is added:
	// There names him.
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
	// what is pending for it, on this page or a later one, has no deadline of
	// memory_wait any more.
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
	// Owe keeps a notice (Pair.Owed) of Message's receiver (Receivers[0]), which
	// ended in memory at Order by Fate and Reason, and which its broker has not
	// taken so far. Order names it: asking twice keeps it once. Owed names it.
	Owe
	// Told forgets the notice named by Owed: its broker has it.
	Told
	// Find names the pairs of the message (Scope, ID), of User or of all if it is
	// empty, at most Max: Found, and More if there are others. It changes nothing.
	Find
	// Remember keeps the id (Scope, ID) of a settled record with Fingerprint and
	// How until Until. It is the dispatcher's, and of no user.
	Remember
	// Append keeps Message as number Order of Group's history, and Order as the
	// group's position. Beyond Limit.Messages the oldest goes, and so does what was
	// accepted before Since. Dissolve removes a group's history and position too.
	// It is the dispatcher's, and of no user. It fails if the group has a position
	// that is lower than After: an earlier one has failed, and a history has no
	// holes. Where the position is not lower than Order the message is there, and
	// nothing is done.
	Append
	// Replay reads Group's history after Order, without what was accepted before
	// Since, at most Max entries and about MaxBytes: Entries (whose Order is the
	// position), More, and First, the oldest position there is (0: none). It sees
	// each Append that was submitted before it, whoever submitted it, unless that
	// failed.
	Replay
)

// SessionPrefix begins the key of a session without a device id; ids of devices
// hold no control characters.
const SessionPrefix = "\x00"

// Receiver is one receiver of a stored message: a device by its id, the
// placeholder of a user who had none by the empty id, or a session without a
// device id by SessionPrefix and its id. When a store is opened its sessions are
// over, as by EndSession: what ended so is not carried, its notices are.
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

	Since       time.Time    // Append, Replay
	After       uint64       // Append: the position before Order
	Owed        uint64       // Told
	Fingerprint uint64       // Remember
	How         envelope.How // Remember
}

// Remembered is an id that is kept.
type Remembered struct {
	Scope, ID   string
	Fingerprint uint64
	How         envelope.How
	Until       time.Time
}

// Limit bounds a user's mailbox: beyond it the oldest goes.
type Limit struct {
	Messages int
	Bytes    int
}
