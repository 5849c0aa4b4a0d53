//go:build !(linux || darwin || dragonfly || freebsd || netbsd || openbsd)

package pluginrpc

import (
	"errors"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// poll is not offered by other systems.
type poll struct{}

func newPoll() (*poll, error)                              { return nil, errors.ErrUnsupported }
func (*poll) add(int, sdk.Interest) error                  { return errors.ErrUnsupported }
func (*poll) modify(int, sdk.Interest, sdk.Interest) error { return errors.ErrUnsupported }
func (*poll) remove(int, sdk.Interest)                     {}
func (*poll) wake()                                        {}
func (*poll) close() error                                 { return nil }

func (*poll) wait(_ time.Duration, r []readiness) ([]readiness, error) {
	return r, errors.ErrUnsupported
}
