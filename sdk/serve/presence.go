package serve

import (
	"fmt"
	"sync"
	"time"
)

// firstGrace is how long a process waits for its runtime before the first Attach.
const firstGrace = 30 * time.Second

// presence knows whether a runtime is here: one that holds a control connection.
// A runtime that dies, however it dies, lets go of it.
type presence struct {
	gone func(reason string) // called once, on a goroutine of its own

	mu    sync.Mutex // guards the rest
	here  int
	grace time.Duration
	timer *time.Timer // runs while nobody is here
	ended bool
}

func newPresence(gone func(reason string)) *presence {
	return &presence{gone: gone, grace: firstGrace}
}

// begin starts waiting for the first runtime.
func (p *presence) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.here == 0 {
		p.waitLocked()
	}
}

// allow sets how long the process lives on without a runtime.
func (p *presence) allow(grace time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.grace = grace
	if p.here == 0 {
		p.waitLocked()
	}
}

func (p *presence) arrive() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.here++
	if p.timer != nil {
		p.timer.Stop()
	}
}

func (p *presence) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.here--; p.here == 0 {
		p.waitLocked()
	}
}

// attached says whether a runtime is here.
func (p *presence) attached() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.here > 0
}

func (p *presence) waitLocked() {
	if p.timer != nil {
		p.timer.Stop()
	}
	if !p.ended {
		p.timer = time.AfterFunc(p.grace, p.expire)
	}
}

// expire ends the process unless a runtime has come while the timer fired.
func (p *presence) expire() {
	p.mu.Lock()
	over := p.here == 0 && !p.ended
	p.ended = p.ended || over
	grace := p.grace
	p.mu.Unlock()
	if over {
		p.gone(fmt.Sprintf("no runtime for %v", grace))
	}
}

// end stops waiting.
func (p *presence) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	if p.timer != nil {
		p.timer.Stop()
	}
}
