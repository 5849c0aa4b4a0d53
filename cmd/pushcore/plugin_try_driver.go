package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/spf13/cobra"

	"github.com/pushcore/pushcore/sdk/plugintest"
	"github.com/pushcore/pushcore/sdk/plugintest/driver"
)

// builtInDrivers are the kit's drivers for built-in transports, by their names.
var builtInDrivers = map[string]func() plugintest.Driver{
	"tcp": func() plugintest.Driver { return plugintest.WireDriver{Dial: dialStream} },
	"ws":  func() plugintest.Driver { return plugintest.WireDriver{Dial: dialMessages} },
}

// newPluginDriver makes a driver of a built-in one that is an executable, to look at
// the dialogue and to try the kit with.
func newPluginDriver() *cobra.Command {
	return &cobra.Command{
		Use: "driver NAME", Short: "Be the driver for a built-in transport, on standard input and output", Args: cobra.ExactArgs(1), Hidden: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			own := builtInDrivers[args[0]]
			if own == nil {
				return usage(fmt.Errorf("there is no driver for %q", args[0]))
			}
			return driver.Serve(own(), nil, cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
}

// socket is the connection of a driver's device.
type socket struct {
	conn net.Conn
	mu   sync.Mutex // held while a frame is written
}

// Cut ends the connection by a reset.
func (s *socket) Cut() error {
	if tcp, ok := s.conn.(*net.TCPConn); ok {
		if err := tcp.SetLinger(0); err != nil {
			return err
		}
	}
	return s.conn.Close()
}

// frameMax bounds what a driver reads.
const frameMax = 16 << 20

// stream carries frames behind their lengths.
type stream struct {
	socket
	reader *bufio.Reader
	frame  []byte
}

func dialStream(endpoint string) (plugintest.FrameConn, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		return nil, err
	}
	return &stream{socket: socket{conn: conn}, reader: bufio.NewReader(conn)}, nil
}

func (*stream) Text() bool { return false }

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
	if size > frameMax {
		return nil, errors.New("the frame is too long")
	}
	if size > uint64(cap(s.frame)) {
		s.frame = make([]byte, size)
	}
	s.frame = s.frame[:size]
	_, err = io.ReadFull(s.reader, s.frame)
	return s.frame, err
}

func (s *stream) WriteFrame(b []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.conn.Write(append(binary.AppendUvarint(nil, uint64(len(b))), b...))
	return err
}

// WriteGarbage sends a frame of a type that does not exist.
func (s *stream) WriteGarbage() error { return s.WriteFrame([]byte{99}) }

func (s *stream) Close() error { return s.conn.(*net.TCPConn).CloseWrite() }

// messages carries frames as messages of a WebSocket.
type messages struct {
	socket
	in io.Reader
}

func dialMessages(endpoint string) (plugintest.FrameConn, error) {
	d := ws.Dialer{Protocols: []string{"pushcore.v1"}, Timeout: 10 * time.Second}
	conn, early, _, err := d.Dial(context.Background(), endpoint)
	if err != nil {
		return nil, err
	}
	m := &messages{socket: socket{conn: conn}, in: conn}
	if early != nil {
		m.in = early
	}
	return m, nil
}

func (*messages) Text() bool { return false }

// Read and Write are for wsutil, which answers control frames while it reads.
func (m *messages) Read(b []byte) (int, error) { return m.in.Read(b) }

func (m *messages) Write(b []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.conn.Write(b)
}

func (m *messages) ReadFrame() ([]byte, error) {
	b, _, err := wsutil.ReadServerData(m)
	if err != nil {
		_ = m.conn.Close() // It has ended.
	}
	return b, err
}

func (m *messages) WriteFrame(b []byte) error { return m.write(ws.OpBinary, b) }

// WriteGarbage sends a message of the other kind.
func (m *messages) WriteGarbage() error { return m.write(ws.OpText, []byte("{}")) }

func (m *messages) Close() error {
	return m.write(ws.OpClose, ws.NewCloseFrameBody(ws.StatusNormalClosure, ""))
}

// write writes a whole message, masked, in one piece.
func (m *messages) write(op ws.OpCode, b []byte) error {
	frame, err := ws.CompileFrame(ws.MaskFrame(ws.NewFrame(op, true, b)))
	if err != nil {
		return err
	}
	_, err = m.Write(frame)
	return err
}
