//go:build unix && !linux

package sockets

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

func prepare(fd int) {
	// A socket without these works, only less well; errors mean that it is gone.
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
}

func accept(fd int) (int, unix.Sockaddr, error) {
	n, sa, err := unix.Accept(fd)
	if err != nil {
		return n, sa, err
	}
	unix.CloseOnExec(n)
	return n, sa, unix.SetNonblock(n, true)
}

func readSocket(fd int32, b []byte) (int, unix.Errno) {
	n, err := unix.Read(int(fd), b)
	return n, errno(err)
}

func writeSocket(fd int32, b []byte) (int, unix.Errno) {
	n, err := unix.Write(int(fd), b)
	return n, errno(err)
}

func writevSocket(fd int32, v []unix.Iovec) (int, unix.Errno) {
	total := 0
	for i := range v {
		n, err := writeSocket(fd, unsafe.Slice(v[i].Base, int(v[i].Len)))
		if err != 0 {
			if total > 0 {
				return total, 0
			}
			return n, err
		}
		if total += n; n < int(v[i].Len) {
			break
		}
	}
	return total, 0
}

func errno(err error) unix.Errno {
	var e unix.Errno
	if err != nil && !errors.As(err, &e) {
		return unix.EIO
	}
	return e
}
