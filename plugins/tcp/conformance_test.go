package tcp_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"testing"

	"github.com/pushcore/pushcore/plugins/tcp"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/plugintest"
)

func TestConformance(t *testing.T) {
	plugintest.TestTransport(t, plugintest.TransportSuite{Portable: true,
		New:     func() sdk.Transport { return tcp.New() },
		Options: []byte(`{"listen":"127.0.0.1:0"}`),
		Driver:  plugintest.WireDriver{Dial: dial},
	})
}

// stream carries frames behind their lengths.
type stream struct {
	conn   *net.TCPConn
	reader *bufio.Reader
	frame  []byte
}

func dial(endpoint string) (plugintest.FrameConn, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		return nil, err
	}
	return &stream{conn: conn.(*net.TCPConn), reader: bufio.NewReader(conn)}, nil
}

func (*stream) Text() bool { return false }

// ReadFrame closes the socket when it finds the end.
func (s *stream) ReadFrame() ([]byte, error) {
	b, err := s.read()
	if err != nil {
		_ = s.conn.Close() // It has ended.
	}
	return b, err
}

func (s *stream) read() ([]byte, error) {
	size, err := binary.ReadUvarint(s.reader)
	if err != nil {
		return nil, err
	}
	if size > uint64(cap(s.frame)) {
		s.frame = make([]byte, size)
	}
	s.frame = s.frame[:size]
	_, err = io.ReadFull(s.reader, s.frame)
	return s.frame, err
}

func (s *stream) WriteFrame(b []byte) error {
	_, err := s.conn.Write(append(binary.AppendUvarint(nil, uint64(len(b))), b...))
	return err
}

// WriteGarbage sends a frame of a type that does not exist.
func (s *stream) WriteGarbage() error { return s.WriteFrame([]byte{99}) }

func (s *stream) Cut() error {
	if err := s.conn.SetLinger(0); err != nil {
		return err
	}
	return s.conn.Close()
}

func (s *stream) Close() error { return s.conn.CloseWrite() }
