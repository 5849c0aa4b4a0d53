//go:build unix

package pluginrpc

import (
	"fmt"
	"os"
	"syscall"

	"github.com/pushcore/pushcore/sdk"
)

// NewSocketTransport puts a transport behind its records, which go through a
// socket: as between two processes.
func NewSocketTransport(plugin sdk.Transport) *Transport {
	return &Transport{plugin: plugin, open: newSocketPairLink}
}

// newSocketPairLink makes a link over a pair of sockets.
func newSocketPairLink(h sdk.Host, l sdk.Loop, there *Loops) (*innerLink, error) {
	pair, err := socketPair()
	if err != nil {
		return nil, fmt.Errorf("open a link: %w", err)
	}
	k := &innerLink{host: h, loop: l}
	c := LinkConfig{Loop: l, Token: make([]byte, TokenSize)}
	done := make(chan error)
	h.Poller(l).Do(&onLoop{f: func() {
		k.Link, err = NewSocketLink(c, pair[0], k)
		go func() { done <- err }()
	}, done: make(chan struct{})})
	if err := <-done; err != nil {
		_ = syscall.Close(pair[1])
		return nil, err
	}
	if err := readHello(blockingReader(pair[1]), c); err != nil {
		_ = syscall.Close(pair[1])
		return nil, err
	}
	return k, there.AttachSocket(l, pair[1], false)
}

func socketPair() (pair [2]int, err error) {
	if pair, err = syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0); err != nil {
		return pair, os.NewSyscallError("socketpair", err)
	}
	for _, fd := range pair {
		syscall.CloseOnExec(fd)
		if err := syscall.SetNonblock(fd, true); err != nil {
			return pair, os.NewSyscallError("fcntl", err)
		}
	}
	return pair, nil
}

// blockingReader reads a descriptor to which what is read was written before.
type blockingReader int

// Read implements io.Reader.
func (r blockingReader) Read(b []byte) (int, error) { return syscall.Read(int(r), b) }
