//go:build unix

package pluginrpc

// NewSocketLink begins a loop's link on a connected, non-blocking stream socket,
// which is its own from now on, also if it fails. It is called on the loop.
func NewSocketLink(c LinkConfig, fd int, o Owner) (*Link, error) {
	k := newLink(o, c.Incarnation)
	s, err := NewSocket(fd, o.Poller(), k.receive, k.broken)
	if err != nil {
		return nil, err
	}
	k.out = s
	s.send(AppendHello(nil, c.Token, c.Loop))
	s.flush()
	return k, nil
}
