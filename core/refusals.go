package core

import (
	"log/slog"
	"sync"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// refusedEvery is how often it is logged that a broker refuses something for good.
const refusedEvery = time.Minute

// refusals logs what brokers will never take: receipts, dead letters and events. Its
// methods may be called from any goroutine.
type refusals struct {
	log *slog.Logger

	mu    sync.Mutex // guards the following
	next  time.Time  // not before this it is logged again
	quiet int        // refusals since then that were not logged
}

// note logs a refusal, or counts it for the next line. Who sent an uplink is told
// himself.
func (r *refusals) note(output sdk.Output, reason string, now time.Time) {
	if output == sdk.OutputUplink {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Before(r.next) {
		r.quiet++
		return
	}
	r.log.Warn("a broker refuses for good what it was to be told; it is not tried again",
		"output", output, "reason", reason, "more_since_last", r.quiet)
	r.next, r.quiet = now.Add(refusedEvery), 0
}
