package process

import (
	"log/slog"
	"sync"
	"time"
)

// linesMax is how many lines of a plugin are logged in a second.
const linesMax = 200

// gate lets a bounded number of lines a second through and counts the others. Its
// methods may be called from any goroutine.
type gate struct {
	mu      sync.Mutex // guards the rest
	began   time.Time  // of the second
	passed  int
	dropped int
}

// pass says whether a line may be logged.
func (g *gate) pass(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.Sub(g.began) >= time.Second {
		g.began, g.passed = now, 0
	}
	if g.passed < linesMax {
		g.passed++
		return true
	}
	g.dropped++
	return false
}

// report logs how many lines were not, once a second.
func (g *gate) report(now time.Time, log *slog.Logger) {
	g.mu.Lock()
	n := 0
	if now.Sub(g.began) >= time.Second {
		n, g.dropped = g.dropped, 0
	}
	g.mu.Unlock()
	if n > 0 {
		log.Warn("the plugin logs more than is passed on", "lines_dropped", n, "lines_per_second", linesMax)
	}
}
