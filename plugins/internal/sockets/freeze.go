package sockets

import (
	"encoding/json"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/pushcore/pushcore/sdk"
)

// stateVersion is that of frozenConn and frozenListener: another one is not
// understood.
const stateVersion = 1

// frozenConn is a connection between two processes.
type frozenConn struct {
	Version int
	State
}

// frozenListener is a listening socket between two processes.
type frozenListener struct {
	Version int
	Name    string // of the address in the options
	Address netip.AddrPort
}

// Freeze implements sdk.Freezer.
func (t *Transport) Freeze(id sdk.Loop) []sdk.Frozen {
	t.Flush(id)
	l := t.loops[id]
	l.closed = true // What still arrives here, against the rules, is closed.
	for _, n := range l.listeners {
		l.poller.Cancel(n.rest)
		l.poller.Forget(n.fd)
	}
	l.listeners = nil
	l.cancelTimers()
	var out []sdk.Frozen
	for len(l.all) > 0 {
		c := l.all[len(l.all)-1]
		out = append(out, sdk.Frozen{Conn: c.id, FD: int(c.fd), State: encode(frozenConn{stateVersion, c.state()})})
		l.remove(c)
		l.slab.give(c)
	}
	return out
}

// encode encodes plain data of ours, which cannot fail.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("sockets: encode a state: %v", err))
	}
	return b
}

// FreezeListeners implements sdk.Freezer.
func (t *Transport) FreezeListeners() (out []sdk.Frozen) {
	for _, e := range t.endpoints {
		e.mu.Lock()
		for loop, fd := range e.fds {
			if fd >= 0 {
				out = append(out, sdk.Frozen{FD: fd, State: encode(frozenListener{stateVersion, e.name, e.address})})
			}
			e.fds[loop] = -1
		}
		e.mu.Unlock()
	}
	for _, fd := range t.inherited { // Nobody has been told to listen since.
		out = append(out, sdk.Frozen{FD: fd, State: encode(frozenListener{Version: stateVersion})})
	}
	t.inherited = nil
	return out
}

// AdoptListeners implements sdk.Freezer. The kernel has spread connections over all
// the sockets of an address, and those that it has taken wait in them: a socket too
// many is emptied before it is closed.
func (t *Transport) AdoptListeners(h sdk.Host, frozen []sdk.Frozen) ([]sdk.Endpoint, error) {
	t.host = h
	for i := range h.Loops() {
		t.loops = append(t.loops, newLoop(t, sdk.Loop(i)))
	}
	byName, ports := map[string]*endpoint{}, map[uint16]bool{}
	for i := range frozen {
		var f frozenListener
		if err := json.Unmarshal(frozen[i].State, &f); err != nil || f.Version != stateVersion || f.Name == "" {
			t.inherited = append(t.inherited, frozen[i].FD)
			continue
		}
		ports[f.Address.Port()] = true
		e := byName[f.Name]
		if e == nil {
			e = &endpoint{name: f.Name, address: f.Address}
			byName[f.Name] = e
		}
		e.fds = append(e.fds, frozen[i].FD)
	}
	for _, name := range t.config.Listen {
		e, err := complete(byName[name], name, h.Loops(), shares(h) || ports[portOf(name)])
		delete(byName, name)
		if err != nil {
			for _, e := range byName {
				e.close()
			}
			t.closeEndpoints()
			return nil, err
		}
		t.inherited = append(t.inherited, e.fds[h.Loops():]...)
		e.fds = e.fds[:h.Loops()]
		t.endpoints = append(t.endpoints, e)
	}
	for _, e := range byName {
		t.inherited = append(t.inherited, e.fds...)
	}
	return t.urls(), nil
}

// portOf is the port of an address to listen on, or 0.
func portOf(address string) uint16 {
	a, err := resolve(address)
	if err != nil {
		return 0
	}
	return a.Port()
}

// complete opens the sockets that an adopted endpoint lacks.
func complete(e *endpoint, name string, loops int, shared bool) (*endpoint, error) {
	if e == nil {
		return bind(name, loops, shared)
	}
	for len(e.fds) < loops {
		fd, _, err := listenSocket(e.address)
		if err != nil {
			e.close()
			return nil, fmt.Errorf("listen on %s: %w", name, err)
		}
		e.fds = append(e.fds, fd)
	}
	return e, nil
}

// empty takes what waits in sockets that nobody listens on any more, and closes
// them.
func (l *loop) empty() {
	for _, fd := range l.transport.inherited {
		n := &listener{loop: l, fd: fd}
		n.welcomeRest()
		_ = unix.Close(fd) // A listening socket has nothing to lose now.
	}
	l.transport.inherited = nil
}

// Adopt implements sdk.Freezer.
func (t *Transport) Adopt(id sdk.Loop, frozen []sdk.Frozen) []sdk.ConnID {
	l := t.loops[id]
	ids := make([]sdk.ConnID, len(frozen))
	for i := range frozen {
		c, err := l.revive(&frozen[i])
		if err != nil {
			_ = unix.Close(frozen[i].FD) // It cannot go on.
			t.host.Log().Warn("a connection was not taken over", "error", err)
			continue
		}
		ids[i] = c.id
	}
	l.report()
	return ids
}

// revive goes on with one connection.
func (l *loop) revive(f *sdk.Frozen) (*conn, error) {
	var s frozenConn
	if err := json.Unmarshal(f.State, &s); err != nil {
		return nil, fmt.Errorf("read its state: %w", err)
	}
	if s.Version != stateVersion || s.Phase <= Free || s.Phase > Ending || s.Phase == Moving {
		return nil, fmt.Errorf("a state of version %d in phase %d", s.Version, s.Phase)
	}
	if f.FD >= descriptorCeiling() {
		return nil, unix.EMFILE
	}
	c, err := l.adopt(f.FD, s.State)
	if err != nil {
		return nil, err
	}
	if err := l.add(c, 0); err != nil {
		l.slab.give(c)
		return nil, err
	}
	switch c.phase {
	case Connecting, Waiting:
		l.strangers++
	case Attached:
		if c.heartbeat != 0 {
			l.quicken(ticks(c.heartbeat))
		}
	case Ending:
		c.ended()
	}
	c.watch()
	return c, nil
}
