// Package local places a transport in the core's process: a call of the host is a
// function call on the loop, nothing is copied. Its main type is Instance; other
// placements offer the same to the runtime.
package local

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/pushcore/pushcore/core/loop"
	"github.com/pushcore/pushcore/sdk"
)

// Instance is an open transport on the loops of a set. Its methods may be called
// from any goroutine that is not a loop, one at a time.
type Instance struct {
	transport sdk.Transport
	ports     []*loop.Port // by loop
}

// Open attaches a configured transport to the loops under the instance's index
// and opens it. The loops must run. It accepts no connection before Listen.
func Open(loops *loop.Set, plugin int, t sdk.Transport, log *slog.Logger) (*Instance, []sdk.Endpoint, error) {
	i := attach(loops, plugin, t)
	endpoints, err := t.Open(&host{ports: i.ports, log: log})
	if err != nil {
		i.detach()
		return nil, nil, fmt.Errorf("open transport %s: %w", t.Info().Name, err)
	}
	for _, p := range i.ports {
		p.Engage()
	}
	return i, endpoints, nil
}

func attach(loops *loop.Set, plugin int, t sdk.Transport) *Instance {
	i := &Instance{transport: t}
	for k := range loops.Len() {
		i.ports = append(i.ports, loops.Loop(k).Attach(plugin, t))
	}
	return i
}

// Listen lets connections in on every loop.
func (i *Instance) Listen(l sdk.Listen) {
	for _, p := range i.ports {
		own := l
		p.Command([]sdk.Command{{Kind: sdk.CommandListen, Listen: &own}})
	}
}

// Check says why the transport does not serve as it was told to, if it can tell.
func (i *Instance) Check() error {
	if c, ok := i.transport.(sdk.Checker); ok {
		return c.Check()
	}
	return nil
}

// Restarts is 0: it ends with the core.
func (i *Instance) Restarts() uint64 { return 0 }

// StopListening lets no further connection in; it returns when every loop knows.
func (i *Instance) StopListening() {
	for _, p := range i.ports {
		p.Command([]sdk.Command{{Kind: sdk.CommandStopListening}})
	}
}

// Close closes the transport, at the latest at the deadline, and tells the shards
// that it is gone with all its connections. The loops must still run.
func (i *Instance) Close(deadline time.Time) error {
	for _, p := range i.ports {
		p.Disengage()
	}
	err := i.transport.Close(deadline)
	i.detach()
	return err
}

func (i *Instance) detach() {
	for _, p := range i.ports {
		p.Detach()
	}
}
