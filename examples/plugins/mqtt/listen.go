package mqtt

import (
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pushcore/pushcore/sdk"
)

const (
	acceptsAtOnce = 64                     // in one readiness, so that a storm does not hold up those that are here
	restFull      = 100 * time.Millisecond // of a listener beyond the rate
	restShort     = 500 * time.Millisecond // of a listener without descriptors
)

// listener is one listening socket on its loop.
type listener struct {
	loop *loop
	fd   int
	rest sdk.TimerID // runs while it does not accept
}

// listen starts to accept on all of the loop's sockets; on a loop that accepts
// already it sets new limits.
func (l *loop) listen(limits sdk.Listen) error {
	l.limits, l.rate = limits, bucket{rate: float64(limits.AcceptRate)}
	if len(l.listeners) > 0 || l.closed {
		return nil
	}
	for _, fds := range l.transport.sockets {
		n := &listener{loop: l, fd: fds[l.id]}
		if err := l.poller.Watch(n.fd, sdk.Readable, n); err != nil {
			return fmt.Errorf("accept on loop %d: %w", l.id, err)
		}
		l.listeners = append(l.listeners, n)
	}
	return nil
}

// stopListening closes the loop's listening sockets, for good. Whom the kernel has
// taken for them already is let in as far as CONNECT, to be told where he stands.
func (l *loop) stopListening() {
	for _, n := range l.listeners {
		l.poller.Cancel(n.rest)
		l.poller.Forget(n.fd)
		for range backlog {
			fd, peer, err := accept(n.fd)
			if err != nil {
				break
			}
			l.welcome(fd, peer)
		}
	}
	l.listeners = nil
	for _, fds := range l.transport.sockets {
		closeListener(fds, int(l.id))
	}
}

// Ready implements sdk.Watcher: it accepts what waits.
func (n *listener) Ready(sdk.Loop, sdk.Interest) {
	l := n.loop
	for range acceptsAtOnce {
		if !l.rate.take(l.now()) {
			n.pause(restFull)
			return
		}
		fd, peer, err := accept(n.fd)
		switch err {
		case nil:
			l.welcome(fd, peer)
			continue
		case unix.ECONNABORTED, unix.EINTR: // The peer was gone before we came.
			continue
		case unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM:
			l.transport.host.Log().Warn("cannot accept connections", "error", err)
			n.pause(restShort)
		}
		l.rate.tokens++
		return
	}
}

func (n *listener) pause(d time.Duration) {
	if n.loop.poller.Rewatch(n.fd, 0) == nil {
		n.rest = n.loop.poller.Timer(d, n)
	}
}

// Alarm implements sdk.Alarm: it accepts again after a rest.
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
	c := &conn{id: sdk.ConnID(l.transport.lastConn.Add(1)), fd: fd, peer: peer, phase: connecting, heard: l.now()}
	if l.limits.ConnectTimeout > 0 {
		c.deadline = l.now().Add(l.limits.ConnectTimeout)
	}
	if l.add(c, sdk.Readable) != nil {
		_ = unix.Close(fd) // As above.
	}
}

// bucket bounds a rate: it holds at most a second's worth.
type bucket struct {
	rate, tokens float64
	last         time.Time
}

func (b *bucket) take(now time.Time) bool {
	if b.rate == 0 {
		return true
	}
	if b.last.IsZero() {
		b.tokens = b.rate
	}
	b.tokens = min(b.rate, b.tokens+max(0, now.Sub(b.last).Seconds())*b.rate)
	b.last = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
