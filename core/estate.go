package core

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/pushcore/pushcore/core/admin"
	"github.com/pushcore/pushcore/core/config"
	"github.com/pushcore/pushcore/core/host/local"
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/sdk"
)

// EstateVersion is that of Estate's encoding: a program understands its own only.
const EstateVersion = 1

// Estate is what a node leaves to the program that takes its place in the same
// process: the connections of transports in the core. Their descriptors are open.
type Estate struct {
	Version    int
	Transports map[string]*local.Estate // by instance
}

// WriteEstate encodes an estate.
func WriteEstate(w io.Writer, e *Estate) error { return json.NewEncoder(w).Encode(e) }

// ReadEstate decodes an estate. One of another version comes with an error: only its
// descriptors are of use, to be closed.
func ReadEstate(r io.Reader) (*Estate, error) {
	e := &Estate{}
	if err := json.NewDecoder(r).Decode(e); err != nil {
		return nil, fmt.Errorf("read what the program before has left: %w", err)
	}
	if e.Version != EstateVersion {
		return e, fmt.Errorf("the program before has left version %d, this one understands %d", e.Version, EstateVersion)
	}
	return e, nil
}

// Descriptors are all that the estate holds.
func (e *Estate) Descriptors() (fds []int) {
	for _, t := range e.Transports {
		for i := range t.Listeners {
			fds = append(fds, t.Listeners[i].FD)
		}
		for i := range t.Conns {
			fds = append(fds, t.Conns[i].FD)
		}
	}
	return fds
}

// Connections is how many the estate holds.
func (e *Estate) Connections() (n int) {
	for _, t := range e.Transports {
		n += len(t.Conns)
	}
	return n
}

// ErrNoEstate is why a node cannot leave its connections to another program.
var ErrNoEstate = errors.New("the store is in memory: what is not acked would be lost")

// Leave ends the node without ending its devices' connections: what nobody has
// acked is stored, brokers' records are settled, and connections of transports in
// the core are in the estate; those of plugin processes wait there for the next
// core. When it returns an estate nothing runs any more. With an error before
// anything was given away the node goes on, and is to be stopped.
func (r *Runtime) Leave(ctx context.Context) (*Estate, error) {
	if r.prepared.cfg.Store.Kind != config.StoreDisk {
		return nil, ErrNoEstate
	}
	if !r.ready.CompareAndSwap(true, false) {
		return nil, errDraining
	}
	began := time.Now()
	r.leaving.Store(true)
	r.dispatcher.StopIngress()
	r.tellAll(&shard.Vacate{})
	left := r.untilLeft(ctx, func(l shard.Left) bool { return l.Storing == 0 && l.Arriving == 0 })
	if left.Storing > 0 {
		r.leaving.Store(false)
		return nil, fmt.Errorf("%d operations of the store are not done in time", left.Storing)
	}
	r.untilKept(ctx)
	err := r.closeBrokers(closeDeadline(ctx))
	e := &Estate{Version: EstateVersion, Transports: map[string]*local.Estate{}}
	for i, t := range r.transports {
		switch t := t.(type) {
		case *local.Instance:
			if estate, ok := t.Leave(); ok {
				e.Transports[r.transportNames[i]] = estate
			} else {
				err = errors.Join(err, t.Close(closeDeadline(ctx)))
			}
		default:
			t.Abandon()
		}
	}
	// Once more: what came while the connections were given away.
	r.tellAll(&shard.Vacate{})
	r.untilLeft(ctx, func(l shard.Left) bool { return l.Storing == 0 })
	if err = errors.Join(err, r.close(ctx)); err != nil {
		r.log.Warn("the node was not left in good order", "error", err)
	}
	r.log.Info("the node is left to its successor", "connections", e.Connections(), "took", time.Since(began))
	return e, nil
}

// Upgrade implements admin.Node: it asks whoever runs the node to replace the program,
// when that says that the new one can take over.
func (r *Runtime) Upgrade(ctx context.Context) error {
	switch {
	case !r.started.Load():
		return errStarting
	case !r.ready.Load():
		return errDraining
	case r.prepared.cfg.Store.Kind != config.StoreDisk:
		return ErrNoEstate
	case r.prepared.options.Preflight == nil:
		return errors.New("this node cannot replace its program")
	}
	if err := r.prepared.options.Preflight(ctx); err != nil {
		return fmt.Errorf("the new program is not fit to take over, and nothing was done: %w", err)
	}
	select {
	case r.upgrades <- struct{}{}:
	default: // It was asked for already.
	}
	return nil
}

// Upgrades tells that the program is to be replaced: call Leave.
func (r *Runtime) Upgrades() <-chan struct{} { return r.upgrades }

// About implements admin.Node.
func (r *Runtime) About() admin.About {
	return admin.About{
		Name: r.prepared.cfg.Node.HostName(), Version: r.prepared.options.Version, Run: r.began.UTC().Format(time.RFC3339Nano), PID: os.Getpid(),
	}
}

// Close ends the connections that nobody has taken over.
func (e *Estate) Close() {
	for _, fd := range e.Descriptors() {
		_ = os.NewFile(uintptr(fd), "estate").Close() // It is given up.
	}
	e.Transports = nil
}

// inherit opens a transport with what one of an earlier program has left, if there
// is such a thing.
func (r *Runtime) inherit(index int) (*local.Instance, []sdk.Endpoint, error) {
	t := &r.prepared.transports[index]
	if r.prepared.options.Estate == nil {
		return nil, nil, nil
	}
	e := r.prepared.options.Estate.Transports[t.name]
	freezer, ok := t.plugin.(sdk.Freezer)
	if e == nil || !ok {
		return nil, nil, nil
	}
	delete(r.prepared.options.Estate.Transports, t.name)
	return local.Inherit(r.loops, index, freezer, e, r.keptLoop, r.log.With("plugin", t.name))
}

// keptLoop is the loop of a session that is to rejoin.
func (r *Runtime) keptLoop(s *shard.Rejoined) int {
	plain, err := r.box.Open(s.Keep)
	if err != nil {
		return 0 // The shard refuses it.
	}
	user, err := shard.KeptUser(plain)
	if err != nil {
		return 0
	}
	return r.owner(user)
}
