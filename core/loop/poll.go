package loop

import (
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// poller waits for descriptors. epollPoller (Linux) and selectPoller (elsewhere)
// implement it. All methods but wake are for the loop's goroutine.
//
// The generation of a descriptor is chosen by the caller and comes back with its
// readiness, so that what was reported for a descriptor that has been closed
// since is not taken for its successor's under the same number.
type poller interface {
	add(fd int, i sdk.Interest, generation uint32) error
	modify(fd int, i sdk.Interest, generation uint32) error
	remove(fd int)

	// wait appends what is ready. With timeout 0 it only looks, as a raw system
	// call; below 0 it waits for ever, else at most for the time-out. A wake-up
	// or a signal ends it with nothing appended.
	wait(timeout time.Duration, ready []readiness) ([]readiness, error)

	// wake ends a wait, the current or the next one. Any goroutine.
	wake()
	close() error
}

// readiness is a descriptor that is ready. Hung up counts as Readable whatever
// the interest is; with interest 0 it is reported once.
type readiness struct {
	fd         int32
	generation uint32
	interest   sdk.Interest
	hungUp     bool
}

// milliseconds rounds a time-out up, so that a timer is due when the wait ends.
func milliseconds(timeout time.Duration) int {
	if timeout < 0 {
		return -1
	}
	const longest = time.Hour // far below the range of the system call's argument
	return int((min(timeout, longest) + time.Millisecond - 1) / time.Millisecond)
}
