package disk

import (
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// ErrFull is the answer to what would make the store larger while there is too
// little space. It ends by itself when there is space again.
var ErrFull = errors.New("store: too little space is left on the disk")

// ErrFailed is in the answer to everything after the disk could not be written or
// synced. What is on it is not known then: the process has to be started again.
var ErrFailed = errors.New("store: the disk has failed; nothing is stored until the next start")

// state says why nothing is taken. Any goroutine may use it, look aside.
type state struct {
	log     *slog.Logger
	fs      vfs.FS // not guarded
	dir     string
	reserve int64
	closing chan struct{} // closed when nobody waits for space any more

	opened atomic.Bool           // from then on space is waited for
	fatal  atomic.Pointer[error] // final
	full   atomic.Bool           // below the reserve
	jammed atomic.Int32          // writes that wait for space
	sick   atomic.Pointer[error] // why tables cannot be written, which is tried again

	looked time.Time // when the space was looked at; of the engine's goroutine
}

func (s *state) err() error {
	switch {
	case s.fatal.Load() != nil:
		return *s.fatal.Load()
	case s.full.Load() || s.jammed.Load() > 0:
		return ErrFull
	}
	if sick := s.sick.Load(); sick != nil {
		return *sick
	}
	return nil
}

// ail says that tables cannot be written, until they can.
func (s *state) ail(err error) {
	if passes(err) {
		err = fmt.Errorf("%w: %w", ErrFull, err)
	} else {
		err = fmt.Errorf("store: files cannot be written: %w", err)
	}
	if s.sick.Swap(&err) == nil {
		s.log.Error("the store cannot write its files: nothing more is accepted until it can", "dir", s.dir, "error", err)
	}
}

func (s *state) recover() {
	if s.sick.Swap(nil) != nil {
		s.log.Info("the store can write its files again", "dir", s.dir)
	}
}

// failed is what has failed for good, or nil.
func (s *state) failed() error {
	if err := s.fatal.Load(); err != nil {
		return *err
	}
	return nil
}

// fail ends it all. The first reason stays.
func (s *state) fail(err error) {
	err = fmt.Errorf("%w: %w", ErrFailed, err)
	if s.fatal.CompareAndSwap(nil, &err) {
		s.log.Error("THE STORE HAS FAILED. Nothing is accepted or stored until the node is started again; what was answered as stored is safe as far as the disk is",
			"dir", s.dir, "error", err)
	}
}

// lookEvery is how often the free space is looked at.
const lookEvery = 100 * time.Millisecond

// look looks at the free space, if that is due.
func (s *state) look() {
	if s.reserve < 0 || time.Since(s.looked) < lookEvery {
		return
	}
	s.looked = time.Now()
	usage, err := s.fs.GetDiskUsage(s.dir)
	if err != nil {
		return // It is not known everywhere.
	}
	reserve := min(uint64(s.reserve), usage.TotalBytes/10) //nolint:gosec // Not negative.
	full := usage.AvailBytes < reserve
	if s.full.Swap(full) == full {
		return
	}
	if full {
		s.log.Error("the store is full: nothing more is accepted until there is space", "dir", s.dir,
			"free", usage.AvailBytes, "reserve", reserve)
		return
	}
	s.log.Info("the store has space again", "dir", s.dir, "free", usage.AvailBytes)
}

// waitForSpace waits a little, and says whether to try again.
func (s *state) waitForSpace(name string, err error) bool {
	if !s.opened.Load() || s.failed() != nil {
		return false
	}
	if s.jammed.Add(1) == 1 {
		s.log.Error("the store waits for space on the disk", "file", name, "error", err)
	}
	defer s.jammed.Add(-1)
	timer := time.NewTimer(lookEvery)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.closing:
		return false
	}
}
