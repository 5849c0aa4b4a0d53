package client

import "time"

// Phase is what a connection has come to.
type Phase uint8

// The phases.
const (
	Connecting   Phase = iota + 1 // An attempt begins, at URL.
	Connected                     // The node accepted the device.
	Disconnected                  // The attempt failed or the connection broke: Err says why, RetryIn when the next attempt is.
	Ended                         // For good: Err says why.
)

var phaseNames = []string{Connecting: "connecting", Connected: "connected", Disconnected: "disconnected", Ended: "ended"}

// String returns the phase's name in small letters.
func (p Phase) String() string {
	if p < Connecting || p > Ended {
		return "unknown"
	}
	return phaseNames[p]
}

// State is a change of the connection.
type State struct {
	Phase   Phase
	URL     string
	Err     error         // Disconnected, Ended.
	RetryIn time.Duration // Disconnected: when the next attempt begins.

	// Connected only.
	Resumed bool   // The session goes on; else it is a new one.
	User    string // Who the device is to the node.
	Device  string // Likewise; or "".
}
