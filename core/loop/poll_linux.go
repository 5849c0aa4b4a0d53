package loop

import (
	"fmt"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/pushcore/pushcore/sdk"
)

// epollPoller is level-triggered epoll with an eventfd for wake-ups.
type epollPoller struct {
	epoll  int
	bell   int // the eventfd; edge-triggered, so that it need not be read
	events []unix.EpollEvent
}

func newPoller(readyMax int) (poller, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	bell, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		_ = unix.Close(epoll)
		return nil, os.NewSyscallError("eventfd", err)
	}
	p := &epollPoller{epoll: epoll, bell: bell, events: make([]unix.EpollEvent, readyMax+1)}
	err = unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, bell, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(bell)})
	if err != nil {
		_ = p.close()
		return nil, os.NewSyscallError("epoll_ctl", err)
	}
	return p, nil
}

func (p *epollPoller) add(fd int, i sdk.Interest, generation uint32) error {
	return p.control(unix.EPOLL_CTL_ADD, fd, i, generation)
}

func (p *epollPoller) modify(fd int, i sdk.Interest, generation uint32) error {
	return p.control(unix.EPOLL_CTL_MOD, fd, i, generation)
}

func (p *epollPoller) remove(fd int) {
	// It fails only for a descriptor that is closed already: then it is gone.
	_ = unix.EpollCtl(p.epoll, unix.EPOLL_CTL_DEL, fd, nil)
}

func (p *epollPoller) control(op, fd int, i sdk.Interest, generation uint32) error {
	event := unix.EpollEvent{Fd: int32(fd), Pad: int32(generation)}
	if i&sdk.Readable != 0 {
		event.Events |= unix.EPOLLIN
	}
	if i&sdk.Writable != 0 {
		event.Events |= unix.EPOLLOUT
	}
	if i == 0 {
		// epoll reports a hang-up even so, each time; once is enough for who
		// has stopped reading on purpose.
		event.Events = unix.EPOLLONESHOT
	}
	if err := unix.EpollCtl(p.epoll, op, fd, &event); err != nil {
		return fmt.Errorf("watch descriptor %d: %w", fd, os.NewSyscallError("epoll_ctl", err))
	}
	return nil
}

func (p *epollPoller) wait(timeout time.Duration, ready []readiness) ([]readiness, error) {
	n, err := p.collect(timeout)
	if err == unix.EINTR {
		return ready, nil
	}
	if err != nil {
		return ready, os.NewSyscallError("epoll_wait", err)
	}
	for k := range p.events[:n] {
		e := &p.events[k]
		if int(e.Fd) == p.bell {
			continue
		}
		r := readiness{fd: e.Fd, generation: uint32(e.Pad)}
		if e.Events&unix.EPOLLIN != 0 {
			r.interest |= sdk.Readable
		}
		if e.Events&unix.EPOLLOUT != 0 {
			r.interest |= sdk.Writable
		}
		r.hungUp = e.Events&(unix.EPOLLHUP|unix.EPOLLERR) != 0
		ready = append(ready, r)
	}
	return ready, nil
}

// collect looks with a raw system call and waits with an ordinary one: the raw
// one does not tell the scheduler, which is right for a look and wrong for a
// sleep, as a sleeping loop must give its P away.
func (p *epollPoller) collect(timeout time.Duration) (int, error) {
	if timeout != 0 {
		return unix.EpollWait(p.epoll, p.events, milliseconds(timeout))
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.epoll),
		uintptr(unsafe.Pointer(&p.events[0])), uintptr(len(p.events)), 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

func (p *epollPoller) wake() {
	one := [8]byte{1} // any value but 0 rings, in either byte order
	// It fails only when the counter is full, and then it has rung.
	_, _ = unix.Write(p.bell, one[:])
}

func (p *epollPoller) close() error {
	_ = unix.Close(p.bell)
	return os.NewSyscallError("close", unix.Close(p.epoll))
}
