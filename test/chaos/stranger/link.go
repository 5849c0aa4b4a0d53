package stranger

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"time"
)

const (
	frameBytesMax  = 1<<20 + 32<<10 // what the page allows by default
	connectTimeout = 5 * time.Second
	frameTimeout   = 10 * time.Second // from a frame's first byte to its last
)

// link carries frames over one connection. One goroutine uses it.
type link struct {
	conn net.Conn
	in   *bufio.Reader
	ws   bool
}

// dial opens a tcp or ws address. readBuffer bounds the kernel's buffer if it is not 0.
func dial(ctx context.Context, address string, readBuffer int) (*link, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	d := net.Dialer{Timeout: connectTimeout}
	c, err := d.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return nil, err
	}
	if t, ok := c.(*net.TCPConn); ok && readBuffer > 0 {
		_ = t.SetReadBuffer(readBuffer)
	}
	l := &link{conn: c, in: bufio.NewReaderSize(c, 4<<10), ws: u.Scheme == "ws"}
	_ = c.SetDeadline(time.Now().Add(connectTimeout))
	if l.ws {
		if err := upgrade(c, l.in, u); err != nil {
			_ = c.Close()
			return nil, err
		}
	}
	return l, nil
}

func (l *link) write(frame []byte) error {
	if l.ws {
		frame = wsFrame(opBinary, frame)
	} else {
		frame = append(appendNumber(nil, uint64(len(frame))), frame...)
	}
	_ = l.conn.SetWriteDeadline(time.Now().Add(frameTimeout))
	_, err := l.conn.Write(frame)
	return err
}

// idle waits for the next frame to begin, and says false if none has until then.
func (l *link) idle(until time.Time) (bool, error) {
	if l.in.Buffered() > 0 {
		return true, nil
	}
	_ = l.conn.SetReadDeadline(until)
	_, err := l.in.Peek(1)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return false, nil
	}
	return err == nil, err
}

// read reads a frame: its type and its fields.
func (l *link) read() (byte, *fields, error) {
	_ = l.conn.SetReadDeadline(time.Now().Add(frameTimeout))
	frame, err := l.readFrame()
	if err != nil {
		return 0, nil, err
	}
	f := &fields{rest: frame}
	kind := f.byte()
	if f.bad {
		return 0, nil, errFrame
	}
	return kind, f, nil
}

func (l *link) readFrame() ([]byte, error) {
	if l.ws {
		return readWS(l.in, l.conn)
	}
	var n uint64
	for shift := 0; ; shift += 7 {
		b, err := l.in.ReadByte()
		if err != nil {
			return nil, err
		}
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			break
		}
		if shift > 21 {
			return nil, fmt.Errorf("%w: its length", errFrame)
		}
	}
	if n == 0 || n > frameBytesMax {
		return nil, fmt.Errorf("%w: %d bytes", errFrame, n)
	}
	frame := make([]byte, n)
	_, err := io.ReadFull(l.in, frame)
	return frame, err
}

func (l *link) close() { _ = l.conn.Close() }
