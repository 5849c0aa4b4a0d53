package sockets

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pushcore/pushcore/sdk"
)

// acceptsAtOnce bounds the connections taken in one readiness, so that a storm
// of them does not hold up those that are here.
const acceptsAtOnce = 64

// backlog is how many connections the kernel may hold for a listening socket.
const backlog = 4096

// endpoint is one address with a socket for each loop.
type endpoint struct {
	name    string         // immutable: as the options say it
	address netip.AddrPort // immutable once bound

	mu  sync.Mutex // guards fds: loops close theirs, and Close what a stuck one has not
	fds []int      // by loop; closed: -1
}

// bind opens a listening socket for each loop, all on one port; the kernel
// spreads connections over them. Nothing is accepted before they are watched.
// Where the address is shared, other processes may be bound to it already.
func bind(address string, loops int, shared bool) (*endpoint, error) {
	want, err := resolve(address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	if !shared {
		if err := free(want); err != nil {
			return nil, fmt.Errorf("listen on %s: %w", address, err)
		}
	}
	e := &endpoint{name: address, address: want}
	for range loops {
		fd, bound, err := listenSocket(e.address)
		if err != nil {
			e.close()
			return nil, fmt.Errorf("listen on %s: %w", address, err)
		}
		e.fds = append(e.fds, fd)
		e.address = bound
	}
	return e, nil
}

// free says whether nobody else listens on an address. The sockets of the loops
// share their port, and would as silently share it with another node.
func free(address netip.AddrPort) error {
	if address.Port() == 0 {
		return nil
	}
	probe, err := net.Listen("tcp", address.String())
	if err != nil {
		return err
	}
	return probe.Close()
}

func listenSocket(address netip.AddrPort) (int, netip.AddrPort, error) {
	family := unix.AF_INET
	if address.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM, 0)
	if err != nil {
		return -1, address, os.NewSyscallError("socket", err)
	}
	unix.CloseOnExec(fd)
	bound, err := bindSocket(fd, address)
	if err != nil {
		_ = unix.Close(fd) // The error that matters is the one we have.
		return -1, address, err
	}
	return fd, bound, nil
}

func bindSocket(fd int, address netip.AddrPort) (netip.AddrPort, error) {
	for _, option := range []int{unix.SO_REUSEADDR, unix.SO_REUSEPORT} {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, 1); err != nil {
			return address, os.NewSyscallError("setsockopt", err)
		}
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return address, os.NewSyscallError("fcntl", err)
	}
	if err := unix.Bind(fd, sockaddr(address)); err != nil {
		return address, os.NewSyscallError("bind", err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return address, os.NewSyscallError("getsockname", err)
	}
	return addrPort(name), os.NewSyscallError("listen", unix.Listen(fd, backlog))
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	sa := &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
	if zone := a.Addr().Zone(); zone != "" {
		if i, err := net.InterfaceByName(zone); err == nil {
			sa.ZoneId = uint32(i.Index)
		}
	}
	return sa
}

func addrPort(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).Unmap(), uint16(sa.Port))
	}
	return netip.AddrPort{}
}

// socket is the loop's listening socket, or -1.
func (e *endpoint) socket(loop sdk.Loop) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.fds[loop]
}

// closeSocket closes the loop's listening socket, if it is open.
func (e *endpoint) closeSocket(loop sdk.Loop) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if fd := e.fds[loop]; fd >= 0 {
		e.fds[loop] = -1
		_ = unix.Close(fd) // A listening socket has nothing to lose.
	}
}

func (e *endpoint) close() {
	for i := range e.fds {
		e.closeSocket(sdk.Loop(i))
	}
}

// listener is one listening socket on its loop.
type listener struct {
	loop *loop
	fd   int
	rest sdk.TimerID // runs while it does not accept
}

var _ sdk.Watcher = (*listener)(nil)

// listen starts to accept on all of the loop's sockets. On a loop that accepts
// already it sets new limits.
func (l *loop) listen(limits *sdk.Listen) error {
	l.limits = *limits
	if l.limits.MaxFrame == 0 {
		l.limits.MaxFrame = l.transport.config.FrameBytesMax
	}
	l.rate = bucket{rate: l.limits.AcceptRate}
	if len(l.listeners) > 0 {
		return nil
	}
	var errs []error
	for _, e := range l.transport.endpoints {
		n := &listener{loop: l, fd: e.socket(l.id)}
		if err := l.poller.Watch(n.fd, sdk.Readable, n); err != nil {
			errs = append(errs, fmt.Errorf("listen on %s, loop %d: %w", e.address, l.id, err))
			continue
		}
		l.listeners = append(l.listeners, n)
	}
	return errors.Join(errs...)
}

// stopListening closes the loop's listening sockets, for good: one that stayed
// open would let the kernel take connections that nobody answers. Who has been
// taken by it already is let in as far as CONNECT, so that he is told where he
// stands instead of being cut off.
func (l *loop) stopListening() {
	for _, n := range l.listeners {
		l.poller.Cancel(n.rest)
		l.poller.Forget(n.fd)
		n.welcomeRest()
	}
	l.listeners = nil
	for _, e := range l.transport.endpoints {
		e.closeSocket(l.id)
	}
}

// welcomeRest accepts what the kernel has taken until now, whatever the rate.
func (n *listener) welcomeRest() {
	ceiling := descriptorCeiling()
	for range backlog {
		fd, peer, err := accept(n.fd)
		switch err {
		case nil:
			if fd >= ceiling {
				_ = unix.Close(fd) // It is not ours yet.
				continue
			}
			n.loop.welcome(fd, addrPort(peer))
		case unix.ECONNABORTED, unix.EINTR: // The peer was gone before we came; the next one may not be.
		default:
			return
		}
	}
}

// Ready accepts what waits.
func (n *listener) Ready(sdk.Loop, sdk.Interest) {
	l := n.loop
	now, ceiling := l.transport.host.Now(l.id), descriptorCeiling()
	for range acceptsAtOnce {
		if !l.rate.take(now) {
			n.pause(tick)
			return
		}
		fd, peer, err := accept(n.fd)
		switch {
		case err == unix.EAGAIN:
			l.rate.giveBack()
			return
		case isShortage(err):
			l.rate.giveBack()
			l.shortage.count(l, err, 0)
			n.pause(outOfDescriptors)
			return
		case err != nil: // The peer was gone before we came.
			continue
		case fd >= ceiling:
			_ = unix.Close(fd) // It is not ours yet.
			l.shortage.count(l, unix.EMFILE, 1)
			continue
		}
		l.welcome(fd, addrPort(peer))
	}
}

func (n *listener) pause(d time.Duration) {
	if n.loop.poller.Rewatch(n.fd, 0) == nil {
		n.rest = n.loop.poller.Timer(d, n)
	}
}

// Alarm accepts again after a rest.
func (n *listener) Alarm(sdk.Loop, sdk.TimerID) {
	n.rest = 0
	_ = n.loop.poller.Rewatch(n.fd, sdk.Readable) // It was watched until now; if it no longer is, we are closing.
}

// welcome begins a connection, or closes it at once when too many have not shown
// who they are.
func (l *loop) welcome(fd int, peer netip.AddrPort) {
	if most := l.limits.MaxUnauthenticated; most > 0 && l.strangers >= most {
		_ = unix.Close(fd) // It is not ours yet.
		return
	}
	prepare(fd)
	c := l.slab.take()
	c.fd = int32(fd)
	c.id = l.transport.newID(c.fd)
	c.codec = l.transport.protocol.Codec(peer, connectBytes(l.limits.MaxFrame), l.limits.LoopbackOnly)
	c.phase = Connecting
	c.heard = l.now()
	if l.limits.ConnectTimeout > 0 {
		c.deadline = c.heard + ticksOf(l.limits.ConnectTimeout) + 1
	}
	l.strangers++
	if err := l.add(c, sdk.Readable); err != nil {
		l.strangers--
		_ = unix.Close(fd) // As above.
		l.slab.give(c)
	}
}

// bucket bounds a rate: it holds at most a second's worth.
type bucket struct {
	rate   int
	tokens float64
	last   time.Time
}

func (b *bucket) take(now time.Time) bool {
	if b.rate <= 0 {
		return true
	}
	if b.last.IsZero() {
		b.tokens = float64(b.rate)
	} else {
		b.tokens = min(float64(b.rate), b.tokens+now.Sub(b.last).Seconds()*float64(b.rate))
	}
	b.last = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

func (b *bucket) giveBack() { b.tokens++ }
