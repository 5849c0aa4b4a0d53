package pluginrpc

import (
	"os"
	"syscall"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// poll is level-triggered epoll.
type poll struct {
	bell
	epoll  int
	events [128]syscall.EpollEvent
}

func newPoll() (*poll, error) {
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	p := &poll{epoll: epoll}
	if err := p.bell.open(); err != nil {
		_ = syscall.Close(epoll)
		return nil, err
	}
	if err := p.add(p.bell.read, sdk.Readable); err != nil {
		_ = p.close()
		return nil, err
	}
	return p, nil
}

func (p *poll) add(fd int, i sdk.Interest) error {
	return p.control(syscall.EPOLL_CTL_ADD, fd, i)
}

func (p *poll) modify(fd int, _, i sdk.Interest) error {
	return p.control(syscall.EPOLL_CTL_MOD, fd, i)
}

func (p *poll) remove(fd int, _ sdk.Interest) {
	// It fails only for a descriptor that is closed already: then it is gone.
	_ = syscall.EpollCtl(p.epoll, syscall.EPOLL_CTL_DEL, fd, nil)
}

func (p *poll) control(op, fd int, i sdk.Interest) error {
	e := syscall.EpollEvent{Fd: int32(fd)}
	if i&sdk.Readable != 0 {
		e.Events |= syscall.EPOLLIN
	}
	if i&sdk.Writable != 0 {
		e.Events |= syscall.EPOLLOUT
	}
	if i == 0 {
		e.Events = syscall.EPOLLONESHOT // A hang-up is reported even so; once is enough.
	}
	return os.NewSyscallError("epoll_ctl", syscall.EpollCtl(p.epoll, op, fd, &e))
}

func (p *poll) wait(timeout time.Duration, ready []readiness) ([]readiness, error) {
	n, err := syscall.EpollWait(p.epoll, p.events[:], milliseconds(timeout))
	if err == syscall.EINTR {
		return ready, nil
	}
	if err != nil {
		return ready, os.NewSyscallError("epoll_wait", err)
	}
	for _, e := range p.events[:n] {
		if int(e.Fd) == p.bell.read {
			p.bell.silence()
			continue
		}
		r := readiness{fd: int(e.Fd), hungUp: e.Events&(syscall.EPOLLHUP|syscall.EPOLLERR) != 0}
		if e.Events&syscall.EPOLLIN != 0 {
			r.interest |= sdk.Readable
		}
		if e.Events&syscall.EPOLLOUT != 0 {
			r.interest |= sdk.Writable
		}
		ready = append(ready, r)
	}
	return ready, nil
}

func (p *poll) close() error {
	p.bell.close()
	return os.NewSyscallError("close", syscall.Close(p.epoll))
}

// milliseconds rounds a time-out up, so that a timer is due when the wait ends.
func milliseconds(timeout time.Duration) int {
	if timeout < 0 {
		return -1
	}
	return int((min(timeout, time.Hour) + time.Millisecond - 1) / time.Millisecond)
}
