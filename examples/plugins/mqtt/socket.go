package mqtt

import (
	"net"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// backlog is how many connections the kernel may hold for a listening socket.
const backlog = 1024

// bind opens a listening socket for each loop, all on one port: the kernel spreads
// connections over them.
func bind(address string, loops int) (fds []int, bound netip.AddrPort, err error) {
	if bound, err = netip.ParseAddrPort(address); err != nil {
		return nil, bound, err
	}
	if err := vacant(bound); err != nil {
		return nil, bound, err
	}
	for range loops {
		var fd int
		if fd, bound, err = listenSocket(bound); err != nil {
			for i := range fds {
				closeListener(fds, i)
			}
			return nil, bound, err
		}
		fds = append(fds, fd)
	}
	return fds, bound, nil
}

// vacant says whether nobody else listens on an address: sockets that share their
// port would as silently share it with another process.
func vacant(address netip.AddrPort) error {
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
	var family int
	var name unix.Sockaddr
	if address.Addr().Is4() {
		family, name = unix.AF_INET, &unix.SockaddrInet4{Port: int(address.Port()), Addr: address.Addr().As4()}
	} else {
		family, name = unix.AF_INET6, &unix.SockaddrInet6{Port: int(address.Port()), Addr: address.Addr().As16()}
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM, 0)
	if err != nil {
		return -1, address, os.NewSyscallError("socket", err)
	}
	unix.CloseOnExec(fd)
	if err := openListener(fd, name); err != nil {
		_ = unix.Close(fd) // The error that matters is the one we have.
		return -1, address, err
	}
	if name, err = unix.Getsockname(fd); err != nil {
		_ = unix.Close(fd) // As above.
		return -1, address, os.NewSyscallError("getsockname", err)
	}
	return fd, addrPort(name), nil
}

func openListener(fd int, name unix.Sockaddr) error {
	for _, option := range []int{unix.SO_REUSEADDR, unix.SO_REUSEPORT} {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, 1); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	if err := unix.Bind(fd, name); err != nil {
		return os.NewSyscallError("bind", err)
	}
	return os.NewSyscallError("listen", unix.Listen(fd, backlog))
}

func addrPort(name unix.Sockaddr) netip.AddrPort {
	switch name := name.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(name.Addr), uint16(name.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(name.Addr).Unmap(), uint16(name.Port))
	}
	return netip.AddrPort{}
}

func closeListener(fds []int, loop int) {
	if fds[loop] >= 0 {
		_ = unix.Close(fds[loop]) // A listening socket has nothing to lose.
		fds[loop] = -1
	}
}

// accept takes a connection off a listening socket and prepares it.
func accept(listener int) (fd int, peer netip.AddrPort, err error) {
	fd, name, err := unix.Accept(listener)
	if err != nil {
		return -1, peer, err
	}
	unix.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd) // It is not ours yet.
		return -1, peer, unix.ECONNABORTED
	}
	// A socket without these works, only less well.
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
	return fd, addrPort(name), nil
}
