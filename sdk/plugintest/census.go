package plugintest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// census is what a process has open.
type census struct {
	goroutines  map[uint64]string
	descriptors map[string]string
}

func newCensus() census { return census{goroutines(), descriptors()} }

// since lists what is here now and was not then.
func (c census) since(then census) []string {
	var more []string
	for id, stack := range c.goroutines {
		if _, ok := then.goroutines[id]; !ok && !strings.Contains(stack, "plugintest.newCensus") {
			more = append(more, stack)
		}
	}
	for _, fd := range slices.Sorted(maps.Keys(c.descriptors)) {
		target := c.descriptors[fd]
		if then.descriptors[fd] != target && !strings.HasPrefix(target, "anon_inode:") && !strings.HasPrefix(target, "/proc/") {
			more = append(more, fmt.Sprintf("descriptor %s: %s", fd, target))
		}
	}
	return more
}

// leaks waits until all that the trial opened is gone.
func (t *trial) leaks(before census) {
	end := time.Now().Add(t.suite.Patience)
	for {
		left := newCensus().since(before)
		if len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			t.failf(RuleClose, nil, "left behind after Close:\n%s", strings.Join(left, "\n"))
			return
		}
		t.linger()
	}
}
