package sockets

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// Transport is an sdk.Transport but for Info and Configure, which tcp and ws
// have of their own.
type Transport struct {
	protocol Protocol
	config   Config
	host     sdk.Host

	loops      []*loop
	endpoints  []*endpoint
	inherited  []int // listening sockets of a process before that have no loop here; loop 0's after AdoptListeners
	generation atomic.Uint32
	fault      atomic.Pointer[error] // loops → any goroutine: why it does not listen as it was told
}

var _ sdk.Checker = (*Transport)(nil)

// Use sets protocol and options, before Open.
func (t *Transport) Use(p Protocol, c Config) {
	if c.FrameBytesMax == 0 {
		c.FrameBytesMax = wire.FrameBytesDefault
	}
	if c.Linger == 0 {
		c.Linger = lingerDefault
	}
	t.protocol, t.config = p, c
}

// Open implements sdk.Transport: a socket for each loop and address.
func (t *Transport) Open(h sdk.Host) ([]sdk.Endpoint, error) {
	t.host = h
	for i := range h.Loops() {
		t.loops = append(t.loops, newLoop(t, sdk.Loop(i)))
	}
	for _, address := range t.config.Listen {
		e, err := bind(address, h.Loops(), shares(h))
		if err != nil {
			t.closeEndpoints()
			return nil, err
		}
		t.endpoints = append(t.endpoints, e)
	}
	return t.urls(), nil
}

// shares says whether other processes listen on the same addresses.
func shares(h sdk.Host) bool {
	s, ok := h.(sdk.Sharer)
	return ok && s.Shared()
}

// urls are the endpoints as the host is told of them.
func (t *Transport) urls() (out []sdk.Endpoint) {
	for _, e := range t.endpoints {
		out = append(out, sdk.Endpoint{URL: t.protocol.Scheme() + "://" + e.address.String() + t.protocol.Path()})
	}
	return out
}

// newID names a connection.
func (t *Transport) newID(fd int32) sdk.ConnID {
	for {
		if id := connID(fd, t.generation.Add(1)); id != 0 {
			return id
		}
	}
}

func (t *Transport) closeEndpoints() {
	for _, e := range t.endpoints {
		e.close()
	}
	for _, fd := range t.inherited {
		_ = unix.Close(fd) // A listening socket has nothing to lose.
	}
	t.inherited = nil
}

// Check implements sdk.Checker.
func (t *Transport) Check() error {
	if err := t.fault.Load(); err != nil {
		return *err
	}
	return nil
}

// Close implements sdk.Plugin: it ends listeners and connections on their loops
// and waits for that until the deadline.
func (t *Transport) Close(deadline time.Time) error {
	defer t.closeEndpoints() // Also those of a loop that did not answer.
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	done := make(chan struct{}, len(t.loops))
	for _, l := range t.loops {
		t.host.Poller(l.id).Do(closing{l, done})
	}
	for range t.loops {
		select {
		case <-done:
		case <-timer.C:
			return fmt.Errorf("%s: connections were not closed in time", t.protocol.Scheme())
		}
	}
	return nil
}

// closing ends a loop's part of the transport.
type closing struct {
	l    *loop
	done chan<- struct{}
}

func (c closing) Run(sdk.Loop) {
	c.l.closeAll()
	c.done <- struct{}{}
}

var errNoAddress = errors.New("no address to listen on")

// CheckListen returns what is wrong with an address to listen on, or nil.
func CheckListen(address string) error {
	if address == "" {
		return errNoAddress
	}
	if _, err := resolve(address); err != nil {
		return errors.New("an address to listen on is IP:PORT, such as 127.0.0.1:7100")
	}
	return nil
}
