package pluginrpc

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// Loops run a transport on the plugin's side of its links: they are the sdk.Host
// that it sees. Methods that sdk.Host does not have may be called from any
// goroutine that is not a loop, one at a time.
type Loops struct {
	plugin  sdk.Transport
	log     *slog.Logger
	loops   []*loop
	passing passing
	shared  bool
}

var (
	_ sdk.Host   = (*Loops)(nil)
	_ sdk.Sharer = (*Loops)(nil)
)

// LoopsConfig says how loops run.
type LoopsConfig struct {
	// Loops is their number: that of the runtime's.
	Loops int
	// Keep has them remember what a runtime that comes back must know of the
	// connections, which then outlive it.
	Keep bool
	// Shared says that other processes listen on the same addresses.
	Shared bool
	// Gone is called on a loop whose link has ended. It must not block.
	Gone func(l sdk.Loop, err error)
	// Handed is called on a loop whose connections were frozen for a successor;
	// it must not block and takes ownership of the slice.
	Handed func(l sdk.Loop, conns []Handed)
	Log    *slog.Logger
}

// NewLoops starts loops for a configured transport. They have no links yet.
func NewLoops(p sdk.Transport, c LoopsConfig) (*Loops, error) {
	h := &Loops{plugin: p, log: c.Log, shared: c.Shared, passing: passing{conns: map[sdk.ConnID]*keptConn{}}}
	for i := range sdk.Loop(c.Loops) {
		l, err := newLoop(p, i, c.Log)
		if err != nil {
			h.Stop()
			return nil, fmt.Errorf("open loop %d of the plugin: %w", i, err)
		}
		l.gone, l.handed = c.Gone, c.Handed
		if c.Keep {
			l.kept = newKept(&h.passing)
		}
		h.loops = append(h.loops, l)
		go l.run()
	}
	return h, nil
}

// Open opens the transport; from now on its loops call it.
func (h *Loops) Open() ([]sdk.Endpoint, error) {
	endpoints, err := h.plugin.Open(h)
	if err == nil {
		h.engage(true)
	}
	return endpoints, err
}

// Close closes the transport. Its loops and links go on, so that what it emits
// last still goes.
func (h *Loops) Close(deadline time.Time) error {
	h.engage(false)
	return h.plugin.Close(deadline)
}

func (h *Loops) engage(on bool) {
	for _, l := range h.loops {
		l.do(func() { l.engaged = on })
	}
}

// Stop ends the loops and their links and waits for them.
func (h *Loops) Stop() {
	for _, l := range h.loops {
		l.stop()
	}
}

// attachStream begins a loop's link over two streams; wake is to be called when
// something has come into an empty incoming.
func (h *Loops) attachStream(l sdk.Loop, incoming *stream, out carrier, table bool) {
	p := h.loops[l]
	p.do(func() { p.attach(out, incoming, table) })
}

func (h *Loops) wake(l sdk.Loop) { h.loops[l].reactor.poll.wake() }

// Loops implements sdk.Host.
func (h *Loops) Loops() int { return len(h.loops) }

// Now implements sdk.Host.
func (h *Loops) Now(l sdk.Loop) time.Time { return h.loops[l].reactor.now }

// Emit implements sdk.Host.
func (h *Loops) Emit(l sdk.Loop, e []sdk.Event) { h.loops[l].emit(e) }

// Credit implements sdk.Host.
func (h *Loops) Credit(l sdk.Loop) int { return h.loops[l].credit() }

// Poller implements sdk.Host.
func (h *Loops) Poller(l sdk.Loop) sdk.Poller { return h.loops[l].reactor }

// Shared implements sdk.Sharer.
func (h *Loops) Shared() bool { return h.shared }

// Log implements sdk.Host.
func (h *Loops) Log() *slog.Logger { return h.log }

// Post implements sdk.Host.
func (h *Loops) Post(l sdk.Loop, e []sdk.Event) bool {
	always := false
	for i := range e {
		always = always || e[i].Kind == sdk.EventClosed
	}
	p := h.loops[l]
	if !always && p.away.Load() || !p.posted.put(e, int(p.backlog.Load()), always) {
		return false
	}
	p.reactor.poll.wake()
	return true
}
