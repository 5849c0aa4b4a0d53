package pluginrpc

import "sync"

// stream carries records from many goroutines to one, in order. It has no bound
// of its own: what goes in is bounded by credits, by what a shard serves in a
// turn, and by what a broker's plugin was given.
type stream struct {
	wake func()        // called after records came into an empty stream, by who put them
	room chan struct{} // capacity 1: signalled by take; nil: nobody waits for room

	mu     sync.Mutex // guards buffer and closed
	buffer []byte
	closed bool
}

// put appends a copy of whole records, or nothing if the stream is closed.
func (s *stream) put(records []byte) {
	if len(records) == 0 {
		return
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	first := len(s.buffer) == 0
	s.buffer = append(s.buffer, records...)
	s.mu.Unlock()
	if first {
		s.wake()
	}
}

// take exchanges what is there for an empty buffer.
func (s *stream) take(empty []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buffer
	s.buffer = empty[:0]
	if s.room != nil {
		signal(s.room)
	}
	return b
}

// length is how many bytes wait.
func (s *stream) length() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.buffer)
}

func (s *stream) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// close lets nothing further in; what is there can be taken.
func (s *stream) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
}
