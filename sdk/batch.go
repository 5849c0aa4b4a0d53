package sdk

// Batch is a set of pushes to connections of one loop: each message once, and
// any number of items that say to whom, in the order of writing. A fan-out to a
// room is one message and many items, private messages are one item each, and
// the items of one connection stand side by side, so that a transport encodes
// each message's body once per batch and gathers each socket's write in passing.
type Batch struct {
	Messages []Message
	Items    []Item
}

// Item pushes one message to one connection.
type Item struct {
	Conn    ConnID
	Seq     uint64 // reliable: its number in the session; fast: 0
	Message uint32 // index into Batch.Messages
}

// Class says what is promised for a message.
type Class uint8

// The classes.
const (
	Reliable Class = iota // numbered, acked, resent
	Fast                  // at most once, newest data first choice
)

// Message is what devices see of a message, the same for all receivers.
type Message struct {
	ID        string
	Name      string
	Class     Class
	FromUser  string // addressed to this user; or
	FromGroup string // to this group; both empty: to a device or to all
	Position  uint64 // in the group's history; 0: none
	Codec     string // compression of Payload, or empty
	Headers   []Header
	Payload   []byte
}

// Header is one header of a broker record or message.
type Header struct {
	Name  string
	Value []byte
}
