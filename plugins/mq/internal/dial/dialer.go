// Package dial opens connections to brokers that can all be cut at once: the calls
// of brokers' libraries do not all end with a context, but all end with their
// connection.
package dial

import (
	"context"
	"net"
	"sync"
)

// Dialer opens connections. Its methods may be called from any goroutine.
type Dialer struct {
	ctx    context.Context // ends with Cut
	cancel context.CancelFunc

	mu    sync.Mutex // guards conns
	conns map[*conn]struct{}
}

// New returns a dialer that is not cut.
func New() *Dialer {
	d := &Dialer{conns: make(map[*conn]struct{})}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	return d
}

// Context ends with Cut.
func (d *Dialer) Context() context.Context { return d.ctx }

// Dial opens a connection.
func (d *Dialer) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(d.ctx, cancel)()
	opened, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ctx.Err() != nil {
		opened.Close()
		return nil, net.ErrClosed
	}
	c := &conn{Conn: opened, dialer: d}
	d.conns[c] = struct{}{}
	return c, nil
}

// Cut closes all connections, for ever.
func (d *Dialer) Cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cancel()
	for c := range d.conns {
		c.Conn.Close()
	}
}

type conn struct {
	net.Conn
	dialer *Dialer
}

func (c *conn) Close() error {
	c.dialer.mu.Lock()
	delete(c.dialer.conns, c)
	c.dialer.mu.Unlock()
	return c.Conn.Close()
}
