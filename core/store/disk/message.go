package disk

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// Flags of a message.
const (
	flagSessionsOnly = 1 << iota
	flagMemorySafe
	flagPositions
	numMessageFlags = iota
)

// appendMessage writes a message, all of it but its record, which is of this run.
func appendMessage(v []byte, m *envelope.Message) []byte {
	var flags byte
	if m.SessionsOnly {
		flags |= flagSessionsOnly
	}
	if m.MemorySafe {
		flags |= flagMemorySafe
	}
	if len(m.Positions) > 0 {
		flags |= flagPositions
	}
	v = append(v, flags, byte(m.Class), byte(m.Ack), byte(m.Receipt))
	for _, s := range [...]string{m.ID, m.Scope, m.Name, m.Collapse, m.Origin.Plugin, m.Origin.Source} {
		v = appendText(v, s)
	}
	v = binary.AppendUvarint(v, m.Origin.Position)
	v = appendTime(appendTime(v, m.AcceptedAt), m.ExpiresAt)
	v = binary.AppendVarint(v, int64(m.StoreAfter))
	v = appendAddresses(appendAddresses(v, m.To), m.Except)
	if flags&flagPositions != 0 {
		for i := range m.To {
			v = binary.AppendUvarint(v, m.Position(i))
		}
	}
	v = binary.AppendUvarint(v, uint64(len(m.Platforms)))
	for _, p := range m.Platforms {
		v = appendText(v, p)
	}
	v = binary.AppendUvarint(v, uint64(len(m.Headers)))
	for i := range m.Headers {
		v = appendOptional(appendText(v, m.Headers[i].Name), m.Headers[i].Value)
	}
	return appendOptional(appendOptional(appendOptional(v, m.Key), m.Payload), m.Original)
}

func appendAddresses(v []byte, some []wire.Address) []byte {
	v = binary.AppendUvarint(v, uint64(len(some)))
	for i := range some {
		v = appendText(appendText(append(v, byte(some[i].Kind)), some[i].ID), some[i].Device)
	}
	return v
}

// message reads a message. It holds none of the value's memory.
func (c *content) message() *envelope.Message {
	c.rest = slices.Clone(c.rest) // what the message's slices are of
	m := &envelope.Message{}
	flags := c.limited(1 << numMessageFlags)
	m.SessionsOnly, m.MemorySafe = flags&flagSessionsOnly != 0, flags&flagMemorySafe != 0
	m.Class = sdk.Class(c.limited(byte(sdk.Fast) + 1))
	m.Ack = envelope.AckMode(c.limited(byte(envelope.AckAny) + 1))
	m.Receipt = envelope.ReceiptMode(c.limited(byte(envelope.ReceiptAll) + 1))
	for _, s := range [...]*string{&m.ID, &m.Scope, &m.Name, &m.Collapse, &m.Origin.Plugin, &m.Origin.Source} {
		*s = c.text()
	}
	m.Origin.Position = c.uvarint()
	m.AcceptedAt, m.ExpiresAt = c.time(), c.time()
	m.StoreAfter = time.Duration(c.varint())
	m.To, m.Except = c.addresses(), c.addresses()
	if flags&flagPositions != 0 {
		m.Positions = make([]uint64, len(m.To))
		for i := range m.Positions {
			m.Positions[i] = c.uvarint()
		}
	}
	for range c.count() {
		m.Platforms = append(m.Platforms, c.text())
	}
	if n := c.count(); n > 0 {
		m.Headers = make([]sdk.Header, 0, n)
		for range n {
			m.Headers = append(m.Headers, sdk.Header{Name: c.text(), Value: c.optional()})
		}
	}
	m.Key, m.Payload, m.Original = c.optional(), c.optional(), c.optional()
	return m
}

func (c *content) addresses() []wire.Address {
	n := c.count()
	if n == 0 {
		return nil
	}
	some := make([]wire.Address, 0, n)
	for range n {
		some = append(some, wire.Address{Kind: wire.Kind(c.octet()), ID: c.text(), Device: c.text()})
	}
	return some
}

// withoutRecord is a message as it is after a restart, so that it is the same
// whether it was read or kept: what is stored does not hold a record open.
func withoutRecord(m *envelope.Message) *envelope.Message {
	if m.Record == 0 {
		return m
	}
	plain := *m
	plain.Record = 0
	return &plain
}
