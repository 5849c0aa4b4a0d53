package disk

import (
	"errors"
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/pushcore/pushcore/core/store"
)

// Config is what an engine needs to know.
type Config struct {
	// Dir is the store's directory. It is made if it is not there, and is the
	// store's alone: one process at a time. Required.
	Dir string
	// Owner gives the loop that owns a user: who is told of pairs whose time ran
	// out, or that another loop's operation removed. Required.
	Owner func(user string) int
	// Sink takes the answers. Required.
	Sink store.Sink
	// Now is the wall clock; default time.Now.
	Now func() time.Time
	// Log is told of what was opened and of what goes wrong; default slog.Default.
	Log *slog.Logger
	// FS holds Dir; default the system's.
	FS vfs.FS

	// LockWait is how long a process that has Dir is waited for; default 0.
	LockWait time.Duration

	// ReserveBytes is the free space below which nothing is taken that grows the
	// store; what is stored can still be ended, which needs some space too.
	// Default 64 MiB, but a tenth of the file system at most. Negative: none.
	ReserveBytes int64
	// CacheBytes is the memory for blocks of files; default 16 MiB.
	CacheBytes int64
	// MemTableBytes is the memory for what is in the log only, of which there may
	// be two; default 16 MiB. More makes opening after a crash slower.
	MemTableBytes int64
	// GroupOps and GroupBytes bound what is committed, and what is answered, at
	// once; defaults 2048 and 4 MiB. One operation above them is a group alone.
	GroupOps, GroupBytes int
}

// setDefaults fills in what is not set.
func (c *Config) setDefaults() {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.FS == nil {
		c.FS = vfs.Default
	}
	for _, n := range []struct {
		field *int64
		value int64
	}{{&c.ReserveBytes, 64 << 20}, {&c.CacheBytes, 16 << 20}, {&c.MemTableBytes, 16 << 20}} {
		if *n.field == 0 {
			*n.field = n.value
		}
	}
	if c.GroupOps == 0 {
		c.GroupOps = 2048
	}
	if c.GroupBytes == 0 {
		c.GroupBytes = 4 << 20
	}
}

// Validate says what is wrong, once the defaults are set.
func (c *Config) Validate() error {
	var errs []error
	wrong := func(is bool, what string) {
		if is {
			errs = append(errs, errors.New("store: "+what))
		}
	}
	wrong(c.Dir == "", "a directory is needed")
	wrong(c.Owner == nil || c.Sink == nil, "an owner and a sink are needed")
	wrong(c.CacheBytes < 0, "the cache cannot be negative")
	wrong(c.MemTableBytes < 64<<10 || c.MemTableBytes > 1<<30, "a memtable has 64 KiB to 1 GiB")
	wrong(c.GroupOps < 1 || c.GroupBytes < 1, "a group has one operation at least")
	return errors.Join(errs...)
}
