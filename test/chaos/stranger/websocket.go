package stranger

import (
	"bufio"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
)

// upgrade opens RFC 6455's handshake on a connection.
func upgrade(c net.Conn, r *bufio.Reader, address *url.URL) error {
	var nonce [16]byte
	_, _ = rand.Read(nonce[:])
	key := base64.StdEncoding.EncodeToString(nonce[:])
	_, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\nSec-WebSocket-Protocol: pushcore.v1\r\n\r\n",
		address.RequestURI(), address.Host, key)
	if err != nil {
		return err
	}
	answer, err := http.ReadResponse(r, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close() // Of a refusal; an upgrade has none.
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	if answer.StatusCode != http.StatusSwitchingProtocols || answer.Header.Get("Sec-WebSocket-Protocol") != "pushcore.v1" ||
		answer.Header.Get("Sec-WebSocket-Accept") != base64.StdEncoding.EncodeToString(sum[:]) {
		return fmt.Errorf("stranger: upgrade answered by %s", answer.Status)
	}
	return nil
}

const (
	opBinary = 2
	opClose  = 8
	opPing   = 9
	opPong   = 10
)

// wsFrame masks a message of a device.
func wsFrame(op byte, payload []byte) []byte {
	b := []byte{0x80 | op}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	b = append(b, 0, 0, 0, 0) // The mask; with zeros the payload stands as it is.
	return append(b, payload...)
}

// readWS reads the next whole message, whose payload is binary, and answers what is between.
func readWS(r *bufio.Reader, w io.Writer) ([]byte, error) {
	for {
		var head [2]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return nil, err
		}
		n := uint64(head[1])
		var err error
		switch n {
		case 126:
			var b [2]byte
			_, err = io.ReadFull(r, b[:])
			n = uint64(binary.BigEndian.Uint16(b[:]))
		case 127:
			var b [8]byte
			_, err = io.ReadFull(r, b[:])
			n = binary.BigEndian.Uint64(b[:])
		}
		if err != nil {
			return nil, err
		}
		if n > frameBytesMax || head[0]&0x80 == 0 { // No node of ours sends fragments.
			return nil, fmt.Errorf("%w: websocket header %x", errFrame, head)
		}
		payload := make([]byte, n)
		if _, err := io.ReadFull(r, payload); err != nil {
			return nil, err
		}
		switch head[0] & 0x0f {
		case opBinary:
			return payload, nil
		case opPing:
			if _, err := w.Write(wsFrame(opPong, payload)); err != nil {
				return nil, err
			}
		case opPong:
		case opClose:
			return nil, io.EOF
		default:
			return nil, fmt.Errorf("%w: websocket opcode %x", errFrame, head[0])
		}
	}
}
