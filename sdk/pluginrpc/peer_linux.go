package pluginrpc

import (
	"fmt"
	"net"
	"os"
	"syscall"
)

// CheckPeer returns an error unless the process at the other end of a unix socket
// runs as the same user as this one.
func CheckPeer(c *net.UnixConn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var peer *syscall.Ucred
	var asked error
	if err := raw.Control(func(fd uintptr) {
		peer, asked = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	}); err != nil {
		return err
	}
	if asked != nil {
		return os.NewSyscallError("getsockopt", asked)
	}
	if own := os.Geteuid(); int(peer.Uid) != own {
		return fmt.Errorf("the process at the other end of the socket runs as user %d, this one as %d", peer.Uid, own)
	}
	return nil
}
