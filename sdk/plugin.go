package sdk

import "time"

// APIVersion is the version of this contract. A runtime serves plugins of the
// same major version.
const APIVersion = "1.0"

// Kind tells a transport from an MQ plugin.
type Kind string

// The kinds of plugin.
const (
	KindTransport Kind = "transport"
	KindMQ        Kind = "mq"
)

// Info describes a plugin. It is constant over the plugin's life.
type Info struct {
	Name         string   // what `use:` in the config says, [a-z][a-z0-9_]*
	Kind         Kind     // transport or mq
	Version      string   // the plugin's own version
	APIVersion   string   // the contract it was written against: APIVersion
	Capabilities []string // see the Cap constants; unknown ones are ignored
	Schema       []byte   // JSON Schema of the options, or nil
}

// Capabilities a plugin may declare in Info.
const (
	CapHandover = "handover"  // implements Freezer
	CapAckWrite = "ack_write" // acks by write: its protocol has no acknowledgement of its own
	CapLetters  = "letters"   // implements LetterBox
)

// OptionError is one fault in a plugin's options.
type OptionError struct {
	Pointer string // JSON pointer into the options, such as /listen or /input/topics/0
	Message string // one line without a full stop
}

// Plugin is what transports and MQ plugins share.
type Plugin interface {
	// Info may be called at any time, from any goroutine.
	Info() Info

	// Configure takes the plugin's options as JSON ("{}" when there are none)
	// and returns all faults it finds. It has no side effects besides keeping
	// the options for Open, and may be called again with others.
	Configure(options []byte) (Setup, []OptionError)

	// Close ends everything the plugin opened. It returns when all is closed,
	// at the latest at the deadline. Nothing is called after it.
	Close(deadline time.Time) error
}

// Setup is what the runtime needs to know of a configuration before Open.
type Setup struct {
	Listen  []string      // addresses a transport will listen on, host:port
	Input   *InputOptions // an MQ plugin that takes records in; nil if it does not
	Outputs []Output      // an MQ plugin: where it can publish to
}

// Output names a place an MQ plugin can publish to.
type Output string

// The outputs.
const (
	OutputUplink     Output = "uplink"
	OutputEvents     Output = "events"
	OutputFates      Output = "fates"
	OutputReceipt    Output = "receipt"
	OutputDeadLetter Output = "dead_letter"
)
