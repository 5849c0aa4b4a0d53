//go:build !unix

package loop

import "errors"

func newPoller(int) (poller, error) {
	return nil, errors.New("loop: no poller for this operating system; pushcore runs on Linux, macOS and the BSDs")
}
