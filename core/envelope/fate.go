package envelope

// Fate is how a (message, receiver) pair ended.
type Fate uint8

// The fates. A pair ends in exactly one.
const (
	Pending Fate = iota // has not ended
	Acked
	Sent // fast: handed whole to the socket
	Expired
	Withdrawn
	Dropped // with a reason
	Dead    // with a reason
	NumFates
)

// Reason says why a pair was dropped or died. The list grows in minor versions.
type Reason uint8

// The reasons.
const (
	NoReason Reason = iota
	// Reasons of Dropped.
	NoSession
	NoDevice
	Slow
	Collapsed
	SessionEnded
	MemoryWait
	DeviceForgotten
	UserErased
	// Reasons of Dead.
	BadRecord
	BadAddress
	TooLarge
	IDConflict
	Refused
	NoAck
	MailboxFull
	NumReasons
)

var fateNames = [NumFates]string{"pending", "acked", "sent", "expired", "withdrawn", "dropped", "dead"}

var reasonNames = [NumReasons]string{
	"", "no_session", "no_device", "slow", "collapsed", "session_ended", "memory_wait", "device_forgotten", "user_erased",
	"bad_record", "bad_address", "too_large", "id_conflict", "refused", "no_ack", "mailbox_full",
}

// String is the fate's name in receipts and metrics.
func (f Fate) String() string { return fateNames[f] }

// String is the reason's name in receipts and metrics.
func (r Reason) String() string { return reasonNames[r] }
