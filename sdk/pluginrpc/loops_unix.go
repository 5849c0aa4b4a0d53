//go:build unix

package pluginrpc

import "github.com/pushcore/pushcore/sdk"

// AttachSocket begins a loop's link on a connected, non-blocking stream socket,
// from which Hello was read. The socket is the loop's from now on. table says that
// the runtime is to be told of the connections that there are.
func (h *Loops) AttachSocket(l sdk.Loop, fd int, table bool) (err error) {
	p := h.loops[l]
	p.do(func() {
		var s *Socket
		if s, err = NewSocket(fd, p.reactor, p.receive, p.lost); err == nil {
			p.attach(s, nil, table)
		}
	})
	return err
}
