// Package dial opens connections to brokers that can all be cut at once: the calls
// of brokers' libraries do not all end with a context, but all end with their
// connection.
package dial

import (
	"context"
	"net"
	"sync"
	"time"
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

// cutBefore is how long before a deadline connections are cut.
const cutBefore = 50 * time.Millisecond

// Await waits until all that uses the connections has ended. Shortly before the
// deadline it cuts them, after which all ends at once; then it returns false.
func (d *Dialer) Await(running *sync.WaitGroup, deadline time.Time) bool {
	ended := make(chan struct{})
	go func() { running.Wait(); close(ended) }()
	cut := time.NewTimer(time.Until(deadline) - cutBefore)
	defer cut.Stop()
	select {
	case <-ended:
		return true
	case <-cut.C:
		d.Cut()
		<-ended
		return false
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
