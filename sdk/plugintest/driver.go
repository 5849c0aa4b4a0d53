package plugintest

import (
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// Driver opens connections to a transport as devices do.
//
// A method of Driver or Device that the protocol has no means for returns
// errors.ErrUnsupported. Methods return when the request is on its way; what
// comes of it is reported.
type Driver interface {
	// Open connects to an endpoint as Transport.Open returned it and asks for a
	// session. It does not wait for the session. Everything the device sees from
	// then on is reported, in order, by one goroutine at a time, which the
	// device's end stops. report does not block.
	Open(url string, d Dial, report func(Report)) (Device, error)
}

// Dial is what a device says of itself. A protocol that has no place for a field
// leaves it out, except that at least one of Credentials, User and Device must
// reach the transport, for the kit tells connections by them.
type Dial struct {
	Silent      bool // connect, but ask for no session
	Credentials sdk.Credentials
	User        string
	Device      string
	Platform    string
	Groups      []string
	Codecs      []string
	KeepAlive   time.Duration
	Window      int
	Resume      *sdk.Resume
}

// Device is one connection, seen from the device. The kit calls it from one
// goroutine at a time.
type Device interface {
	// Ack confirms all that the device got up to a number, and what is in also
	// besides. Numbers are those of reported messages.
	Ack(upTo uint64, also []sdk.SeqRange) error
	Nack(seq uint64, retryAfter time.Duration, final bool, text string) error
	Send(id, name string, payload []byte) error
	Join(group string, position uint64) error
	Leave(group string) error
	Refresh(c sdk.Credentials) error

	// Stall stops reading from the connection, so that what is written to it
	// jams; Unstall reads on.
	Stall() error
	Unstall() error

	// Cut ends the connection as a network does, without a goodbye: on TCP by a
	// reset. Close ends it as the protocol wants it.
	Cut() error
	Close() error
}

// Offender is a Device that can break its protocol.
type Offender interface {
	// Offend sends what the protocol forbids.
	Offend() error
}

// ReportKind says what a device saw.
type ReportKind uint8

// What a device sees; the comment of each names the fields that it uses.
const (
	Opened    ReportKind = iota + 1 // Resumed, Token, Epoch: it has a session
	Rejected                        // Code, Text: it has none
	Pushed                          // Seq, ID, Name, Payload: a message
	Sent                            // ID, Code (0: taken), Text, Retryable
	Joined                          // Group, Code, Text, Position, Gap
	Refreshed                       // Code, Text
	Moved                           // Text: please reconnect
	Closed                          // Code, Text; 0 if the connection just ended. Always the last report
)

// Report is one thing that a device saw. What the protocol does not tell the
// device stays zero. Seq is whatever number the device acks a message by; 0 for
// one without acks.
type Report struct {
	Kind      ReportKind
	Resumed   bool
	Retryable bool
	Gap       bool
	Code      uint16
	Seq       uint64
	Epoch     uint64
	Position  uint64
	ID        string
	Name      string
	Group     string
	Text      string
	Token     []byte
	Payload   []byte
}

// Ability is something a protocol may lack.
type Ability string

// The abilities.
const (
	Acks       Ability = "acks"        // devices ack, all up to a number at once
	AckRanges  Ability = "ack ranges"  // and ranges besides
	Nacks      Ability = "nacks"       // devices refuse messages
	Sends      Ability = "sends"       // devices send
	SendNames  Ability = "send names"  // what devices send has a name
	Joins      Ability = "joins"       // devices join and leave groups
	Positions  Ability = "positions"   // and say what they know of a group's history
	Refreshes  Ability = "refreshes"   // devices bring new credentials
	Resumes    Ability = "resumes"     // devices resume sessions
	Results    Ability = "results"     // devices are told what became of sends, joins, refreshes
	Messages   Ability = "messages"    // devices see a message's id, name and number
	Reasons    Ability = "reasons"     // devices are told code and text of a refusal or close
	Stalls     Ability = "stalls"      // a device that does not read jams its connection
	EarlySends Ability = "early sends" // devices may send before they have a session
	Heartbeats Ability = "heartbeats"  // silent devices are closed by the transport
	HostTime   Ability = "host time"   // time-outs follow Host.Now and Poller.Timer
	HostCredit Ability = "host credit" // the transport reads on the host's loops, and so minds Host.Credit
	Silence    Ability = "silence"     // devices can be connected and ask for nothing
	Platforms  Ability = "platforms"   // devices say their platform
	Codecs     Ability = "codecs"      // and what compressions they read
	KeepAlives Ability = "keep alives" // and the heartbeat they wish
	Windows    Ability = "windows"     // and how much they take ahead of acks
	OpenGroups Ability = "open groups" // and which groups to join at once
)

// Abilities are all there are: of protocols, then of brokers.
func Abilities() []Ability {
	return []Ability{
		Acks, AckRanges, Nacks, Sends, SendNames, Joins, Positions, Refreshes, Resumes, Results, Messages, Reasons, Stalls, EarlySends,
		Heartbeats, HostTime, HostCredit, Silence, Platforms, Codecs, KeepAlives, Windows, OpenGroups,
		Counts, Cuts, Reassigns, Outputs, Requeues,
	}
}
