package pluginrpc

import (
	"errors"
	"sync"
)

// Pipe carries records where goroutines wait for them: in a gRPC stream, or for
// the one link of an MQ plugin. Send and Recv are called by one goroutine each.
type Pipe interface {
	// Send takes whole records; it may block, and does not keep the slice.
	Send(records []byte) error
	// Recv returns one record or more, whole, valid until the next call.
	Recv() ([]byte, error)
	// Close ends both, also calls under way. It may be called from any goroutine,
	// and more than once.
	Close() error
}

const (
	// pipeChunk is about how much goes in one Send.
	pipeChunk = 1 << 20
	// pipeMax bounds what was received and is not taken, in bytes: beyond it
	// nothing more is received until it is.
	pipeMax = 4 << 20
)

// pump moves records between two streams and a pipe, with a goroutine each way.
type pump struct {
	pipe Pipe
	in   *stream       // pipe → its taker
	out  *stream       // whoever puts → pipe
	wake chan struct{} // capacity 1: something is in out, or it is closed
	gone chan struct{} // closed by the first of the goroutines that ends
	once sync.Once
	wait sync.WaitGroup

	ended func(error) // told once why nothing follows, on the reading goroutine
}

// newPump makes a pump, which start sets going. arrived is called when something
// has come into an empty in; ended once, when the pipe has ended.
func newPump(p Pipe, arrived func(), ended func(error)) *pump {
	m := &pump{pipe: p, wake: make(chan struct{}, 1), gone: make(chan struct{}), ended: ended}
	m.in = &stream{wake: arrived, room: make(chan struct{}, 1)}
	m.out = &stream{wake: func() { signal(m.wake) }}
	return m
}

func (m *pump) start() {
	m.wait.Go(m.write)
	m.wait.Go(m.read)
}

func (m *pump) write() {
	defer m.end()
	var taken []byte
	for {
		select {
		case <-m.wake:
		case <-m.gone:
			return
		}
		taken = m.out.take(taken)
		for rest := taken; len(rest) > 0; {
			n := chunkOf(rest)
			if m.pipe.Send(rest[:n]) != nil {
				return // Recv says why.
			}
			rest = rest[n:]
		}
		if m.out.isClosed() && m.out.length() == 0 {
			return
		}
	}
}

// chunkOf is the length of the whole records at the front of b that go together.
func chunkOf(b []byte) int {
	n := recordLength(b)
	for n < len(b) {
		next := recordLength(b[n:])
		if n+next > pipeChunk {
			break
		}
		n += next
	}
	return n
}

func (m *pump) read() {
	err := m.receive()
	m.end()
	m.ended(err)
}

func (m *pump) receive() error {
	for {
		records, err := m.pipe.Recv()
		if err != nil {
			return err
		}
		for rest := records; len(rest) > 0; {
			if _, rest, err = Next(rest); err != nil {
				if errors.Is(err, ErrShort) {
					err = errNotWhole
				}
				return err
			}
		}
		m.in.put(records)
		for m.in.length() > pipeMax {
			select {
			case <-m.in.room:
			case <-m.gone:
				return errClosed
			}
		}
	}
}

var errNotWhole = errors.Join(ErrMalformed, errors.New("a message that is not whole records"))

func (m *pump) end() {
	m.once.Do(func() {
		close(m.gone)
		_ = m.pipe.Close()
	})
}

// The pump as the carrier of one end of a link, whose taker is woken by arrived.

func (m *pump) send(records []byte) { m.out.put(records) }
func (m *pump) flush()              {}
func (m *pump) drain()              {}
func (m *pump) waiting() int        { return m.out.length() }

// close lets what was put go, as far as the other side takes it within the pipe's
// own patience, and ends the pipe.
func (m *pump) close() {
	m.out.close()
	m.in.close()
	signal(m.wake)
}
