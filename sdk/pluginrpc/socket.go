//go:build unix

package pluginrpc

import (
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/pushcore/pushcore/sdk"
)

const (
	// readMax is how much is read from a link in one turn: a flood of records
	// costs its sender time, not the other connections of the loop.
	readMax = 1 << 20
	// inKeep is the size of the read buffer that is kept between turns, outKeep
	// that of the write buffer.
	inKeep  = 256 << 10
	outKeep = 256 << 10
)

// Socket carries records over a stream socket between two processes. It belongs
// to one loop, whose poller watches it: all methods are that loop's.
type Socket struct {
	fd     int
	poller sdk.Poller

	// receive takes whole records off the front and returns how many bytes it
	// took. ended is told once why the link is of no use any more; nothing is
	// received after it.
	receive func([]byte) (taken int, err error)
	ended   func(error)

	in, out  []byte // what is not taken yet, what is not written yet
	written  int    // bytes of out that are
	interest sdk.Interest
	closed   bool
}

// NewSocket watches a connected, non-blocking stream socket, which is its own
// from now on, also if it fails.
func NewSocket(fd int, p sdk.Poller, receive func([]byte) (int, error), ended func(error)) (*Socket, error) {
	s := &Socket{fd: fd, poller: p, receive: receive, ended: ended, interest: sdk.Readable}
	if err := p.Watch(fd, s.interest, s); err != nil {
		_ = syscall.Close(fd)
		return nil, fmt.Errorf("watch the link: %w", err)
	}
	return s, nil
}

// send appends records; flush writes them.
func (s *Socket) send(records []byte) {
	if !s.closed {
		s.out = append(s.out, records...)
	}
}

// waiting is what the socket has not taken yet, in bytes.
func (s *Socket) waiting() int { return len(s.out) - s.written }

// flush writes what there is, as far as the socket takes it.
func (s *Socket) flush() {
	for !s.closed && s.written < len(s.out) {
		n, err := syscall.Write(s.fd, s.out[s.written:])
		switch {
		case n > 0:
			s.written += n
		case err == syscall.EINTR:
		case err == syscall.EAGAIN:
			s.watch(sdk.Readable | sdk.Writable)
			return
		default:
			s.end(os.NewSyscallError("write", err))
			return
		}
	}
	s.written = 0
	if s.out = s.out[:0]; cap(s.out) > outKeep {
		s.out = nil
	}
	s.watch(sdk.Readable)
}

func (s *Socket) watch(i sdk.Interest) {
	if s.closed || i == s.interest {
		return
	}
	s.interest = i
	if err := s.poller.Rewatch(s.fd, i); err != nil {
		s.end(err)
	}
}

// Ready implements sdk.Watcher.
func (s *Socket) Ready(_ sdk.Loop, i sdk.Interest) {
	if i&sdk.Writable != 0 {
		s.flush()
	}
	if i&sdk.Readable != 0 {
		s.read()
	}
}

// drain takes what has come.
func (s *Socket) drain() { s.read() }

// read takes what has come, up to readMax; the rest is reported again next turn.
func (s *Socket) read() {
	for total := 0; total < readMax && !s.closed; {
		s.reserve()
		free := s.in[len(s.in):cap(s.in)]
		n, err := syscall.Read(s.fd, free)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			return
		case err != nil:
			s.end(os.NewSyscallError("read", err))
			return
		case n == 0:
			s.end(io.EOF)
			return
		}
		s.in = s.in[:len(s.in)+n]
		total += n
		if err := s.take(); err != nil {
			s.end(err)
			return
		}
		if n < len(free) {
			return // All there was; the poller tells of more.
		}
	}
}

// take hands over what is whole and keeps the rest.
func (s *Socket) take() error {
	n, err := s.receive(s.in)
	if err != nil || s.closed {
		return err
	}
	rest := copy(s.in, s.in[n:])
	s.in = s.in[:rest]
	if rest == 0 && cap(s.in) > inKeep {
		s.in = nil
	}
	return nil
}

// reserve makes room to read: for the rest of a record that has begun, and for
// some more.
func (s *Socket) reserve() {
	want := inKeep / 4
	if need, err := missing(s.in); err == nil {
		want = max(want, need)
	}
	if cap(s.in)-len(s.in) >= want {
		return
	}
	grown := make([]byte, len(s.in), max(len(s.in)+want, inKeep))
	copy(grown, s.in)
	s.in = grown
}

// end tells why nothing follows.
func (s *Socket) end(err error) {
	if !s.closed {
		s.close()
		s.ended(err)
	}
}

// close forgets and closes the socket; nothing is told.
func (s *Socket) close() {
	if s.closed {
		return
	}
	s.closed = true
	s.poller.Forget(s.fd)
	_ = syscall.Close(s.fd)
	s.in, s.out = nil, nil
}
