package config

import "time"

// Limits is the section `limits`. Bounds of what one plugin instance takes in
// (input.max_open) are options of that instance.
type Limits struct {
	// The longest payload, pushed or sent by a device. A longer record ends as
	// dead(too_large), a longer push by HTTP gets 413.
	MaxPayload Size `key:"max_payload" min:"1KiB" max:"64MiB"`
	// The connections of the node. Beyond it a device is told to come back
	// later. The process needs a file descriptor for each.
	MaxConnections int `key:"max_connections" min:"1" max:"100000000"`
	// The connections of the node that have not authenticated yet. Beyond it
	// new ones are closed at once.
	MaxUnauthenticated int `key:"max_unauthenticated" min:"1" max:"10000000"`
	// How long a new connection may take to say who it is and be let in.
	ConnectTimeout Duration `key:"connect_timeout" min:"100ms" max:"10m"`
	// The new connections that the node accepts, so that authentication is not
	// overrun when everybody comes back at once; the others wait in the
	// kernel. 0: no bound.
	AcceptRate Rate `key:"accept_rate" min:"0" max:"1000000/s"`
	// What devices may send.
	Uplink Uplink `key:"uplink"`
	// What is sent to a session and not yet acked, at most 65536 messages.
	// Beyond it messages wait in its outbox.
	Window Bound `key:"window"`
	// What waits in the memory of a session whose device is slow. Beyond it
	// reliable messages wait in the store, fast ones meet delivery.slow_fast.
	Outbox Bound `key:"outbox"`
	// The entries that may wait for one event loop. At the bound the consumers
	// of the brokers wait, and HTTP answers 503.
	MailboxQueue int `key:"mailbox_queue" min:"64" max:"16777216"`
	// The memory in which the node remembers what became of messages, for
	// `pushcore where`: about 6,000 messages to one device each MiB. Beyond it
	// the oldest is forgotten. It is used as it is needed.
	History Size `key:"history" min:"1MiB" max:"16GiB"`
}

// Uplink is `limits.uplink`.
type Uplink struct {
	// The messages of one session; a second's worth may come at once. Beyond it
	// they are refused with a code that lets the device send them again. 0: no
	// bound.
	Rate Rate `key:"rate" min:"0" max:"1000000/s"`
	// What waits for the broker, in all. Beyond it messages are refused in the
	// same way.
	Queue Bound `key:"queue"`
}

func (l *Limits) setDefaults() {
	*l = Limits{
		MaxPayload:         1 << 20,
		MaxConnections:     1_000_000,
		MaxUnauthenticated: 10_000,
		ConnectTimeout:     Duration(10 * time.Second),
		AcceptRate:         5000,
		Uplink:             Uplink{Rate: 100, Queue: Bound{Messages: 10_000, Bytes: 64 << 20}},
		Window:             Bound{Messages: 256, Bytes: 1 << 20},
		Outbox:             Bound{Messages: 1000, Bytes: 1 << 20},
		MailboxQueue:       8192,
		History:            32 << 20,
	}
}

// windowMax is the most messages that a window can count.
const windowMax = 1 << 16

func (l *Limits) validate(at place) {
	if l.Window.Messages > windowMax {
		at.key("window").key("messages").fail("must be at most %d, is %d", windowMax, l.Window.Messages)
	}
}
