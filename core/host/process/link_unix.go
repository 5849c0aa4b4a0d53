//go:build unix

package process

import (
	"context"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/pushcore/pushcore/sdk/pluginrpc"
)

// linkOpener connects for a link and returns what begins it on its loop.
func linkOpener(ctx context.Context, p *Process, c pluginrpc.LinkConfig, address string) (func(pluginrpc.Owner) (*pluginrpc.Link, error), error) {
	if address == "" {
		pipe, err := openStream(p.Conn())
		if err != nil {
			return nil, err
		}
		return func(o pluginrpc.Owner) (*pluginrpc.Link, error) { return pluginrpc.NewPipeLink(c, pipe, o), nil }, nil
	}
	conn, err := dialLink(ctx, p, address)
	if err != nil {
		return nil, err
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd := -1
	control := raw.Control(func(of uintptr) { fd, err = unix.FcntlInt(of, unix.F_DUPFD_CLOEXEC, 0) })
	_ = conn.Close()
	if control != nil {
		return nil, control
	}
	if err != nil {
		return nil, err
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		return nil, err
	}
	return func(o pluginrpc.Owner) (*pluginrpc.Link, error) { return pluginrpc.NewSocketLink(c, fd, o) }, nil
}
