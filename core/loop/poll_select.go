//go:build unix

package loop

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pushcore/pushcore/sdk"
)

// selectPoller is poll(2) with a pipe for wake-ups, for systems without epoll. A
// wait costs a look at each descriptor, so it is for development, not for many
// connections. It is compiled and tested on Linux too.
type selectPoller struct {
	bellRead, bellWrite int
	readyMax            int
	start               int // where the next harvest begins, so that no descriptor starves

	// Entry 0 is the bell. A negative descriptor is ignored by poll(2): one with
	// interest 0 whose hang-up was reported.
	fds         []unix.PollFd
	generations []uint32    // by place in fds
	place       map[int]int // by descriptor
}

func newSelectPoller(readyMax int) (poller, error) {
	var pipe [2]int
	if err := unix.Pipe(pipe[:]); err != nil {
		return nil, os.NewSyscallError("pipe", err)
	}
	p := &selectPoller{bellRead: pipe[0], bellWrite: pipe[1], readyMax: readyMax, place: map[int]int{}}
	for _, fd := range pipe {
		unix.CloseOnExec(fd)
		if err := unix.SetNonblock(fd, true); err != nil {
			_ = p.close()
			return nil, os.NewSyscallError("fcntl", err)
		}
	}
	p.fds = append(p.fds, unix.PollFd{Fd: int32(p.bellRead), Events: unix.POLLIN})
	p.generations = append(p.generations, 0)
	return p, nil
}

func (p *selectPoller) add(fd int, i sdk.Interest, generation uint32) error {
	if _, ok := p.place[fd]; ok {
		return fmt.Errorf("watch descriptor %d: %w", fd, os.NewSyscallError("poll", unix.EEXIST))
	}
	p.place[fd] = len(p.fds)
	p.fds = append(p.fds, unix.PollFd{Fd: int32(fd), Events: pollEvents(i)})
	p.generations = append(p.generations, generation)
	return nil
}

func (p *selectPoller) modify(fd int, i sdk.Interest, generation uint32) error {
	k, ok := p.place[fd]
	if !ok {
		return fmt.Errorf("watch descriptor %d: %w", fd, os.NewSyscallError("poll", unix.ENOENT))
	}
	p.fds[k] = unix.PollFd{Fd: int32(fd), Events: pollEvents(i)}
	p.generations[k] = generation
	return nil
}

func (p *selectPoller) remove(fd int) {
	k, ok := p.place[fd]
	if !ok {
		return
	}
	last := len(p.fds) - 1
	moved := int(p.fds[last].Fd)
	if moved < 0 {
		moved = ^moved
	}
	p.fds[k], p.generations[k] = p.fds[last], p.generations[last]
	p.place[moved] = k
	p.fds, p.generations = p.fds[:last], p.generations[:last]
	delete(p.place, fd)
}

func (p *selectPoller) wait(timeout time.Duration, ready []readiness) ([]readiness, error) {
	n, err := unix.Poll(p.fds, milliseconds(timeout))
	if err == unix.EINTR {
		return ready, nil
	}
	if err != nil {
		return ready, os.NewSyscallError("poll", err)
	}
	if n > 0 && p.fds[0].Revents != 0 {
		p.silence()
	}
	room := p.readyMax
	for k := range p.fds {
		if room == 0 {
			p.start += k
			break
		}
		at := (p.start + k) % len(p.fds)
		if at != 0 && p.fds[at].Revents != 0 {
			ready = append(ready, p.harvest(at))
			room--
		}
	}
	return ready, nil
}

func (p *selectPoller) harvest(k int) readiness {
	e := &p.fds[k]
	r := readiness{fd: e.Fd, generation: p.generations[k]}
	if e.Revents&unix.POLLIN != 0 {
		r.interest |= sdk.Readable
	}
	if e.Revents&unix.POLLOUT != 0 {
		r.interest |= sdk.Writable
	}
	r.hungUp = e.Revents&(unix.POLLHUP|unix.POLLERR|unix.POLLNVAL) != 0
	if e.Events == 0 {
		e.Fd = ^e.Fd
	}
	return r
}

// silence empties the bell's pipe.
func (p *selectPoller) silence() {
	var b [64]byte
	for {
		if n, err := unix.Read(p.bellRead, b[:]); n < len(b) || err != nil {
			return
		}
	}
}

func (p *selectPoller) wake() {
	// It fails only when the pipe is full, and then it has rung.
	_, _ = unix.Write(p.bellWrite, []byte{1})
}

func (p *selectPoller) close() error {
	_ = unix.Close(p.bellWrite)
	return os.NewSyscallError("close", unix.Close(p.bellRead))
}

func pollEvents(i sdk.Interest) int16 {
	var e int16
	if i&sdk.Readable != 0 {
		e |= unix.POLLIN
	}
	if i&sdk.Writable != 0 {
		e |= unix.POLLOUT
	}
	return e
}
