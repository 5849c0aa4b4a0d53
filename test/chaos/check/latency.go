package check

import (
	"slices"
	"time"
)

// Latencies are the times from a message's safe publication's beginning to its first coming, of all messages whose
// publication began within [from, to), shortest first. Publishers and devices share the machine's clock.
func Latencies(events []Event, from, to time.Time) []time.Duration {
	tried := map[string]time.Time{}
	for i := range events {
		if e := &events[i]; e.Kind == "try" && tried[e.ID].IsZero() {
			tried[e.ID] = e.At
		}
	}
	var all []time.Duration
	came := map[string]bool{}
	for i := range events {
		e := &events[i]
		at := tried[e.ID]
		if e.Kind != "push" || came[e.ID] || at.Before(from) || !at.Before(to) {
			continue
		}
		came[e.ID] = true
		all = append(all, e.At.Sub(at))
	}
	slices.Sort(all)
	return all
}

// Percentile of a sorted list, in hundredths; 0 of an empty one.
func Percentile(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)*percent/100, len(sorted)-1)]
}
