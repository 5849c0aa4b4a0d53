package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// Transport is the plugin. Loop 0 accepts; a connection then moves to the loop of
// its user. Nothing here is locked: what belongs to a loop is touched in calls that
// name it.
type Transport struct {
	address  string
	host     sdk.Host
	listener int // loop 0's; below 0: none
	limits   sdk.Listen
	accepted sdk.ConnID // how many; loop 0's
	waiting  int        // of them without a session yet; loop 0's
	loops    []loop
}

// loop is what one loop owns.
type loop struct {
	conns map[sdk.ConnID]*conn
	dirty []*conn // something was appended in this turn
}

var _ sdk.Transport = (*Transport)(nil)

// Info implements sdk.Plugin, as the following do.
func (*Transport) Info() sdk.Info {
	return sdk.Info{Name: "yourplugin", Kind: sdk.KindTransport, Version: "0.1.0", APIVersion: sdk.APIVersion}
}

func (t *Transport) Configure(options []byte) (sdk.Setup, []sdk.OptionError) {
	var o struct {
		Listen string `json:"listen"`
	}
	d := json.NewDecoder(bytes.NewReader(options))
	d.DisallowUnknownFields()
	if err := d.Decode(&o); err != nil {
		return sdk.Setup{}, []sdk.OptionError{{Message: err.Error()}}
	}
	if _, err := net.ResolveTCPAddr("tcp", o.Listen); err != nil {
		return sdk.Setup{}, []sdk.OptionError{{Pointer: "/listen", Message: err.Error()}}
	}
	t.address = o.Listen
	return sdk.Setup{Listen: []string{o.Listen}}, nil
}

// Open binds, and accepts nothing before CommandListen.
func (t *Transport) Open(h sdk.Host) ([]sdk.Endpoint, error) {
	l, err := net.Listen("tcp", t.address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", t.address, err)
	}
	if t.listener, err = descriptor(l.(*net.TCPListener)); err != nil {
		return nil, fmt.Errorf("listen on %s: %w", t.address, err)
	}
	t.host, t.loops = h, make([]loop, h.Loops())
	for i := range t.loops {
		t.loops[i].conns = map[sdk.ConnID]*conn{}
	}
	return []sdk.Endpoint{{URL: "yourplugin://" + l.Addr().String()}}, nil
}

// descriptor takes a listener's descriptor over, for a poller to watch.
func descriptor(l *net.TCPListener) (int, error) {
	defer func() { _ = l.Close() }() // What is watched is a duplicate.
	f, err := l.File()
	if err != nil {
		return -1, err
	}
	defer func() { _ = f.Close() }()
	fd, err := syscall.Dup(int(f.Fd()))
	if err != nil {
		return -1, err
	}
	syscall.CloseOnExec(fd)
	return fd, syscall.SetNonblock(fd, true)
}

// Ready accepts what waits; it is told again while something does.
func (t *Transport) Ready(l sdk.Loop, _ sdk.Interest) {
	for {
		fd, peer, err := syscall.Accept(t.listener)
		if err != nil {
			return
		}
		most := t.limits.MaxUnauthenticated
		if syscall.SetNonblock(fd, true) != nil || most > 0 && t.waiting >= most {
			_ = syscall.Close(fd) // Nobody knows of it.
			continue
		}
		syscall.CloseOnExec(fd)
		t.accepted++
		t.waiting++
		c := &conn{transport: t, id: t.accepted, fd: fd, loop: l, peer: name(peer), interest: sdk.Readable}
		t.loops[l].conns[c.id] = c
		if err := t.host.Poller(l).Watch(fd, c.interest, c); err != nil {
			c.drop(wire.CodeInternal, err.Error())
		} else if t.limits.ConnectTimeout > 0 {
			c.timer = t.host.Poller(l).Timer(t.limits.ConnectTimeout, c)
		}
	}
}

func name(a syscall.Sockaddr) string {
	switch a := a.(type) {
	case *syscall.SockaddrInet4:
		return (&net.TCPAddr{IP: a.Addr[:], Port: a.Port}).String()
	case *syscall.SockaddrInet6:
		return (&net.TCPAddr{IP: a.Addr[:], Port: a.Port}).String()
	}
	return "unknown"
}

// Command does what the runtime wants of a connection, if it is still there.
func (t *Transport) Command(l sdk.Loop, commands []sdk.Command) {
	for i := range commands {
		m := &commands[i]
		switch c := t.loops[l].conns[m.Conn]; {
		case m.Kind == sdk.CommandListen && l == 0:
			t.limits = *m.Listen
			if err := t.host.Poller(l).Watch(t.listener, sdk.Readable, t); err != nil {
				t.host.Log().Error("cannot accept", "error", err)
			}
		case m.Kind == sdk.CommandStopListening && l == 0:
			t.stopListening()
		case c != nil:
			c.command(m)
		}
	}
}

func (t *Transport) stopListening() {
	if t.listener >= 0 {
		t.host.Poller(0).Forget(t.listener)
		_ = syscall.Close(t.listener) // There is nothing to lose.
		t.listener = -1
	}
}

// Deliver appends messages, each of which is encoded once.
func (t *Transport) Deliver(l sdk.Loop, b *sdk.Batch) {
	bodies := make([][]byte, len(b.Messages))
	for _, i := range b.Items {
		c := t.loops[l].conns[i.Conn]
		if c == nil || c.state != attached {
			continue
		}
		if bodies[i.Message] == nil {
			bodies[i.Message] = encode(&b.Messages[i.Message])
		}
		c.out = appendPush(c.out, i.Seq, bodies[i.Message])
		c.touch()
	}
}

// Flush writes what the turn appended, once for each connection.
func (t *Transport) Flush(l sdk.Loop) {
	for _, c := range t.loops[l].dirty {
		c.dirty = false
		c.write()
	}
	t.loops[l].dirty = t.loops[l].dirty[:0]
}

// task is a function to run on a loop.
type task func(sdk.Loop)

// Run implements sdk.Task.
func (f task) Run(l sdk.Loop) { f(l) }

// Close ends all connections, on their loops.
func (t *Transport) Close(deadline time.Time) error {
	late := time.NewTimer(time.Until(deadline))
	defer late.Stop()
	for l := range sdk.Loop(len(t.loops)) {
		done := make(chan struct{})
		t.host.Poller(l).Do(task(func(l sdk.Loop) {
			if l == 0 {
				t.stopListening()
			}
			for _, c := range t.loops[l].conns {
				c.drop(wire.CodeGoingAway, "")
			}
			close(done)
		}))
		select {
		case <-done:
		case <-late.C:
			return fmt.Errorf("loop %d has not closed its connections in time", l)
		}
	}
	return nil
}
