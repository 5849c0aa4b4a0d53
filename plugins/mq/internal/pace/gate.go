package pace

import (
	"context"
	"sync"
)

// Gate holds a source's reader while the source is paused. The zero Gate is open.
// Its methods may be called from any goroutine.
type Gate struct {
	mu     sync.Mutex
	opened chan struct{} // nil: open; else closed by Open
}

// Close makes Pass wait.
func (g *Gate) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.opened == nil {
		g.opened = make(chan struct{})
	}
}

// Open lets everybody pass.
func (g *Gate) Open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.opened != nil {
		close(g.opened)
		g.opened = nil
	}
}

// Pass returns when the gate is open, or ctx's error if that ends first.
func (g *Gate) Pass(ctx context.Context) error {
	g.mu.Lock()
	opened := g.opened
	g.mu.Unlock()
	if opened == nil {
		return ctx.Err()
	}
	select {
	case <-opened:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}
