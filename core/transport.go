package core

import (
	"time"

	"github.com/pushcore/pushcore/core/config"
	"github.com/pushcore/pushcore/core/host/local"
	"github.com/pushcore/pushcore/core/host/process"
	"github.com/pushcore/pushcore/core/loop"
	"github.com/pushcore/pushcore/sdk"
)

// transport is an open transport, wherever it runs. Its methods may be called from
// any goroutine that is not a loop, one at a time; Check by several.
type transport interface {
	// Listen lets connections in on every loop.
	Listen(l sdk.Listen)
	// StopListening lets no further connection in; it returns when every loop knows.
	StopListening()
	// Check says why the transport does not serve as it was told to.
	Check() error
	// Restarts is how often its process was started again.
	Restarts() uint64
	// Abandon lets go of it without closing it: its process waits for another core.
	// A transport in the core is closed with it.
	Abandon()
	// Close closes it, at the latest at the deadline, and tells the shards that it
	// is gone with all its connections. The loops must still run.
	Close(deadline time.Time) error
}

var (
	_ transport = (*local.Instance)(nil)
	_ transport = (*process.Instance)(nil)
)

// openTransport opens the transport of an index on the loops.
func (r *Runtime) openTransport(loops *loop.Set, index int) (transport, []sdk.Endpoint, error) {
	t := &r.prepared.transports[index]
	log := r.log.With("plugin", t.name)
	if t.process == nil {
		instance, endpoints, err := r.inherit(index)
		if instance == nil && err == nil {
			instance, endpoints, err = local.Open(loops, index, t.plugin, log)
		}
		if err != nil {
			return nil, nil, err
		}
		return instance, endpoints, nil
	}
	grace := time.Duration(0)
	if r.prepared.cfg.Store.Kind == config.StoreDisk {
		grace = time.Duration(r.prepared.cfg.Sessions.CoreGrace)
	}
	instance, endpoints, err := process.Open(loops, t.process, process.OpenConfig{Index: index, Grace: grace, Log: log})
	if err != nil {
		return nil, nil, err
	}
	return instance, endpoints, nil
}
