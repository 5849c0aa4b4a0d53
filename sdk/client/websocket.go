package client

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/pushcore/pushcore/sdk/wire"
)

// subprotocol is the binary form of the protocol on WebSocket.
const subprotocol = "pushcore.v1"

// webSocket carries each frame in one binary message.
type webSocket struct {
	conn   net.Conn
	reader wsutil.Reader
	limit  int
	buf    []byte          // the message, of the reading goroutine
	wake   chan<- struct{} // makes the writing goroutine ask for replies

	mu    sync.Mutex // guards the rest: reading → writing goroutine
	ping  bool       // a ping is to be answered
	echo  []byte     // with this
	code  uint16     // of the node's close frame, to be echoed
	ended bool       // a close frame was appended
}

func (c *Client) openWebSocket(ctx context.Context, e endpoint) (transport, error) {
	dialer := ws.Dialer{Protocols: []string{subprotocol}, NetDial: c.cfg.Dial, TLSConfig: tlsConfigOf(c.cfg.TLS, e)}
	conn, early, handshake, err := dialer.Dial(ctx, e.text)
	if err != nil {
		return nil, fmt.Errorf("upgrade: %w", err)
	}
	if handshake.Protocol != subprotocol {
		_ = conn.Close() // There is nothing to say on it.
		return nil, fmt.Errorf("upgrade: what answers at %s does not speak %s", e.text, subprotocol)
	}
	w := &webSocket{conn: conn, limit: c.cfg.FrameBytesMax, wake: c.wake}
	var source io.Reader = conn
	if early != nil {
		source = early // It reads on from conn.
	}
	w.reader = wsutil.Reader{Source: bufio.NewReaderSize(source, readBytes), State: ws.StateClientSide, MaxMessageSize: int64(w.limit), OnIntermediate: w.control}
	return w, nil
}

func (w *webSocket) readFrame() ([]byte, error) {
	for {
		header, err := w.reader.NextFrame()
		switch {
		case err != nil:
			return nil, readFault(err)
		case header.OpCode.IsControl():
			if err := w.control(header, &w.reader); err != nil {
				return nil, err
			}
			if err := w.reader.Discard(); err != nil {
				return nil, readFault(err)
			}
		case header.OpCode == ws.OpBinary:
			return w.message()
		default:
			return nil, protocolFault("a text message on %s", subprotocol)
		}
	}
}

// message reads the message that has begun. Its length is bounded by the
// reader, fragment by fragment.
func (w *webSocket) message() ([]byte, error) {
	if cap(w.buf) > readBytes {
		w.buf = nil
	}
	w.buf = w.buf[:0]
	for {
		if len(w.buf) == cap(w.buf) {
			w.buf = append(w.buf, 0)[:len(w.buf)]
		}
		n, err := w.reader.Read(w.buf[len(w.buf):cap(w.buf)])
		w.buf = w.buf[:len(w.buf)+n]
		switch {
		case errors.Is(err, io.EOF) && len(w.buf) == 0:
			return nil, protocolFault("an empty message")
		case errors.Is(err, io.EOF):
			return w.buf, nil
		case err != nil:
			return nil, readFault(err)
		}
	}
}

// control handles a control frame, whose payload is at most 125 bytes.
func (w *webSocket) control(header ws.Header, payload io.Reader) error {
	b := make([]byte, header.Length)
	if _, err := io.ReadFull(payload, b); err != nil && !errors.Is(err, io.EOF) {
		return readFault(err)
	}
	switch header.OpCode {
	case ws.OpPing:
		w.mu.Lock()
		w.ping, w.echo = true, b
		w.mu.Unlock()
		notify(w.wake)
	case ws.OpClose:
		code, text := ws.ParseCloseFrameData(b)
		w.mu.Lock()
		w.code = uint16(code)
		w.mu.Unlock()
		return closeErrorOf(wire.Code(code), text)
	}
	return nil
}

// readFault tells faults of the node from those of the network.
func readFault(err error) error {
	var fault ws.ProtocolError
	if errors.As(err, &fault) || errors.Is(err, wsutil.ErrMessageTooLarge) || errors.Is(err, wsutil.ErrFrameTooLarge) {
		return &protocolError{err}
	}
	return err
}

func (w *webSocket) appendFrame(dst []byte, f frame) []byte {
	start := len(dst)
	dst = f.Append(dst)
	return mask(dst, start, ws.OpBinary)
}

func (w *webSocket) appendReply(dst []byte) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ping || w.ended {
		return dst
	}
	w.ping = false
	return mask(append(dst, w.echo...), len(dst), ws.OpPong)
}

func (w *webSocket) appendEnd(dst []byte) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return dst
	}
	w.ended = true
	code := ws.StatusNormalClosure
	if w.code != 0 {
		code = ws.StatusCode(w.code)
	}
	return mask(append(dst, ws.NewCloseFrameBody(code, "")...), len(dst), ws.OpClose)
}

func (w *webSocket) write(b []byte, timeout time.Duration) error { return writeTo(w.conn, b, timeout) }
func (w *webSocket) halfClose(timeout time.Duration)             { halfClose(w.conn, timeout) }
func (w *webSocket) shutdown()                                   { _ = w.conn.Close() } // It is over either way.

// mask makes dst[start:], a payload just appended, a frame of its own.
func mask(dst []byte, start int, opcode ws.OpCode) []byte {
	header := ws.Header{Fin: true, OpCode: opcode, Masked: true, Mask: ws.NewMask(), Length: int64(len(dst) - start)}
	size := ws.HeaderSize(header)
	dst = append(dst, make([]byte, size)...)
	payload := dst[start+size:]
	copy(payload, dst[start:])
	ws.Cipher(payload, header.Mask, 0)
	_ = ws.WriteHeader(bytes.NewBuffer(dst[start:start:start+size]), header) // It has room, and the length is no fault.
	return dst
}
