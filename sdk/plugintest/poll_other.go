//go:build !linux

package plugintest

import (
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// poll is not offered here.
type poll struct{}

type readiness struct {
	fd       int
	interest sdk.Interest
	hungUp   bool
}

func newPoll() (*poll, error)                         { return nil, errNoPoll }
func (*poll) add(int, sdk.Interest) error             { return errNoPoll }
func (*poll) modify(int, sdk.Interest) error          { return errNoPoll }
func (*poll) remove(int) error                        { return errNoPoll }
func (*poll) wait(time.Duration) ([]readiness, error) { return nil, errNoPoll }
func (*poll) wake()                                   {}
func (*poll) close()                                  {}
func descriptors() map[string]string                  { return nil }
