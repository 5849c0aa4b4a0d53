package admin

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// Node is what this package needs of the runtime. Methods may be called from any
// goroutine and end with ctx.
type Node interface {
	// Push accepts records as an input accepts a broker's. One result for each
	// record, in order. It returns when each is safe (a control record: applied)
	// or refused.
	Push(ctx context.Context, records []sdk.Record, in Input) []PushResult

	Sessions(ctx context.Context, q SessionQuery) ([]Session, string, error)
	Kick(ctx context.Context, user string) (int, error)
	User(ctx context.Context, user string) (User, error) // ErrNotFound: nothing is known of him
	// Erase and Forget (of one device) return how many pairs they ended, when that
	// is stored.
	Erase(ctx context.Context, user string) (int, error)
	Forget(ctx context.Context, user, device string) (int, error)
	Group(ctx context.Context, group string) (Group, error)

	Finder

	// Drain begins to send devices away and to take nothing in, unless that has
	// begun, and says how far it is. It does not end the node.
	Drain(ctx context.Context) (Drain, error)

	// Upgrade has the program replaced by what its file is now, soon, if that can take
	// over; the error says why it cannot.
	Upgrade(ctx context.Context) error

	// About says who answers.
	About() About

	// UpgradePlugin replaces the processes of a plugin instance by what their file is
	// now; sha256 is the checksum of that where the configuration names one. The error
	// is ErrNotFound, ErrInCore, or why it did not work.
	UpgradePlugin(ctx context.Context, name, sha256 string) (PluginUpgrade, error)

	// Ready returns nil when the node takes devices and records, else why not.
	Ready() error
}

// ErrNotFound is a Node's answer about what it knows nothing of.
var ErrNotFound = errors.New("nothing is known of it")

// Input says how to read records and what their sender may do.
type Input struct {
	JSON    bool // the value is one line of a batch; else options stand in push-* headers
	Push    bool // messages are allowed
	Control bool // records with push-op are allowed
}

// PushResult tells what became of one record.
type PushResult struct {
	ID   string // the message's id, also when it was refused, if it is known
	Safe string // acked, stored, memory or none; empty when refused

	Code       string // refused: bad_record, bad_address, too_large, id_conflict, overloaded, draining, timeout …
	Field      string // the header or key at fault
	Detail     string
	RetryAfter time.Duration
}

// Status is the result as an HTTP status.
func (r *PushResult) Status() int {
	switch r.Code {
	case "":
		return http.StatusAccepted
	case "id_conflict":
		return http.StatusConflict
	case "too_large":
		return http.StatusRequestEntityTooLarge
	case "rate_exceeded":
		return http.StatusTooManyRequests
	case "overloaded", "draining", "store_unavailable", "timeout":
		return http.StatusServiceUnavailable
	default:
		return http.StatusBadRequest
	}
}

// SessionQuery selects sessions; empty fields select all.
type SessionQuery struct {
	User, Plugin string
	Limit        int
	After        string // the session id a page ended with
}

// Session is one session as operators see it.
type Session struct {
	ID       string    `json:"id"`
	User     string    `json:"user"`
	Device   string    `json:"device,omitempty"`
	Platform string    `json:"platform,omitempty"`
	Plugin   string    `json:"plugin"`
	Peer     string    `json:"peer,omitempty"`
	Client   string    `json:"client,omitempty"`
	State    string    `json:"state"` // attached or detached
	Since    time.Time `json:"since"`
	Groups   []string  `json:"groups,omitempty"`
	Queued   int       `json:"queued"`  // messages waiting in the outbox
	Unacked  int       `json:"unacked"` // messages sent and not acked

	QueuedBytes int  `json:"queued_bytes"` // of the payloads of those that wait
	Congested   bool `json:"congested"`    // the device does not take what it is sent
}

// User is what the node knows of a user.
type User struct {
	User     string         `json:"user"`
	Devices  []Device       `json:"devices"`
	Groups   []string       `json:"groups"`
	Mailbox  Mailbox        `json:"mailbox"`
	Sessions []SessionBrief `json:"sessions"`
}

// Device is a known device.
type Device struct {
	ID       string    `json:"id"`
	Platform string    `json:"platform,omitempty"`
	Seen     time.Time `json:"seen"`
}

// Mailbox is what waits in the store for a user.
type Mailbox struct {
	Messages int `json:"messages"`
	Bytes    int `json:"bytes"`
}

// SessionBrief names a session of a user.
type SessionBrief struct {
	ID     string `json:"id"`
	Device string `json:"device,omitempty"`
	Plugin string `json:"plugin"`
	State  string `json:"state"`
}

// Group is a group's audience.
type Group struct {
	Group   string   `json:"group"`
	Members []string `json:"members"` // users joined by the backend
	Joined  int      `json:"joined"`  // sessions joined by claim or by their device
	History *History `json:"history,omitempty"`
}

// History is what is kept of a group for sessions that come back.
type History struct {
	Position uint64 `json:"position"` // of the newest message; 0: there was none so far
	Messages int    `json:"messages"`
}

// Drain is how far a node is on its way to where nothing is left of its work.
type Drain struct {
	State   string `json:"state"`   // draining; drained: stopping the process interrupts nobody
	Devices int    `json:"devices"` // connections that are left
}

// The states of Drain.
const (
	Draining = "draining"
	Drained  = "drained"
)

// PluginUpgrade is what became of the processes of an instance.
type PluginUpgrade struct {
	Plugin    string           `json:"plugin"`
	Processes []ProcessUpgrade `json:"processes"`
}

// ProcessUpgrade says how one process was replaced.
type ProcessUpgrade struct {
	Way         string  `json:"way"`                // handed_over: nobody was cut off; restarted: devices reconnect and resume
	Connections uint64  `json:"connections"`        // handed over
	PauseMS     float64 `json:"pause_ms,omitempty"` // in which nothing was delivered
	From        string  `json:"from,omitempty"`     // the plugin's version before
	To          string  `json:"to,omitempty"`
}

// The ways of ProcessUpgrade.
const (
	HandedOver = "handed_over"
	Restarted  = "restarted"
)

// ErrInCore is why a plugin cannot be upgraded by itself.
var ErrInCore = errors.New("it runs in the core, not in a process of its own: upgrade the node")

// About is a node, and its present run.
type About struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Run     string `json:"run"` // another one after each start or upgrade
	PID     int    `json:"pid"`
}
