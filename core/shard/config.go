package shard

import (
	"errors"
	"time"

	"github.com/pushcore/pushcore/core/ack"
)

// Config says how a shard behaves; the zero value of a field means its default.
type Config struct {
	ID      int                   // index of the loop
	Plugins []string              // transport instances' names, by plugin index
	Owner   func(user string) int // the loop that owns a user
	Durable bool                  // the store's answers survive the process
	Seed    uint64                // of tokens and jitter; random in production

	ResumeWindow time.Duration // default 60 s
	DeviceTTL    time.Duration // known so long after it was last here; default 30 days
	MemoryWait   time.Duration // for who is away, in a store that is not durable; default 60 s
	Heartbeat    time.Duration // default 30 s; devices may wish for 5 s to 10 min
	KeepExpired  bool          // sessions go on when their credentials expire

	Platforms map[string]Platform
	Group     func(name string) GroupRule // default: devices join by claims, 10,000 members

	Ack         ack.Config
	Outbox      Bound // in memory for one session; beyond it the store. Default 1,000 and 1 MiB
	Mailbox     Bound // in the store for one user; beyond it the oldest go. Default 10,000 and 16 MiB
	SlowFast    SlowPolicy
	TurnBytes   int // given to one connection in one turn; default 256 KiB
	ServeBytes  int // of payloads given to all connections by one call of Serve; default 4 MiB
	PayloadMax  int // of an uplink; default 1 MiB
	UplinkRate  float64
	UplinkQueue Bound // uplinks without an answer, of the shard; default 10,000 and 64 MiB

	ForwardHeaders []string // which headers devices may ask for; at most 64
	Codecs         []string // allowed compressions, best first; default snappy and zstd
	RememberIDs    int      // told to devices; default 1,024
	SessionsMax    int      // default 1,000,000
	HistoryBytes   int      // for what became of messages; default 8 MiB

	Fates  bool   // are published
	Events bool   // of sessions are published
	Node   string // named in events
	Run    string // this run of the node, in events

	// Outlives says, by plugin index, whose connections stay when this process ends.
	// Their plugins keep what Seal makes of their sessions, for Unseal of a later run.
	// Seal nil: they keep nothing.
	Outlives []bool
	Seal     func(plain []byte) []byte
	Unseal   func(sealed []byte) ([]byte, error)

	// Echoes says, by plugin index, who tells with Written what it has written.
	Echoes []bool

	// Fated, if set, is told of each pair's end. It is called within a turn.
	Fated func(Fated)
}

// Bound is a number of messages and of bytes.
type Bound struct{ Messages, Bytes int }

// Platform is the policy for sessions of one platform.
type Platform struct {
	Max    int  // of one user; 0: no bound
	Oldest bool // beyond it the new one is refused instead of the oldest closed
}

// JoinRule says how sessions get into a group.
type JoinRule uint8

// The rules.
const (
	JoinClaims  JoinRule = iota // by the claims of their credentials
	JoinDevice                  // also by a device's own JOIN
	JoinBackend                 // not at all; only member users
)

// GroupRule is the policy for a group.
type GroupRule struct {
	Join       JoinRule
	MembersMax int // of one shard's share; the node's bound divided is not worth its cost

	// History says that messages are kept, for HistoryAge (0: without a bound), for
	// sessions that come back. How many, the dispatcher knows.
	History    bool
	HistoryAge time.Duration
}

// SlowPolicy says what happens to fast messages of a session that takes none.
type SlowPolicy uint8

// The policies.
const (
	DropOldest SlowPolicy = iota
	KeepNewest            // one for each collapse key, and one without; beyond that as DropOldest
	CloseSlow
)

func (c *Config) setDefaults() {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{{&c.ResumeWindow, time.Minute}, {&c.DeviceTTL, 30 * 24 * time.Hour}, {&c.MemoryWait, time.Minute}, {&c.Heartbeat, 30 * time.Second}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	for _, d := range []struct {
		field *Bound
		value Bound
	}{{&c.Outbox, Bound{1000, 1 << 20}}, {&c.Mailbox, Bound{10_000, 16 << 20}}, {&c.UplinkQueue, Bound{10_000, 64 << 20}}} {
		if *d.field == (Bound{}) {
			*d.field = d.value
		}
	}
	for _, d := range []struct {
		field *int
		value int
	}{{&c.TurnBytes, 256 << 10}, {&c.ServeBytes, 4 << 20}, {&c.PayloadMax, 1 << 20}, {&c.RememberIDs, 1024}, {&c.SessionsMax, 1_000_000}, {&c.HistoryBytes, 8 << 20}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if c.Group == nil {
		c.Group = func(string) GroupRule { return GroupRule{Join: JoinClaims, MembersMax: 10_000} }
	}
	if c.Codecs == nil {
		c.Codecs = []string{"snappy", "zstd"}
	}
	if c.Ack.Delays == nil {
		c.Ack = ack.DefaultConfig()
	}
}

func (c *Config) validate() error {
	switch {
	case c.Owner == nil:
		return errors.New("shard: Config.Owner is needed")
	case len(c.ForwardHeaders) > 64:
		return errors.New("shard: at most 64 forwarded headers")
	}
	return c.Ack.Validate()
}
