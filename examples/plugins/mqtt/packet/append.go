package packet

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"
)

func appendVarint(dst []byte, n int) []byte {
	for n >= 0x80 {
		dst = append(dst, byte(n)|0x80)
		n >>= 7
	}
	return append(dst, byte(n))
}

func varintLen(n int) int {
	size := 1
	for ; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}

// insertLength puts the length of dst[at:] in front of it.
func insertLength(dst []byte, at int) []byte {
	n := len(dst) - at
	size := varintLen(n)
	dst = append(dst, 0, 0, 0, 0)[:len(dst)+size]
	copy(dst[at+size:], dst[at:at+n])
	appendVarint(dst[at:at], n)
	return dst
}

func appendBinary[T string | []byte](dst []byte, s T) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(s)))
	return append(dst, s...)
}

// appendText writes what a text of MQTT can hold.
func appendText(dst []byte, s string) []byte {
	if len(s) > 0xFFFF || !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(strings.ToValidUTF8(s[:min(len(s), 0xFFFF)], ""), "\x00", "")
	}
	return appendBinary(dst, s)
}

func appendTextProperty(dst []byte, id byte, s string) []byte {
	if s == "" {
		return dst
	}
	return appendText(append(dst, id), s)
}

func appendPair(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	return appendText(appendText(append(dst, idUser), name), value)
}

// Connack answers CONNECT.
type Connack struct {
	SessionPresent bool
	Reason         byte // 3.1.1: a return code

	// Of MQTT 5, if Reason is Success.
	AssignedClientID  string
	ServerKeepAlive   uint16 // seconds; 0: the device's own
	ReceiveMaximum    uint16
	MaximumPacketSize uint32

	// Of MQTT 5.
	Text, Code string // the reason as text, and as a close code in the user property "code"
}

// AppendConnack writes a CONNACK.
func AppendConnack(dst []byte, v Version, c Connack) []byte {
	dst = append(dst, byte(CONNACK)<<4)
	at := len(dst)
	flags := byte(0)
	if c.SessionPresent {
		flags = sessionPresent
	}
	dst = append(dst, flags, c.Reason)
	if v == V5 {
		from := len(dst)
		if c.Reason == Success {
			dst = c.appendOffer(dst)
		}
		dst = appendTextProperty(dst, idReasonString, c.Text)
		dst = appendPair(dst, "code", c.Code)
		dst = insertLength(dst, from)
	}
	return insertLength(dst, at)
}

// appendOffer says what is not offered, and bounds.
func (c *Connack) appendOffer(dst []byte) []byte {
	dst = append(dst, idMaximumQoS, 1, idRetainAvailable, 0, idWildcards, 0, idSubscriptionIDs, 0, idShared, 0)
	if c.ReceiveMaximum > 0 {
		dst = binary.BigEndian.AppendUint16(append(dst, idReceiveMaximum), c.ReceiveMaximum)
	}
	if c.MaximumPacketSize > 0 {
		dst = binary.BigEndian.AppendUint32(append(dst, idMaximumPacketSize), c.MaximumPacketSize)
	}
	if c.ServerKeepAlive > 0 {
		dst = binary.BigEndian.AppendUint16(append(dst, idServerKeepAlive), c.ServerKeepAlive)
	}
	return appendTextProperty(dst, idAssignedClientID, c.AssignedClientID)
}

// Content is what a message to devices is, but for topic and packet id. It is the
// same for all receivers that speak the version.
type Content struct {
	ContentType string
	User        []Pair // those without a value are left out
	Payload     []byte
}

// AppendContent writes what follows a PUBLISH's topic and packet id.
func AppendContent(dst []byte, v Version, c Content) []byte {
	if v == V5 {
		from := len(dst)
		dst = appendTextProperty(dst, idContentType, c.ContentType)
		for _, u := range c.User {
			dst = appendPair(dst, u.Name, u.Value)
		}
		dst = insertLength(dst, from)
	}
	return append(dst, c.Payload...)
}

// PublishSize is how many bytes AppendPublish adds.
func PublishSize(id uint16, topic string, content int) int {
	n := 2 + len(topic) + content
	if id != 0 {
		n += 2
	}
	return 1 + varintLen(n) + n
}

// AppendPublish writes a PUBLISH: of QoS 0 if id is 0, else of QoS 1.
func AppendPublish(dst []byte, id uint16, dup bool, topic string, content []byte) []byte {
	first, n := byte(PUBLISH)<<4, 2+len(topic)+len(content)
	if id != 0 {
		first, n = first|1<<1, n+2
	}
	if dup {
		first |= publishDup
	}
	dst = appendVarint(append(dst, first), n)
	dst = appendBinary(dst, topic)
	if id != 0 {
		dst = binary.BigEndian.AppendUint16(dst, id)
	}
	return append(dst, content...)
}

// AppendPuback writes a PUBACK; reason and text are of MQTT 5.
func AppendPuback(dst []byte, v Version, id uint16, reason byte, text string) []byte {
	dst = append(dst, byte(PUBACK)<<4)
	at := len(dst)
	dst = binary.BigEndian.AppendUint16(dst, id)
	if v == V5 && reason != Success {
		dst = append(dst, reason)
		from := len(dst)
		dst = insertLength(appendTextProperty(dst, idReasonString, text), from)
	}
	return insertLength(dst, at)
}

// AppendSuback writes a SUBACK.
func AppendSuback(dst []byte, v Version, id uint16, reasons []byte) []byte {
	dst = append(dst, byte(SUBACK)<<4)
	at := len(dst)
	dst = binary.BigEndian.AppendUint16(dst, id)
	if v == V5 {
		dst = append(dst, 0)
	}
	return insertLength(append(dst, reasons...), at)
}

// AppendUnsuback writes an UNSUBACK for so many topics: all were unsubscribed.
func AppendUnsuback(dst []byte, v Version, id uint16, topics int) []byte {
	dst = append(dst, byte(UNSUBACK)<<4)
	at := len(dst)
	dst = binary.BigEndian.AppendUint16(dst, id)
	if v == V5 {
		dst = append(dst, make([]byte, 1+topics)...)
	}
	return insertLength(dst, at)
}

// AppendPingresp writes a PINGRESP.
func AppendPingresp(dst []byte) []byte { return append(dst, byte(PINGRESP)<<4, 0) }

// AppendDisconnect writes the DISCONNECT of MQTT 5. Server is where else to go;
// text and code are as in Connack.
func AppendDisconnect(dst []byte, reason byte, text, code, server string) []byte {
	dst = append(dst, byte(DISCONNECT)<<4)
	at := len(dst)
	dst = append(dst, reason)
	from := len(dst)
	dst = appendTextProperty(dst, idReasonString, text)
	dst = appendTextProperty(dst, idServerReference, server)
	dst = appendPair(dst, "code", code)
	return insertLength(insertLength(dst, from), at)
}
