package sockets

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// unsentBytes keeps the part of the kernel's buffer that is not sent yet small,
// so that a write comes back short before the kernel hides the jam.
const unsentBytes = 16 << 10

func prepare(fd int) {
	// A socket without these works, only less well; errors mean that it is gone.
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsentBytes)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
}

func accept(fd int) (int, unix.Sockaddr, error) {
	return unix.Accept4(fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
}

// The sockets are non-blocking and the loop's thread is its own, so reads and
// writes are raw system calls that do not tell the scheduler.

func readSocket(fd int32, b []byte) (int, unix.Errno) {
	n, _, err := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	return int(n), err
}

func writeSocket(fd int32, b []byte) (int, unix.Errno) {
	n, _, err := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	return int(n), err
}

func writevSocket(fd int32, v []unix.Iovec) (int, unix.Errno) {
	n, _, err := unix.RawSyscall(unix.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(v))), uintptr(len(v)))
	return int(n), err
}
