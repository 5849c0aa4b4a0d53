//go:build unix && !linux

package loop

func newPoller(readyMax int) (poller, error) { return newSelectPoller(readyMax) }
