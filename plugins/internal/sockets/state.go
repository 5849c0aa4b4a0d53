package sockets

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// State is a connection in plain data: with its descriptor it is all that another
// process needs to go on where this one stopped, in the middle of a frame too.
type State struct {
	Phase          Phase
	HeartbeatTicks uint32
	TicksLeft      uint32 // until the deadline; 0: none
	Paused         bool
	Congested      bool
	Codec          []byte // Codec.State: what is half read
	TLS            []byte // Layer.State; empty without
	Held           []byte // read, not parsed
	Out            []byte // to be written
}

// state exports a connection between two turns.
func (c *conn) state() State {
	s := State{
		Phase: c.phase, HeartbeatTicks: c.heartbeat, Paused: c.paused, Congested: c.congested,
		Codec: c.codec.State(), Held: c.held, Out: c.out,
	}
	if now := c.server.now(); c.deadline != 0 {
		s.TicksLeft = max(c.deadline, now+1) - now
	}
	if c.tls != nil {
		s.TLS = c.tls.State()
	}
	return s
}

// adopt makes a connection of a state and its descriptor, not yet watched.
func (l *loop) adopt(fd int, s State) (*conn, error) {
	bytesMax := l.limits.MaxFrame
	if s.Phase == Connecting || s.Phase == Waiting {
		bytesMax = connectBytes(bytesMax)
	}
	codec, err := l.transport.protocol.Restore(s.Codec, bytesMax)
	if err != nil {
		return nil, err
	}
	c := l.slab.take()
	c.server, c.codec, c.fd, c.id = l, codec, int32(fd), l.transport.newID(int32(fd))
	c.phase, c.heartbeat, c.paused, c.congested = s.Phase, s.HeartbeatTicks, s.Paused, s.Congested
	c.held, c.out, c.heard = s.Held, s.Out, l.now()
	c.told = c.phase == Ending
	if s.TicksLeft != 0 {
		c.deadline = c.heard + s.TicksLeft
	}
	return c, nil
}

// peer is the address of the socket's other end.
func (c *conn) peer() string {
	sa, err := unix.Getpeername(int(c.fd))
	if err != nil {
		return netip.AddrPort{}.String()
	}
	return addrPort(sa).String()
}
