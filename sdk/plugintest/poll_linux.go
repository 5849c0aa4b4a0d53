package plugintest

import (
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// poll is level-triggered epoll with a pipe that ends a wait.
type poll struct {
	epoll  int
	read   int
	events [64]syscall.EpollEvent

	mu    sync.Mutex // guards write, which is -1 when closed
	write int
}

// readiness is what the poll says of one descriptor.
type readiness struct {
	fd       int
	interest sdk.Interest
	hungUp   bool
}

func newPoll() (*poll, error) {
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	var pipe [2]int
	if err := syscall.Pipe2(pipe[:], syscall.O_NONBLOCK|syscall.O_CLOEXEC); err != nil {
		_ = syscall.Close(epoll)
		return nil, os.NewSyscallError("pipe2", err)
	}
	p := &poll{epoll: epoll, read: pipe[0], write: pipe[1]}
	if err := p.control(syscall.EPOLL_CTL_ADD, p.read, sdk.Readable); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *poll) add(fd int, i sdk.Interest) error    { return p.control(syscall.EPOLL_CTL_ADD, fd, i) }
func (p *poll) modify(fd int, i sdk.Interest) error { return p.control(syscall.EPOLL_CTL_MOD, fd, i) }

func (p *poll) remove(fd int) error {
	return os.NewSyscallError("epoll_ctl", syscall.EpollCtl(p.epoll, syscall.EPOLL_CTL_DEL, fd, nil))
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

func (p *poll) wait(timeout time.Duration) ([]readiness, error) {
	ms := -1
	if timeout >= 0 {
		ms = int((min(timeout, time.Hour) + time.Millisecond - 1) / time.Millisecond)
	}
	n, err := syscall.EpollWait(p.epoll, p.events[:], ms)
	if err == syscall.EINTR {
		return nil, nil
	}
	if err != nil {
		return nil, os.NewSyscallError("epoll_wait", err)
	}
	var ready []readiness
	for _, e := range p.events[:n] {
		if int(e.Fd) == p.read {
			p.silence()
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

// silence empties the pipe.
func (p *poll) silence() {
	var buffer [256]byte
	for {
		if n, err := syscall.Read(p.read, buffer[:]); n < len(buffer) || err != nil {
			return
		}
	}
}

func (p *poll) wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.write >= 0 {
		_, _ = syscall.Write(p.write, []byte{1}) // It fails only when the pipe is full, and then it has rung.
	}
}

func (p *poll) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, fd := range []int{p.write, p.read, p.epoll} {
		_ = syscall.Close(fd) // They hold nothing.
	}
	p.write = -1
}

// descriptors lists the process's open descriptors and what they are.
func descriptors() map[string]string {
	open := map[string]string{}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return open
	}
	for _, e := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			open[e.Name()] = target
		}
	}
	return open
}
