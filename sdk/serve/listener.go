package serve

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"

	"github.com/pushcore/pushcore/sdk/pluginrpc"
)

// listener accepts runtimes on the control socket and counts those that are here.
type listener struct {
	*net.UnixListener
	presence *presence
	log      *slog.Logger
}

// listen binds the control socket in the directory that the runtime has made for
// this process alone.
func listen(dir string, p *presence, log *slog.Logger) (*listener, error) {
	if dir == "" {
		return nil, fmt.Errorf("%s is not set: which directory is the socket to be in?", pluginrpc.SocketDirKey)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "control"), Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listen for the runtime: %w", err)
	}
	if err := os.Chmod(l.Addr().String(), 0o600); err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("listen for the runtime: %w", err)
	}
	return &listener{UnixListener: l, presence: p, log: log}, nil
}

// Accept implements net.Listener: other users' processes are turned away.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		if err := pluginrpc.CheckPeer(c); err != nil {
			l.log.Warn("a connection to the control socket was refused", "error", err)
			_ = c.Close()
			continue
		}
		l.presence.arrive()
		return &runtimeConn{UnixConn: c, presence: l.presence}, nil
	}
}

// runtimeConn is a runtime's connection, which leaves once.
type runtimeConn struct {
	*net.UnixConn
	presence *presence
	left     sync.Once
}

// Close implements net.Conn.
func (c *runtimeConn) Close() error {
	c.left.Do(c.presence.leave)
	return c.UnixConn.Close()
}
