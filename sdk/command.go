package sdk

import (
	"time"

	"github.com/pushcore/pushcore/sdk/wire"
)

// CommandKind says what to do; the comment of each names the fields it uses
// besides Conn.
type CommandKind uint8

// The commands to a transport.
const (
	CommandAccept        CommandKind = iota + 1 // Accept: the session stands; detach here, emit Attached on Accept.Owner
	CommandReject                               // Code, Text, Reconnect: say so and close
	CommandUplinkResult                         // ID, Code (0: taken), Text, Retryable
	CommandJoinResult                           // Group, Code (0: joined), Text, Position, Gap
	CommandRefreshResult                        // Code (0: refreshed), Text, Expires
	CommandPause                                // stop reading from the connection
	CommandResume                               // read again
	CommandMove                                 // Within, Text (an address, or empty): please reconnect
	CommandClose                                // Code, Text, Reconnect: write what is queued, say so and close
	CommandKeep                                 // Keep: a sealed blob to keep for the core
	CommandListen                               // Listen; no Conn: accept connections on this loop
	CommandStopListening                        // no Conn: close the listeners of this loop, for good
)

// Command is one thing to do with a connection: a tagged union.
type Command struct {
	Kind      CommandKind
	Retryable bool // UplinkResult: the same may be sent again later
	Gap       bool // JoinResult: some of the group's history is gone
	Code      uint16
	Conn      ConnID
	Position  uint64
	Within    time.Duration
	Expires   time.Time
	ID        string
	Group     string
	Text      string
	Reconnect wire.Reconnect
	Keep      []byte
	Accept    *Accept
	Listen    *Listen
}

// Accept opens a session on a connection.
type Accept struct {
	Owner       Loop          // the loop that serves the connection from now on
	Token       []byte        // the session's resume token
	Resumed     bool          // an earlier session goes on
	Epoch       uint64        // the run of sequence numbers
	Heartbeat   time.Duration // the device sends something at least this often; 1.5 times it is silence
	Expires     time.Time     // the credentials' end; zero: none
	Codec       string        // chosen compression of payloads, or empty
	MaxUplink   int           // bytes of a payload the device may send
	Window      int           // messages under way before an ack is needed
	RememberIDs int           // how many message ids to remember against repeats
	User        string
	Device      string
	Keep        []byte // as CommandKeep
}

// Listen bounds what a transport lets in on one loop.
type Listen struct {
	AcceptRate         int           // connections a second; 0: no bound
	MaxUnauthenticated int           // connections without Accept; beyond it, new ones are closed at once
	ConnectTimeout     time.Duration // from accept to Connect
	LoopbackOnly       bool          // nobody has to prove who he is: take nothing that a page of another site can make a browser send
	MaxFrame           int           // bytes of one frame from a device
}
