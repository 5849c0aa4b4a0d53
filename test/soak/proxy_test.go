package soak

import (
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"
)

// proxy stands between devices and a node: it keeps its address while the node's
// changes, and cuts connections.
type proxy struct {
	listener net.Listener
	wait     sync.WaitGroup

	mu     sync.Mutex // guards the rest
	target string
	conns  map[net.Conn]struct{} // the devices' ends
	closed bool
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, target: target, conns: map[net.Conn]struct{}{}}
	p.wait.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

func (p *proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.wait.Go(func() { p.serve(c) })
	}
}

func (p *proxy) serve(c net.Conn) {
	defer c.Close()
	p.mu.Lock()
	target := p.target
	if !p.closed {
		p.conns[c] = struct{}{}
	}
	p.mu.Unlock()
	defer p.forget(c)
	up, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(up, c)
		_ = up.Close()
	})
	_, _ = io.Copy(c, up)
	_ = c.Close()
	_ = up.Close()
	both.Wait()
}

func (p *proxy) forget(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

// point sends new connections to another address.
func (p *proxy) point(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

// cut ends about one connection in share.
func (p *proxy) cut(random *rand.Rand, share int) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		if random.IntN(share) == 0 {
			_ = c.Close()
			n++
		}
	}
	return n
}

func (p *proxy) close() {
	_ = p.listener.Close()
	p.mu.Lock()
	p.closed = true
	for c := range p.conns {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.wait.Wait()
}

// cutAtRandom cuts connections of proxies at random moments, some each second,
// until the function that it returns is called, which tells how many.
func cutAtRandom(t *testing.T, proxies ...*proxy) (stop func() int) {
	seed := rand.Uint64()
	t.Logf("cuts: seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	var wait sync.WaitGroup
	done := make(chan struct{})
	n := 0
	wait.Go(func() {
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
			}
			for _, p := range proxies {
				n += p.cut(random, 200)
			}
		}
	})
	var once sync.Once
	stop = func() int {
		once.Do(func() { close(done) })
		wait.Wait()
		return n
	}
	t.Cleanup(func() { stop() })
	return stop
}
