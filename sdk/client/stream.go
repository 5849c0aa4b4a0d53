package client

import (
	"errors"
	"net"
	"time"

	"github.com/pushcore/pushcore/sdk/wire"
)

// stream carries frames over a byte stream, each behind its length.
type stream struct {
	conn  net.Conn
	limit int

	buf []byte // what was read and not yet taken, of the reading goroutine
	has []byte // a part of buf
}

const readBytes = 16 << 10

func newStream(conn net.Conn, limit int) *stream {
	return &stream{conn: conn, limit: limit, buf: make([]byte, readBytes)}
}

func (s *stream) readFrame() ([]byte, error) {
	for {
		frame, rest, err := wire.SplitFrame(s.has, s.limit)
		if err == nil {
			s.has = rest
			return frame, nil
		}
		if !errors.Is(err, wire.ErrIncomplete) {
			return nil, &protocolError{err}
		}
		if err := s.fill(); err != nil {
			return nil, err
		}
	}
}

// fill reads more behind what there is, into a buffer that holds the frame.
func (s *stream) fill() error {
	if want := max(readBytes, wire.FrameSize(s.has)); cap(s.buf) < want || (len(s.has) == 0 && cap(s.buf) > readBytes) {
		s.buf = make([]byte, want)
	}
	n := copy(s.buf, s.has)
	more, err := s.conn.Read(s.buf[n:])
	s.has = s.buf[:n+more]
	if more > 0 {
		return nil
	}
	return err
}

func (s *stream) appendFrame(dst []byte, f frame) []byte {
	start := len(dst)
	return wire.PrefixLength(f.Append(dst), start)
}

func (s *stream) appendReply(dst []byte) []byte   { return dst }
func (s *stream) appendEnd(dst []byte) []byte     { return dst }
func (s *stream) halfClose(timeout time.Duration) { halfClose(s.conn, timeout) }
func (s *stream) shutdown()                       { _ = s.conn.Close() } // It is over either way.

func (s *stream) write(b []byte, timeout time.Duration) error { return writeTo(s.conn, b, timeout) }

func writeTo(conn net.Conn, b []byte, timeout time.Duration) error {
	if err := conn.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	_, err := conn.Write(b)
	return err
}

// halfClose lets the node read all that was written: closing a socket that has
// unread bytes would reset it.
func halfClose(conn net.Conn, timeout time.Duration) {
	_ = conn.SetReadDeadline(time.Now().Add(timeout)) // If it fails, so does reading.
	closeWrite(conn)
}
