package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/url"

	"github.com/gobwas/ws"

	"github.com/pushcore/pushcore/sdk/wire"
)

// benchTarget is where devices connect.
type benchTarget struct {
	Address   string // host:port
	Path      string
	WebSocket bool
}

func parseBenchTarget(text string) (benchTarget, error) {
	u, err := url.Parse(text)
	if err != nil {
		return benchTarget{}, fmt.Errorf("--url: %w", err)
	}
	if (u.Scheme != "tcp" && u.Scheme != "ws") || u.Hostname() == "" || u.Port() == "" {
		return benchTarget{}, fmt.Errorf("--url %q is neither tcp://host:port nor ws://host:port/path", text)
	}
	return benchTarget{Address: net.JoinHostPort(u.Hostname(), u.Port()), Path: u.RequestURI(), WebSocket: u.Scheme == "ws"}, nil
}

// upgradeRequest asks for a WebSocket. The key is no secret, and the answer to
// it is not checked: the node is not what is doubted here.
func (t *benchTarget) upgradeRequest() []byte {
	return []byte("GET " + t.Path + " HTTP/1.1\r\nHost: " + t.Address + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Key: cHVzaGNvcmUgYmVuY2ggMQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: pushcore.v1\r\n\r\n")
}

// appendFrame appends a frame as the target's transport carries it.
func (t *benchTarget) appendFrame(dst []byte, f wire.Frame) []byte {
	start := len(dst)
	dst = f.Append(dst)
	if !t.WebSocket {
		return wire.PrefixLength(dst, start)
	}
	return maskBenchFrame(dst, start, ws.OpBinary)
}

// maskBenchFrame makes dst[start:] a WebSocket frame of at most 64 KiB.
func maskBenchFrame(dst []byte, start int, opcode ws.OpCode) []byte {
	length := len(dst) - start
	header := []byte{0x80 | byte(opcode), 0x80 | byte(min(length, 126))}
	if length > 125 {
		header = binary.BigEndian.AppendUint16(header, uint16(length))
	}
	mask := ws.NewMask()
	header = append(header, mask[:]...)
	dst = append(dst, header...)
	copy(dst[start+len(header):], dst[start:])
	copy(dst[start:], header)
	ws.Cipher(dst[start+len(header):], mask, 0)
	return dst
}

// split takes the next frame off b. Of WebSocket, opcode tells which; a stream
// has binary ones only.
func (t *benchTarget) split(b []byte) (frame, rest []byte, opcode ws.OpCode, err error) {
	if !t.WebSocket {
		frame, rest, err = wire.SplitFrame(b, wire.FrameBytesDefault)
		return frame, rest, ws.OpBinary, err
	}
	if len(b) < 2 {
		return nil, b, 0, wire.ErrIncomplete
	}
	if b[0]&0xf0 != 0x80 || b[1]&0x80 != 0 {
		return nil, b, 0, errors.New("a frame that is fragmented, masked or has reserved bits")
	}
	length, head := uint64(b[1]), 2
	switch {
	case length == 126 && len(b) >= 4:
		length, head = uint64(binary.BigEndian.Uint16(b[2:])), 4
	case length == 127 && len(b) >= 10:
		length, head = binary.BigEndian.Uint64(b[2:]), 10
	case length >= 126:
		return nil, b, 0, wire.ErrIncomplete
	}
	if length > wire.FrameBytesDefault {
		return nil, b, 0, errors.New("a frame that is too long")
	}
	if uint64(len(b)-head) < length {
		return nil, b, 0, wire.ErrIncomplete
	}
	end := head + int(length)
	return b[head:end], b[end:], ws.OpCode(b[0] & 0x0f), nil
}
