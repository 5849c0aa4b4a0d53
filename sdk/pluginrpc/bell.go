//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package pluginrpc

import (
	"os"
	"sync"
	"syscall"
)

// bell is a pipe that ends a wait. ring may be called from any goroutine.
type bell struct {
	read int

	mu    sync.Mutex // guards write, which is 0 when closed
	write int
}

func (b *bell) open() error {
	var pipe [2]int
	if err := syscall.Pipe(pipe[:]); err != nil {
		return os.NewSyscallError("pipe", err)
	}
	b.read, b.write = pipe[0], pipe[1]
	for _, fd := range pipe {
		syscall.CloseOnExec(fd)
		if err := syscall.SetNonblock(fd, true); err != nil {
			b.close()
			return os.NewSyscallError("fcntl", err)
		}
	}
	return nil
}

func (b *bell) wake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.write != 0 {
		// It fails only when the pipe is full, and then it has rung.
		_, _ = syscall.Write(b.write, []byte{1})
	}
}

func (b *bell) silence() {
	var buffer [64]byte
	for {
		if n, err := syscall.Read(b.read, buffer[:]); n < len(buffer) || err != nil {
			return
		}
	}
}

func (b *bell) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	_ = syscall.Close(b.write)
	_ = syscall.Close(b.read)
	b.write = 0
}
