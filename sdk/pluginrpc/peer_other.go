//go:build !linux

package pluginrpc

import "net"

// CheckPeer returns an error unless the process at the other end of a unix socket
// runs as the same user as this one. Here the private directory of the socket has
// to do.
func CheckPeer(*net.UnixConn) error { return nil }
