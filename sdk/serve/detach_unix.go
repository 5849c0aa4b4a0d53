//go:build unix

package serve

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/pushcore/pushcore/sdk"
)

// takeConn implements seat, on its own loop.
func (r *transportRunner) takeConn(l sdk.Loop, c *net.UnixConn) error {
	loops, table, err := r.attached(l)
	if err != nil {
		return err
	}
	fd, err := detach(c)
	if err != nil {
		return err
	}
	return loops.AttachSocket(l, fd, table)
}

// detach takes a socket's descriptor away from Go's own poller. The connection is
// closed, its descriptor is the caller's and non-blocking.
func detach(c *net.UnixConn) (fd int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	fd = -1
	control := raw.Control(func(of uintptr) {
		fd, err = unix.FcntlInt(of, unix.F_DUPFD_CLOEXEC, 0)
	})
	if control != nil {
		return 0, control
	}
	if err != nil {
		return 0, err
	}
	_ = c.Close()
	return fd, syscall.SetNonblock(fd, true)
}
