package sdk

import "time"

// EventKind says what happened; the comment of each names the fields it uses
// besides Conn.
type EventKind uint8

// The events of a transport.
const (
	EventConnect   EventKind = iota + 1 // Connect: a device wants a session
	EventAttached                       // now on this loop, ready for deliveries
	EventRefresh                        // Credentials: new ones for the same user
	EventUplink                         // ID, Name, Headers, Payload: the device sends
	EventAck                            // Seq (cumulative), Ranges, By
	EventNack                           // Seq, RetryAfter or Final, Text
	EventJoin                           // Group, Position (last one known, 0 if none)
	EventLeave                          // Group
	EventCongested                      // Queued: bytes the socket did not take
	EventWritable                       // all that was queued is written
	EventClosed                         // Code, Text: why; exactly once
)

// Event is one thing that happened on a connection: a tagged union, flat so that
// a batch is one allocation and copies onto a link as it is.
type Event struct {
	Kind  EventKind
	By    AckBy
	Final bool   // Nack: refused for good
	Code  uint16 // Closed: a close code of sdk/wire; 0: the peer just went away
	Conn  ConnID

	Seq        uint64
	Position   uint64
	Queued     int           // bytes
	RetryAfter time.Duration // Nack: ask again after this

	Ranges  []SeqRange
	Headers []Header
	Payload []byte

	ID    string // Uplink: the device's own id of what it sends, at most 128 bytes
	Name  string // Uplink: at most 64 bytes
	Group string
	Text  string

	Connect     *Connect     // Connect
	Credentials *Credentials // Refresh
}

// AckBy says what an ack rests on.
type AckBy uint8

// Kinds of ack.
const (
	AckByDevice AckBy = iota // the device said so
	AckByWrite               // the protocol has no acks: the socket took it
)

// SeqRange is an inclusive range of sequence numbers.
type SeqRange struct{ First, Last uint64 }

// Connect is what a device says of itself when it wants a session.
type Connect struct {
	Credentials Credentials

	// What the device claims; empty means: whatever the credentials say. Claims
	// of the credentials win, a different value here is refused.
	User, Device, Platform string

	Codecs  []string // payload compressions it can read, best first
	Headers []string // names of forwarded headers it wants
	Groups  []string // groups to join at once

	KeepAlive time.Duration // heartbeat it wishes; 0: the runtime's default
	Window    int           // most messages it takes without an ack; 0: the runtime's default
	Resume    *Resume       // nil: a new session

	Meta []Meta // about the connection, at most 32 entries
}

// Resume asks for an earlier session to go on. A protocol whose devices hold no
// token of ours (MQTT with a client id) leaves Token nil: then the session of the
// authenticated user and device goes on, from where its acks stood.
type Resume struct {
	Token []byte // Accept's Token, or nil
	Epoch uint64 // Accept's Epoch
	Seq   uint64 // the device has all up to it
}

// CredentialKind says what a device proves itself with.
type CredentialKind uint8

// The kinds of credentials.
const (
	CredentialNone   CredentialKind = iota
	CredentialBearer                // Token
	CredentialBasic                 // User, Password
	CredentialCert                  // Cert: DER of the verified client certificate
	CredentialQuery                 // Token, from the query string
	CredentialCookie                // Token, a cookie's value
	CredentialHeader                // Token, a header's value
)

// Credentials prove who a device is. They are never logged.
type Credentials struct {
	Kind           CredentialKind
	Token          string
	User, Password string
	Cert           []byte
}

// Meta is one fact about a connection.
type Meta struct{ Name, Value string }

// Names of facts in Connect.Meta.
const (
	MetaTransport     = "transport"      // the protocol's name
	MetaPeer          = "peer"           // address of the socket's other end
	MetaForwardedPeer = "forwarded_peer" // address a trusted proxy reports
	MetaTLSVersion    = "tls_version"
	MetaSNI           = "sni"
	MetaSubprotocol   = "subprotocol"
	MetaOrigin        = "origin"
	MetaPath          = "path"
	MetaClientName    = "client_name"
	MetaClientVersion = "client_version"
)
