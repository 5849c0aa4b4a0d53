//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package pluginrpc

import (
	"os"
	"syscall"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// poll is kqueue, with a filter for each direction. Who does not want to read has
// an edge-triggered read filter all the same, for the hang-up.
type poll struct {
	bell
	queue  int
	events [128]syscall.Kevent_t
}

func newPoll() (*poll, error) {
	queue, err := syscall.Kqueue()
	if err != nil {
		return nil, os.NewSyscallError("kqueue", err)
	}
	syscall.CloseOnExec(queue)
	p := &poll{queue: queue}
	if err := p.bell.open(); err != nil {
		_ = syscall.Close(queue)
		return nil, err
	}
	if err := p.add(p.bell.read, sdk.Readable); err != nil {
		_ = p.close()
		return nil, err
	}
	return p, nil
}

func (p *poll) add(fd int, i sdk.Interest) error { return p.modify(fd, 0, i) }

func (p *poll) modify(fd int, old, i sdk.Interest) error {
	if err := p.readFilter(fd, i&sdk.Readable != 0); err != nil {
		return err
	}
	switch {
	case i&sdk.Writable != 0:
		return p.change(fd, syscall.EVFILT_WRITE, syscall.EV_ADD)
	case old&sdk.Writable != 0:
		return p.change(fd, syscall.EVFILT_WRITE, syscall.EV_DELETE)
	}
	return nil
}

// readFilter puts the read filter in anew: adding does not change its trigger.
func (p *poll) readFilter(fd int, level bool) error {
	_ = p.change(fd, syscall.EVFILT_READ, syscall.EV_DELETE)
	if level {
		return p.change(fd, syscall.EVFILT_READ, syscall.EV_ADD)
	}
	return p.change(fd, syscall.EVFILT_READ, syscall.EV_ADD|syscall.EV_CLEAR)
}

func (p *poll) remove(fd int, i sdk.Interest) {
	// It fails only for a descriptor that is closed already: then it is gone.
	_ = p.change(fd, syscall.EVFILT_READ, syscall.EV_DELETE)
	if i&sdk.Writable != 0 {
		_ = p.change(fd, syscall.EVFILT_WRITE, syscall.EV_DELETE)
	}
}

func (p *poll) change(fd, filter, flags int) error {
	var changes [1]syscall.Kevent_t
	syscall.SetKevent(&changes[0], fd, filter, flags)
	_, err := syscall.Kevent(p.queue, changes[:], nil, nil)
	return os.NewSyscallError("kevent", err)
}

func (p *poll) wait(timeout time.Duration, ready []readiness) ([]readiness, error) {
	var limit *syscall.Timespec
	if timeout >= 0 {
		t := syscall.NsecToTimespec(int64(timeout))
		limit = &t
	}
	n, err := syscall.Kevent(p.queue, nil, p.events[:], limit)
	if err == syscall.EINTR {
		return ready, nil
	}
	if err != nil {
		return ready, os.NewSyscallError("kevent", err)
	}
	for k := range p.events[:n] {
		e := &p.events[k]
		if int(e.Ident) == p.bell.read {
			p.bell.silence()
			continue
		}
		r := readiness{fd: int(e.Ident), interest: sdk.Readable, hungUp: e.Flags&syscall.EV_EOF != 0}
		if e.Filter == syscall.EVFILT_WRITE {
			r.interest = sdk.Writable
		}
		ready = append(ready, r)
	}
	return ready, nil
}

func (p *poll) close() error {
	p.bell.close()
	return os.NewSyscallError("close", syscall.Close(p.queue))
}
