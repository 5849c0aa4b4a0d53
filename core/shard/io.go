package shard

import (
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/sdk"
)

// A shard is state: it is handed inputs and the time, and collects effects. It
// has no goroutine, lock, clock or socket. The motion around it (core/loop, or
// the simulation) does one turn as
//
//	s.Begin(now)
//	s.Handle(input)...          // mailbox
//	s.Events(plugin, events)    // from transports, as they come (poll)
//	s.Tick()                    // timers
//	more := s.Serve(budget)     // outboxes → batches, socket by socket
//	apply Effects               // commands before Serve's batches; then flush
//	s.Flushed()                 // what was handed over and is not congested is sent
//	s.Written(plugin, batches)  // likewise, for instances that tell when it is so
//
// Between Begin and Serve the motion also says what it knows of instances in
// processes of their own: Rejoin, Block, Rename.
//
// Serve may be repeated with other inputs in between; order was made when
// messages entered the outboxes.

// Now is the time of a turn.
type Now struct {
	Mono time.Duration // since the start of the process; timers run on it
	Wall time.Time     // for TTLs and what people read
}

// PostedEvents are events of a transport that came through Host.Post.
type PostedEvents struct {
	Plugin int
	Events []sdk.Event
}

// AuthResult answers an AuthRequest.
type AuthResult struct {
	Plugin  int
	Conn    sdk.ConnID
	Refresh bool // answers an EventRefresh, not an EventConnect

	Code uint16 // 0: authenticated; else the close code to reject with
	Text string

	User, Device, Platform string
	Groups                 []string  // joined sessions by claim
	Expires                time.Time // zero: never
}

// StoreAnswers brings answers of the store.
type StoreAnswers struct{ Answers []store.Answer }

// Published brings the results of Publish effects.
type Published struct{ Results []PublishResult }

// PublishResult answers one Publish effect.
type PublishResult struct {
	Token     uint64
	Err       string // empty: the broker has it
	Retryable bool
}

// Query asks for something on behalf of an operator; its Answer effect has the
// same Token.
type Query struct {
	Token  uint64
	Kind   QueryKind
	User   string
	Device string
	Group  string
	Plugin int // sessions of this transport instance only; below 0: of all
	Limit  int
	After  string
	Code   uint16 // kick: the close code

	// Of a message: QueryWhere, QueryStored.
	ID, Scope string
	Origin    envelope.Origin // QueryWhere: of its record, instead of the ID
}

// QueryKind is what is asked.
type QueryKind uint8

// The queries.
const (
	QuerySessions QueryKind = iota + 1 // of User, or all after After up to Limit → Sessions
	QueryUser                          // → UserView
	QueryGroup                         // → GroupView: members and joined sessions of this shard
	QueryKick                          // close User's sessions with Code → Count
	QueryStats                         // → Stats
	QueryErase                         // forget User altogether → Count of pairs ended, when it is stored
	QueryForget                        // forget his Device → likewise
	QueryLeft                          // → Left: what a stop waits for
	QueryWhere                         // what became of messages: of User, or of all → Where
	QueryStored                        // what the store has of (Scope, ID), up to Limit, of User or of all → Stored, when the store answers
)

// PluginDown tells that a transport instance's process and all its connections are
// gone, with all incarnations up to this one. 0: it was in this process.
type PluginDown struct {
	Plugin      int
	Incarnation uint16
}

// FromPeer carries a message of one shard to another: logins on their way to the
// owner of the user, and the answers.
type FromPeer struct {
	From    int
	Message PeerMessage
}

// ShardInput marks inputs.
func (*PostedEvents) ShardInput() {}
func (*AuthResult) ShardInput()   {} // see PostedEvents
func (*StoreAnswers) ShardInput() {} // see PostedEvents
func (*Published) ShardInput()    {} // see PostedEvents
func (*Query) ShardInput()        {} // see PostedEvents
func (*PluginDown) ShardInput()   {} // see PostedEvents
func (*FromPeer) ShardInput()     {} // see PostedEvents

// Effects is what a turn has for the world. The motion takes it after each step
// and calls Reset; its slices are reused.
type Effects struct {
	Plugins []PluginEffects // by plugin index
	Peers   []ToPeer
	Reports []envelope.Report // → dispatcher
	Store   []store.Op
	Auth    []AuthRequest
	Publish []Publish // → broker
	Answers []Answer  // → who asked
	Fates   []Fate    // → who keeps books, if Config.Fates; each is whole in itself
}

// PluginEffects is what one transport instance is to do on this loop: Commands
// first, then Batch, then Closing (commands that must come behind the batch).
type PluginEffects struct {
	Commands []sdk.Command
	Batch    sdk.Batch
	Closing  []sdk.Command
}

// ToPeer sends a message to another shard.
type ToPeer struct {
	To      int
	Message PeerMessage
}

// AuthRequest asks who a device is. The strings and slices are the request's own.
type AuthRequest struct {
	Loop    int
	Plugin  int
	Conn    sdk.ConnID
	Refresh bool
	User    string // Refresh: the session's user, which must not change
	Connect *sdk.Connect
}

// Publish asks for a record to be published: an uplink, a receipt, an event, or
// the dead letter of a receiver. It is answered by Published with the Token,
// unless the Token is 0.
type Publish struct {
	Loop    int
	Token   uint64
	Output  sdk.Output
	Origin  string // plugin instance the message came from, for outputs routed to `source`
	Key     []byte
	Headers []sdk.Header
	Body    []byte
}
