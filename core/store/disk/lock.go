package disk

import (
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// lockEvery is how often a directory that is taken is tried again.
const lockEvery = 50 * time.Millisecond

// lockDirectory takes a directory for this process. One that has just been killed may
// hold it for a moment: it is given some time.
func lockDirectory(fs vfs.FS, cfg *Config) (*pebble.Lock, error) {
	until := time.Now().Add(cfg.LockWait)
	for {
		lock, err := pebble.LockDirectory(cfg.Dir, fs)
		if err == nil {
			return lock, nil
		}
		if !time.Now().Before(until) {
			return nil, fmt.Errorf("it is another process's: %w", err)
		}
		time.Sleep(lockEvery)
	}
}
