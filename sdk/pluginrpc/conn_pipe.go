package pluginrpc

import (
	"errors"
	"net"
	"sync"
)

// connPipe is a Pipe on a stream socket.
type connPipe struct {
	conn net.Conn
	once sync.Once

	in    []byte // Recv's
	taken int    // bytes of in that were returned
}

// NewConnPipe makes a pipe of a stream socket, which is its own from now on.
func NewConnPipe(c net.Conn) Pipe { return &connPipe{conn: c} }

// Send implements Pipe.
func (p *connPipe) Send(records []byte) error {
	_, err := p.conn.Write(records)
	return err
}

// Recv implements Pipe.
func (p *connPipe) Recv() ([]byte, error) {
	p.in = p.in[:copy(p.in, p.in[p.taken:])]
	p.taken = 0
	for {
		n, err := wholeRecords(p.in)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			p.taken = n
			return p.in[:n], nil
		}
		if err := p.read(); err != nil {
			return nil, err
		}
	}
}

// read takes more off the socket: at least the rest of the record at the front.
func (p *connPipe) read() error {
	want := inKeep / 4
	if need, err := missing(p.in); err == nil {
		want = max(want, need)
	}
	if cap(p.in)-len(p.in) < want {
		grown := make([]byte, len(p.in), len(p.in)+want)
		copy(grown, p.in)
		p.in = grown
	}
	n, err := p.conn.Read(p.in[len(p.in):cap(p.in)])
	p.in = p.in[:len(p.in)+n]
	if n > 0 {
		return nil
	}
	return err
}

// Close implements Pipe.
func (p *connPipe) Close() (err error) {
	p.once.Do(func() { err = p.conn.Close() })
	return err
}

// wholeRecords is the length of the whole records at the front of b.
func wholeRecords(b []byte) (int, error) {
	for rest := b; ; {
		_, next, err := Next(rest)
		if errors.Is(err, ErrShort) {
			return len(b) - len(rest), nil
		}
		if err != nil {
			return 0, err
		}
		rest = next
	}
}

// missing is how many bytes the record at the front lacks.
func missing(b []byte) (int, error) {
	_, _, err := Next(b)
	if !errors.Is(err, ErrShort) || len(b) < HeaderSize {
		return 0, err
	}
	return recordLength(b) - len(b), nil
}
