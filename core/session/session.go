package session

import (
	"time"

	"github.com/pushcore/pushcore/core/ack"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/core/wheel"
	"github.com/pushcore/pushcore/sdk"
)

// State is where a session is.
type State uint8

// The states.
const (
	Attaching State = iota // let in; its connection is on the way to this loop
	Attached
	Detached // without a connection, until it is resumed or its time is over
	Ended
)

// Session is a device's attachment; it may outlive its connection and change it.
type Session struct {
	ID       string // for people; the token is a secret
	Token    []byte
	Epoch    uint64
	User     *User
	Device   string // empty: without a device id
	Platform string
	Client   Client
	Since    time.Time // wall clock
	Joined   Memberships

	Plugin     int
	Conn       sdk.ConnID
	Peer       string
	State      State
	Congested  bool
	Refreshing bool // new credentials are being checked

	Codec     uint8  // compression of its payloads
	Headers   uint64 // mask of the forwarded headers it wants
	Heartbeat time.Duration
	Expires   time.Time // of the credentials; zero: never
	Wanted    []string  // groups to answer JOINED for when it is attached

	Window    ack.Window[*Pair]
	WindowMax int // messages that its connection takes ahead of the acks; 0: the node's bound
	Out       Outbox
	Resend    []*Pair // in seq order; goes before Out
	Handed    []Entry // fast ones that the transport has, not yet known to be written
	Hand      uint32  // counts how often Handed was begun anew
	Written   uint32  // of Handed: written as far as the transport knows, but for a jam

	// CatchUps are histories that the device asked for; while there are any, the
	// outbox waits behind them. The first is at hand.
	CatchUps []*CatchUp

	// Behind: what is newer than Cursor waits in the store and comes by pages;
	// until it has come, new reliable messages go there too. Near the end they are
	// held instead (see the shard's page.go): Held is newer than all of them, and
	// HeldPuts are the Puts still under way that are older.
	Behind   bool
	Paging   bool
	InLine   bool   // waits for its turn to read a page
	Cursor   uint64 // the newest order that entered Out
	Held     *Outbox
	HeldPuts int

	Timer    wheel.ID
	TimerAt  time.Duration
	Slot     uint32        // in the shard's table, for the wheel
	Conns    uint32        // connections it has had
	Until    time.Duration // Detached: the end of its resume window
	StoreAt  time.Duration // look for pairs to store then; 0: none
	ExpireAt time.Time     // a message in memory expires then; zero: none

	Dirty    bool   // on the shard's list to serve
	Served   bool   // on the list of this batch
	Unkept   bool   // what its plugin keeps of it has changed
	ParkedAt uint16 // on the list of plugin ParkedAt-1, which is blocked; 0: on none
	Closing  uint16 // close with this code when the outbox is empty; 0: no
	Stamp    uint64 // the last message that reached it

	KeptAt time.Duration // when its plugin was told last what to keep

	Announced bool   // its being online was told
	Lost      uint16 // why its last connection ended; 0: the peer went away
	Uplink    Bucket
}

// Client names the software of a device.
type Client struct{ Name, Version string }

// Bucket bounds a rate of messages: a second's worth may come at once.
type Bucket struct {
	tokens float64
	last   time.Duration
	used   bool
}

// Take takes one of rate a second; 0 is no bound.
func (b *Bucket) Take(now time.Duration, rate float64) bool {
	if rate <= 0 {
		return true
	}
	if !b.used {
		b.tokens, b.used = rate, true
	} else {
		b.tokens = min(rate, b.tokens+(now-b.last).Seconds()*rate)
	}
	b.last = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// Key is what the store knows the session's receiver by: its device, or a name of
// its own for a session without one.
func (s *Session) Key() string {
	if s.Device != "" {
		return s.Device
	}
	return store.SessionPrefix + s.ID
}

// Live says whether the session can be given something now.
func (s *Session) Live() bool { return s.State == Attached && !s.Congested }

// WindowFull says whether the device is to ack before it gets more.
func (s *Session) WindowFull() bool {
	return s.Window.Full() || (s.WindowMax > 0 && s.Window.Len() >= s.WindowMax)
}

// Pairs appends the reliable pairs in memory that f chooses: those in the window
// in seq order, then those in the outbox, then those held.
func (s *Session) Pairs(f func(*Pair) bool, out []*Pair) []*Pair {
	for item := range s.Window.All() {
		if f(item.Message) {
			out = append(out, item.Message)
		}
	}
	for i := range s.Queued() {
		if p := s.QueuedAt(i).Pair; p != nil && f(p) {
			out = append(out, p)
		}
	}
	return out
}

// Queued is the number of entries that wait for the window: in the outbox and held.
func (s *Session) Queued() int {
	if s.Held == nil {
		return s.Out.Len()
	}
	return s.Out.Len() + s.Held.Len()
}

// QueuedAt is the one at place i.
func (s *Session) QueuedAt(i int) Entry {
	if n := s.Out.Len(); i >= n {
		return s.Held.At(i - n)
	}
	return s.Out.At(i)
}

// QueuedBytes is the sum of their payloads.
func (s *Session) QueuedBytes() int {
	if s.Held == nil {
		return s.Out.Bytes()
	}
	return s.Out.Bytes() + s.Held.Bytes()
}

// RemoveQueued takes out, in order, all entries for which f says so.
func (s *Session) RemoveQueued(f func(Entry) bool) {
	s.Out.RemoveFunc(f)
	if s.Held != nil {
		s.Held.RemoveFunc(f)
	}
}

// InMemory counts the pairs that the session holds, fast ones included.
func (s *Session) InMemory() int { return s.Window.Len() + s.Queued() + len(s.Handed) }
