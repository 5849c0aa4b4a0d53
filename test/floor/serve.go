//go:build linux

package main

import (
	"encoding/binary"
	"net"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

type econn struct {
	fd   int
	room uint32
	uid  uint32
	in   []byte
	out  []byte // left over from a short write
	pub  bool
}

// runEpoll: one thread, level-triggered epoll, raw write(2) (no netpoller, no scheduler calls).
func runEpoll() error {
	runtime.LockOSThread()
	a, err := net.ResolveTCPAddr("tcp4", *addr)
	if err != nil {
		return err
	}
	lfd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return err
	}
	// Options of a socket that was just made do not fail.
	_ = unix.SetsockoptInt(lfd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	sa := &unix.SockaddrInet4{Port: a.Port}
	copy(sa.Addr[:], a.IP.To4())
	if err = unix.Bind(lfd, sa); err != nil {
		return err
	}
	if err = unix.Listen(lfd, 4096); err != nil {
		return err
	}
	ep, _ := unix.EpollCreate1(0)
	_ = unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, lfd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(lfd)})
	byfd := make([]*econn, 21000)
	rooms := map[uint32][]*econn{}
	users := map[uint32]*econn{}
	buf := make([]byte, 256<<10)
	var joined []byte
	var joinedRoom uint32
	njoined := 0
	write := func(c *econn, b []byte) {
		if len(c.out) > 0 {
			c.out = append(c.out, b...)
			return
		}
		var n uintptr
		var e syscall.Errno
		if *writev && len(b) > 5 {
			iov := [2]syscall.Iovec{{Base: &b[0], Len: 5}, {Base: &b[5], Len: uint64(len(b) - 5)}}
			n, _, e = syscall.RawSyscall(syscall.SYS_WRITEV, uintptr(c.fd), uintptr(unsafe.Pointer(&iov[0])), 2)
		} else {
			n, _, e = syscall.RawSyscall(syscall.SYS_WRITE, uintptr(c.fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
		}
		if e != 0 {
			n = 0
			if e != syscall.EAGAIN {
				return
			}
		}
		if int(n) < len(b) {
			c.out = append(c.out, b[n:]...)
			_ = unix.EpollCtl(ep, unix.EPOLL_CTL_MOD, c.fd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLOUT, Fd: int32(c.fd)})
		}
	}
	flush := func() {
		if njoined > 0 {
			for _, c := range rooms[joinedRoom] {
				write(c, joined)
			}
			joined, njoined = joined[:0], 0
		}
	}
	var one []byte
	ev := make([]unix.EpollEvent, 1024)
	for {
		n, err := unix.EpollWait(ep, ev, -1)
		if err != nil && err != unix.EINTR {
			return err
		}
		for i := 0; i < n; i++ {
			fd := int(ev[i].Fd)
			if fd == lfd {
				for {
					cfd, _, err := unix.Accept4(lfd, unix.SOCK_NONBLOCK)
					if err != nil {
						break
					}
					_ = unix.SetsockoptInt(cfd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
					if *cc != "" {
						_ = unix.SetsockoptString(cfd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, *cc)
					}
					byfd[cfd] = &econn{fd: cfd}
					_ = unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, cfd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(cfd)})
				}
				continue
			}
			c := byfd[fd]
			if ev[i].Events&unix.EPOLLOUT != 0 && len(c.out) > 0 {
				if w, _ := unix.Write(fd, c.out); w > 0 {
					c.out = c.out[:copy(c.out, c.out[w:])]
				}
				if len(c.out) == 0 {
					_ = unix.EpollCtl(ep, unix.EPOLL_CTL_MOD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
				}
			}
			if ev[i].Events&(unix.EPOLLIN|unix.EPOLLHUP|unix.EPOLLERR) == 0 {
				continue
			}
			k := copy(buf, c.in)
			r, err := unix.Read(fd, buf[k:])
			if err == unix.EAGAIN {
				continue
			}
			if r <= 0 {
				unix.Close(fd)
				byfd[fd] = nil
				if !c.pub {
					m := rooms[c.room]
					for j := range m {
						if m[j] == c {
							m[j] = m[len(m)-1]
							rooms[c.room] = m[:len(m)-1]
							break
						}
					}
					delete(users, c.uid)
				}
				continue
			}
			b := buf[:k+r]
			for len(b) >= 5 {
				l := int(binary.BigEndian.Uint32(b)) + 4
				if len(b) < l {
					break
				}
				id := binary.BigEndian.Uint32(b[5:])
				switch b[4] {
				case 1:
					c.uid, c.room = id, binary.BigEndian.Uint32(b[9:])
					rooms[c.room] = append(rooms[c.room], c)
					users[id] = c
					write(c, []byte{0, 0, 0, 1, 2})
				case 3:
					c.pub = true
					if njoined > 0 && joinedRoom != id {
						flush()
					}
					joined, joinedRoom = pushFrame(joined, b[9:l]), id
					if njoined++; njoined >= *coalesce {
						flush()
					}
				case 4:
					c.pub = true
					if u := users[id]; u != nil {
						one = pushFrame(one[:0], b[9:l])
						write(u, one)
					}
				}
				b = b[l:]
			}
			flush()
			c.in = append(c.in[:0], b...)
		}
	}
}
