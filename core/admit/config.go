package admit

import (
	"crypto/rand"
	"fmt"
	"io"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// Now is the time of a call.
type Now struct {
	Mono time.Duration // since the start of the process: ages and windows
	Wall time.Time     // for what people read
}

// Config is what admission needs to know. Zero fields have the defaults named.
type Config struct {
	Instances []Instance // what brings records; named by index from then on

	// DedupeWindow is how long the id of a settled record is remembered; default
	// 24 h, negative: not at all.
	DedupeWindow time.Duration
	// RememberMax bounds the remembered ids of one instance; default 1,000,000.
	// At the bound the oldest is forgotten before its time, which is counted: a
	// redelivery of it is then delivered again, under the same id. An id takes
	// about 90 bytes.
	RememberMax int

	// SettleOnAcceptance is `settle: memory`: a record is settled when it is
	// accepted. Its messages stay open for the bounds and for joining.
	SettleOnAcceptance bool

	// KeepIDs asks for Effects.Remember, for a store that keeps ids. Then a record
	// is settled when its id is kept, where that is any use (see keep.go).
	KeepIDs bool

	// Entropy makes ids for records that bring none; default crypto/rand.
	Entropy io.Reader
}

// Instance is one plugin instance that brings records, or the HTTP interface.
type Instance struct {
	Name       string
	MaxOpen    sdk.MaxOpen // zero fields have the defaults named there
	MaxSpan    int64       // see sdk.InputOptions; 0: 1,000,000, negative: no bound
	DeadLetter bool        // letters have a target
}

// Defaults.
const (
	defaultDedupeWindow = 24 * time.Hour
	defaultRememberMax  = 1_000_000
	defaultOpenRecords  = 10_000
	defaultOpenPairs    = 1_000_000
	defaultOpenBytes    = 64 << 20
	defaultSpan         = 1_000_000
)

func (c *Config) setDefaults() {
	if c.DedupeWindow == 0 {
		c.DedupeWindow = defaultDedupeWindow
	}
	if c.RememberMax == 0 {
		c.RememberMax = defaultRememberMax
	}
	if c.Entropy == nil {
		c.Entropy = rand.Reader
	}
}

func (i *Instance) setDefaults() {
	if i.MaxOpen.Records == 0 {
		i.MaxOpen.Records = defaultOpenRecords
	}
	if i.MaxOpen.Pairs == 0 {
		i.MaxOpen.Pairs = defaultOpenPairs
	}
	if i.MaxOpen.Bytes == 0 {
		i.MaxOpen.Bytes = defaultOpenBytes
	}
	if i.MaxSpan == 0 {
		i.MaxSpan = defaultSpan
	}
}

// Validate says what in a configuration cannot be.
func (c *Config) Validate() error {
	for i, in := range c.Instances {
		if in.Name == "" {
			return fmt.Errorf("admit: instance %d has no name", i)
		}
		if in.MaxOpen.Records < 0 || in.MaxOpen.Pairs < 0 || in.MaxOpen.Bytes < 0 {
			return fmt.Errorf("admit: instance %s: a bound of max_open is negative", in.Name)
		}
	}
	if c.RememberMax < 0 {
		return fmt.Errorf("admit: RememberMax is negative")
	}
	return nil
}
