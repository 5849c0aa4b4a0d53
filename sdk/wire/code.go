package wire

import "slices"

// Code says why a connection was refused or closed, and how a SEND, JOIN or
// REFRESH ended. Zero is success and no code of the registry. On WebSocket it
// is the status of the close frame as it stands. Codes grow in minor versions;
// an unknown one means what its band means.
type Code uint16

// The bands: a device that is closed with a code below codeTerminal comes
// back, with one from there on it does not.
const (
	codeFirst    Code = 4000
	codeTerminal Code = 4500
	codeLast     Code = 4999
)

// Terminal tells whether the same device with the same credentials must not
// come back by itself. A code outside both bands is not terminal: losing a
// device for good on a number that nobody knows would be the greater harm.
func (c Code) Terminal() bool { return c >= codeTerminal && c <= codeLast }

// Valid tells whether c lies in one of the two bands.
func (c Code) Valid() bool { return c >= codeFirst && c <= codeLast }

// String returns the code's name in the registry, or "unknown".
func (c Code) String() string {
	if info, ok := c.Info(); ok {
		return info.Name
	}
	return "unknown"
}

// Info returns the code's entry in the registry.
func (c Code) Info() (CodeInfo, bool) {
	i, found := slices.BinarySearchFunc(codes, c, func(info CodeInfo, c Code) int {
		return int(info.Code) - int(c)
	})
	if !found {
		return CodeInfo{}, false
	}
	return codes[i], true
}

// Codes returns a copy of the registry, in the order of the codes.
func Codes() []CodeInfo { return slices.Clone(codes) }

// CodeInfo is one entry of the registry.
type CodeInfo struct {
	Code      Code
	Name      string        // As logs, metrics and records spell it.
	Reconnect ReconnectRule // What a device does that saw only the code.
	Uses      CodeUse       // Where the code occurs.
	MQTT      byte          // MQTT 5 reason code: one that CONNACK knows if the code refuses, DISCONNECT if it closes, else PUBACK.
	HTTP      int           // Status of a refusal over HTTP; 0 if the code never refuses.
	Meaning   string        // One sentence.
}

// CodeUse is a set of places where a code occurs.
type CodeUse uint8

// The places.
const (
	InReject CodeUse = 1 << iota // REJECT: a connection never got a session.
	InClose                      // CLOSE: a connection with a session ends.
	InResult                     // SENT, JOINED, REFRESHED: only the request failed.
)
