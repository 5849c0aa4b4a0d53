package pluginpb

import (
	"bytes"
	"sync"
)

// StreamPipe is a pluginrpc.Pipe on the portable carrier.
type StreamPipe struct {
	stream LinkStream
	close  func()
	once   sync.Once
	first  []byte // what was received before, to be returned first
}

// NewStreamPipe makes a pipe of a link's stream. first is what was received of it
// already and is returned before anything else, unless it is empty; closing ends
// the stream and is called once.
func NewStreamPipe(s LinkStream, first []byte, closing func()) *StreamPipe {
	return &StreamPipe{stream: s, first: first, close: closing}
}

// Send sends a copy of whole records in one message.
func (p *StreamPipe) Send(records []byte) error {
	r := Records(bytes.Clone(records)) // The stream keeps it after the call.
	return p.stream.SendMsg(&r)
}

// Recv returns the next message, which is the caller's.
func (p *StreamPipe) Recv() ([]byte, error) {
	if len(p.first) > 0 {
		first := p.first
		p.first = nil
		return first, nil
	}
	var r Records
	err := p.stream.RecvMsg(&r)
	return r, err
}

// Close ends the stream.
func (p *StreamPipe) Close() error {
	p.once.Do(p.close)
	return nil
}
