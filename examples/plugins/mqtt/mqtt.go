// Package mqtt is a transport for devices that speak MQTT 3.1.1 or 5. It is
// written as a third party would write it, on the public contract alone, and is
// there to be copied from. README.md has the mapping.
//
// # A connection's way
//
//	accept → connecting ── CONNECT ──► waiting ── Accept ──► attached ──► ending → closed
//	         reads         Event       reads not  (moves to   reads       reads and
//	                                              its owner)              discards
//
// A connection is touched by one loop at a time: the one that accepted it, then
// its owner's; it is handed over by Poller.Do. There is no goroutine and no lock:
// everything runs in the turns of the host's loops.
package mqtt

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// Transport is the plugin.
type Transport struct {
	options options
	host    sdk.Host
	loops   []*loop
	sockets [][]int // by address and loop; a loop closes its own
	nonce   uint64  // makes ids of uplinks unlike those of another process

	lastConn atomic.Uint64
	fault    atomic.Pointer[error] // loops → any goroutine: why it does not listen as it was told
}

var (
	_ sdk.Transport = (*Transport)(nil)
	_ sdk.Checker   = (*Transport)(nil)
)

// New makes the plugin.
func New() *Transport { return &Transport{} }

// Info implements sdk.Plugin.
func (*Transport) Info() sdk.Info {
	return sdk.Info{
		Name: "mqtt", Kind: sdk.KindTransport, Version: "1.0.0", APIVersion: sdk.APIVersion, Schema: []byte(schema),
		Capabilities: []string{sdk.CapAckWrite}, // For subscriptions of QoS 0.
	}
}

// Configure implements sdk.Plugin.
func (t *Transport) Configure(raw []byte) (sdk.Setup, []sdk.OptionError) {
	o, faults := parseOptions(raw)
	if len(faults) > 0 {
		return sdk.Setup{}, faults
	}
	t.options = o
	return sdk.Setup{Listen: o.Listen}, nil
}

// Open implements sdk.Transport: a listening socket for each address and loop.
func (t *Transport) Open(h sdk.Host) ([]sdk.Endpoint, error) {
	t.host, t.nonce = h, newNonce()
	var endpoints []sdk.Endpoint
	for _, address := range t.options.Listen {
		fds, bound, err := bind(address, h.Loops())
		if err != nil {
			t.closeSockets()
			return nil, fmt.Errorf("listen on %s: %w", address, err)
		}
		t.sockets = append(t.sockets, fds)
		endpoints = append(endpoints, sdk.Endpoint{URL: "mqtt://" + bound.String()})
	}
	for i := range h.Loops() {
		t.loops = append(t.loops, newLoop(t, sdk.Loop(i)))
	}
	return endpoints, nil
}

func (t *Transport) closeSockets() {
	for _, fds := range t.sockets {
		for i := range fds {
			closeListener(fds, i)
		}
	}
}

// Check implements sdk.Checker.
func (t *Transport) Check() error {
	if err := t.fault.Load(); err != nil {
		return *err
	}
	return nil
}

// Deliver implements sdk.Transport.
func (t *Transport) Deliver(id sdk.Loop, b *sdk.Batch) { t.loops[id].deliver(b) }

// Command implements sdk.Transport.
func (t *Transport) Command(id sdk.Loop, commands []sdk.Command) {
	l := t.loops[id]
	for i := range commands {
		l.command(&commands[i])
	}
	l.report()
}

// Flush implements sdk.Transport.
func (t *Transport) Flush(id sdk.Loop) { t.loops[id].flush() }

// Close implements sdk.Plugin: each loop ends its part, in its own turn.
func (t *Transport) Close(deadline time.Time) error {
	done := make(chan struct{}, len(t.loops))
	for _, l := range t.loops {
		t.host.Poller(l.id).Do(closing{l, done})
	}
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	for range t.loops {
		select {
		case <-done:
		case <-timer.C:
			return errors.New("mqtt: connections were not closed in time")
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
