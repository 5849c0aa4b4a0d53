// Package packet reads what MQTT devices send and writes what they are sent, in
// versions 3.1.1 and 5. It keeps nothing and has no sockets: bytes in, packets out.
//
// Byte slices of a packet that was read lie in the bytes it was read from. Texts
// are copied. Nothing is allocated for a PUBLISH or a PUBACK.
package packet

import "fmt"

// Version is a protocol level of CONNECT.
type Version byte

// The versions that are spoken.
const (
	V311 Version = 4
	V5   Version = 5
)

// Type is the kind of a packet.
type Type byte

// The types.
const (
	CONNECT Type = iota + 1
	CONNACK
	PUBLISH
	PUBACK
	PUBREC
	PUBREL
	PUBCOMP
	SUBSCRIBE
	SUBACK
	UNSUBSCRIBE
	UNSUBACK
	PINGREQ
	PINGRESP
	DISCONNECT
	AUTH
)

// Raw is a packet whose body is not read yet.
type Raw struct {
	Type  Type // 0: there is no whole packet
	Flags byte // the lower half of the first byte
	Body  []byte
}

// Error is a breach of the protocol.
type Error struct {
	Reason byte // of MQTT 5
	Text   string
}

func (e *Error) Error() string { return fmt.Sprintf("%s (0x%02X)", e.Text, e.Reason) }

func malformed(text string) error { return &Error{Malformed, text} }

// headerMax is the length of the longest fixed header.
const headerMax = 5

// Split takes the first packet off b. Raw.Type is 0 if b holds no whole one. A
// packet longer than sizeMax bytes is an error before it is there.
func Split(b []byte, sizeMax int) (p Raw, rest []byte, err error) {
	size, length := 0, 0
	for i := 1; ; i++ {
		if i == headerMax {
			return Raw{}, b, malformed("the length of a packet has at most 4 bytes")
		}
		if i >= len(b) {
			return Raw{}, b, nil
		}
		length |= int(b[i]&0x7F) << (7 * (i - 1))
		if b[i] < 0x80 {
			size = i + 1
			break
		}
	}
	if size+length > sizeMax {
		return Raw{}, b, &Error{PacketTooLarge, fmt.Sprintf("a packet has %d bytes, at most are taken %d", size+length, sizeMax)}
	}
	if len(b) < size+length {
		return Raw{}, b, nil
	}
	p = Raw{Type: Type(b[0] >> 4), Flags: b[0] & 0x0F, Body: b[size : size+length]}
	return p, b[size+length:], p.check()
}

// check tells whether the flags are those of the type.
func (p *Raw) check() error {
	want := byte(0)
	switch p.Type {
	case PUBLISH:
		return nil
	case 0:
		return malformed("there is no packet of type 0")
	case PUBREL, SUBSCRIBE, UNSUBSCRIBE:
		want = 2
	}
	if p.Flags != want {
		return malformed("reserved flags are set")
	}
	return nil
}
