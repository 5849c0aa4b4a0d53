package config

import (
	"strings"

	"github.com/pushcore/pushcore/core/config/internal/tree"
	"github.com/pushcore/pushcore/core/config/scalar"
)

// The scalars of the configuration; package scalar documents them.
type (
	Duration = scalar.Duration
	Size     = scalar.Size
	Rate     = scalar.Rate
	Secret   = scalar.Secret
)

// ParseDuration reads a duration such as 90s or 7d; see scalar.ParseDuration.
func ParseDuration(text string) (Duration, error) { return scalar.ParseDuration(text) }

// ParseSize reads a size such as 256KiB; see scalar.ParseSize.
func ParseSize(text string) (Size, error) { return scalar.ParseSize(text) }

// ParseRate reads a rate such as 500/s; see scalar.ParseRate.
func ParseRate(text string) (Rate, error) { return scalar.ParseRate(text) }

// Position is a place in a file or an environment variable.
type Position = tree.Position

// Error is one fault with its place; Errors are all faults of a configuration,
// in the order of the file. Load, Validate and the checks return Errors.
type (
	Error  = tree.Error
	Errors = tree.Errors
)

// Config is a node's whole configuration. It is not changed after Load; any
// goroutine may read it.
type Config struct {
	// The node itself: its name, its event loops, how it stops.
	Node Node `key:"node"`
	// How devices prove who they are. Without any way, whoever connects is who
	// he says he is: that is refused on listeners beyond loopback.
	Auth Auth `key:"auth"`
	// The HTTP interface for pushing and for operators.
	HTTP HTTP `key:"http"`
	// A listener of its own for metrics, profiles and administration. Without
	// it they are on http.listen.
	//
	//	ops: { listen: 127.0.0.1:9090 }
	Ops *Ops `key:"ops"`
	// Where reliable messages, known devices and memberships wait.
	Store Store `key:"store"`
	// How long a session outlives its connection, and how many a user may have.
	Sessions Sessions `key:"sessions"`
	// What is remembered of devices.
	Devices Devices `key:"devices"`
	// How messages are kept, sent, sent again and given up.
	Delivery Delivery `key:"delivery"`
	// Rules for groups: the first whose match fits a group's name holds for it.
	// A group that no rule fits has the defaults below.
	//
	//	groups:
	//	  - { match: "chat.*", join: device, history: { count: 100, age: 24h } }
	//	  - { match: "tenant-*", join: claims, members_max: 100000 }
	Groups []Group `key:"groups"`
	// Which plugin instance takes what the node publishes.
	Routes Routes `key:"routes"`
	// Bounds that keep one peer from harming the others.
	Limits Limits `key:"limits"`
	// The node's log, on standard error.
	Log Log `key:"log"`
	// The plugin instances, in the order of the file. A file without this key
	// has those that `pushcore run` starts without a file.
	Plugins []Plugin `key:"plugins"`

	// Warnings are what may be meant as it stands, and is dangerous.
	Warnings Errors `key:"-"`

	file string     // path of the file, "" if there is none
	root *tree.Node // what was written, references replaced
}

func (c *Config) validate(at place) {
	if c.Ops != nil && c.Ops.Listen == c.HTTP.Listen && !strings.HasSuffix(c.Ops.Listen, ":0") {
		at.key("ops").key("listen").fail("the address of http.listen: leave `ops` out to have both there")
	}
	c.checkRoutes(at.key("routes"))
}

// defaulter is a section or list item that has defaults.
type defaulter interface{ setDefaults() }

// validator is a section or list item with rules that its tags cannot say.
type validator interface{ validate(at place) }
