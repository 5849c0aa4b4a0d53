package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"
)

// A value is
//
//	version 1 byte | content | checksum 4 bytes
//
// where the checksum (CRC32C) is over the key, the version and the content: a value
// that lies under another's key is found too.
const (
	valueVersion  = 1
	valueOverhead = 1 + crc32.Size
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrDamaged is in every error about something that was stored and cannot be read
// as it was. It is never served.
var ErrDamaged = errors.New("the store is damaged")

// damaged names what is.
func damaged(key []byte, what string) error {
	return fmt.Errorf("%w: %s: %s", ErrDamaged, describe(key), what)
}

// describe names a key for people.
func describe(key []byte) string {
	p := parse(key, 1)
	if len(key) == 0 {
		return "an empty key"
	}
	var s string
	switch key[0] {
	case keyEntry, keyBody, keyPair:
		s = fmt.Sprintf("user %q order %d", p.user(), p.number())
	case keyExpiry, keyID:
		p.number()
		s = fmt.Sprintf("user %q order %d", p.user(), p.number())
	case keyCollapse:
		s = fmt.Sprintf("user %q collapse key %q order %d", p.user(), p.name(), p.number())
	case keyUser:
		s = fmt.Sprintf("user %q", p.user())
	case keyGroup, keyPosition:
		s = fmt.Sprintf("group %q", p.name())
	case keyHistory:
		s = fmt.Sprintf("group %q position %d", p.name(), p.number())
	case keyShared, keyNotice:
		s = fmt.Sprintf("number %d", p.number())
	}
	if p.bad || s == "" {
		return fmt.Sprintf("key %q", key)
	}
	return fmt.Sprintf("%s (key %q)", s, key)
}

// begin begins a value in a buffer.
func begin(to []byte) []byte { return append(to[:0], valueVersion) }

// seal ends one.
func seal(key, value []byte) []byte {
	return binary.LittleEndian.AppendUint32(value, checksum(key, value))
}

func checksum(key, value []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, value)
}

// unseal is a value's content, whole; it is part of the value.
func unseal(key, value []byte) (content, error) {
	if len(value) < valueOverhead {
		return content{}, damaged(key, "its value is cut off")
	}
	body := value[:len(value)-crc32.Size]
	if binary.LittleEndian.Uint32(value[len(body):]) != checksum(key, body) {
		return content{}, damaged(key, "its checksum is wrong")
	}
	if body[0] != valueVersion {
		return content{}, damaged(key, fmt.Sprintf("its version %d is unknown", body[0]))
	}
	return content{rest: body[1:]}, nil
}

// content is read from its front; what cannot be read makes it bad, and zero.
type content struct {
	rest []byte
	bad  bool
}

// close tells whether it was read, whole and to its end.
func (c *content) close(key []byte) error {
	if c.bad || len(c.rest) > 0 {
		return damaged(key, "its content is no "+kindOf(key))
	}
	return nil
}

func kindOf(key []byte) string {
	if len(key) == 0 {
		return "value"
	}
	switch key[0] {
	case keyEntry:
		return "entry"
	case keyBody, keyShared, keyHistory:
		return "message"
	case keyNotice:
		return "notice"
	}
	return "value"
}

func (c *content) uvarint() uint64 {
	n, size := binary.Uvarint(c.rest)
	if size <= 0 {
		c.rest, c.bad = nil, true
		return 0
	}
	c.rest = c.rest[size:]
	return n
}

func (c *content) varint() int64 {
	n, size := binary.Varint(c.rest)
	if size <= 0 {
		c.rest, c.bad = nil, true
		return 0
	}
	c.rest = c.rest[size:]
	return n
}

func (c *content) octet() byte {
	if len(c.rest) == 0 {
		c.bad = true
		return 0
	}
	b := c.rest[0]
	c.rest = c.rest[1:]
	return b
}

// limited is an octet that must be below a limit.
func (c *content) limited(below byte) byte {
	b := c.octet()
	if b >= below {
		c.bad = true
		return 0
	}
	return b
}

func (c *content) fixed() uint64 {
	if len(c.rest) < 8 {
		c.rest, c.bad = nil, true
		return 0
	}
	n := binary.LittleEndian.Uint64(c.rest)
	c.rest = c.rest[8:]
	return n
}

// count is the number of items that follow, each of which takes a byte at least.
func (c *content) count() int {
	n := c.uvarint()
	if n > uint64(len(c.rest)) {
		c.rest, c.bad = nil, true
		return 0
	}
	return int(n) //nolint:gosec // It is not above a length.
}

// bytes are part of the value.
func (c *content) bytes() []byte {
	n := c.count()
	b := c.rest[:n:n]
	c.rest = c.rest[n:]
	return b
}

func (c *content) text() string { return string(c.bytes()) }

// optional are bytes that may be none at all, which is not the same as empty.
func (c *content) optional() []byte {
	if n := c.uvarint(); n == 0 {
		return nil
	} else if n-1 > uint64(len(c.rest)) {
		c.rest, c.bad = nil, true
		return nil
	} else {
		b := c.rest[: n-1 : n-1]
		c.rest = c.rest[n-1:]
		return b
	}
}

func (c *content) time() time.Time {
	seconds, nanos := c.varint(), c.uvarint()
	if nanos >= uint64(time.Second) {
		c.bad = true
		return time.Time{}
	}
	return time.Unix(seconds, int64(nanos)).UTC() //nolint:gosec // It is below a second.
}

func appendText(v []byte, s string) []byte {
	return append(binary.AppendUvarint(v, uint64(len(s))), s...)
}

func appendOptional(v, b []byte) []byte {
	if b == nil {
		return append(v, 0)
	}
	return append(binary.AppendUvarint(v, uint64(len(b))+1), b...)
}

func appendTime(v []byte, t time.Time) []byte {
	return binary.AppendUvarint(binary.AppendVarint(v, t.Unix()), uint64(t.Nanosecond())) //nolint:gosec // Not negative.
}
