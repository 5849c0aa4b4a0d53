//go:build unix

package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/pluginrpc"
	"github.com/pushcore/pushcore/sdk/pluginrpc/pluginpb"
)

var errNoFreezer = errors.New("the plugin cannot hand over its connections")

// TakeOver implements runner: it listens for the other process and goes on with
// what that hands over, on a goroutine of its own.
func (r *transportRunner) TakeOver(context.Context, *pluginpb.TakeOverRequest) (*pluginpb.TakeOverReply, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.plugin.(sdk.Freezer); !ok {
		return &pluginpb.TakeOverReply{Error: errNoFreezer.Error()}, nil
	}
	if r.loops == nil || r.opened {
		return nil, errNotAttached
	}
	h, err := newHeir(os.Getenv(pluginrpc.SocketDirKey))
	if err != nil {
		return nil, err
	}
	go func() {
		if err := r.inherit(h); err != nil {
			r.log.Error("the connections of the process before were not taken over", "error", err)
			r.exit("the connections of the process before were not taken over: " + err.Error())
		}
	}()
	return &pluginpb.TakeOverReply{Address: h.listener.Addr().String(), Token: h.token}, nil
}

// inherit takes over all that another process has.
func (r *transportRunner) inherit(h *heir) error {
	c, err := h.accept()
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	e, err := r.receiveEstate(c)
	if err != nil {
		e.close()
		return err
	}
	endpoints, err := r.loops.AdoptListeners(e.listeners)
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.open(endpoints)
	r.mu.Unlock()
	for l, conns := range e.conns {
		r.loops.Adopt(sdk.Loop(l), conns)
	}
	return nil
}

// estate is all that a process has handed over.
type estate struct {
	conns     [][]pluginrpc.Handed // by loop
	listeners []sdk.Frozen
}

func (r *transportRunner) receiveEstate(c *net.UnixConn) (*estate, error) {
	e := &estate{conns: make([][]pluginrpc.Handed, r.loops.Loops())}
	for {
		p, err := receiveParcel(c)
		if err == nil && p.kind == parcelEnd {
			return e, nil
		}
		if err == nil {
			err = e.take(&p)
		}
		if err != nil {
			if p.fd >= 0 {
				_ = unix.Close(p.fd)
			}
			return e, err
		}
	}
}

func (e *estate) take(p *parcel) error {
	switch {
	case p.fd < 0 || p.loop >= len(e.conns):
		return fmt.Errorf("a parcel of kind %d for loop %d that cannot be", p.kind, p.loop)
	case p.kind == parcelListener:
		e.listeners = append(e.listeners, sdk.Frozen{FD: p.fd, State: p.body})
		return nil
	case p.kind == parcelConn:
		h, err := pluginrpc.ReadHanded(p.body)
		if err != nil {
			return err
		}
		h.FD = p.fd
		e.conns[p.loop] = append(e.conns[p.loop], h)
		return nil
	}
	return fmt.Errorf("a parcel of unknown kind %d", p.kind)
}

// close closes what nobody goes on with.
func (e *estate) close() {
	for _, l := range e.listeners {
		_ = unix.Close(l.FD)
	}
	for _, conns := range e.conns {
		for _, h := range conns {
			_ = unix.Close(h.FD)
		}
	}
}
