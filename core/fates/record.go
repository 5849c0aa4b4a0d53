package fates

import (
	"encoding/binary"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/sdk"
)

// A message in the log, little-endian; what follows its acceptance is written into
// it.
//
//	0  class, flags, lengths of id, scope, name, plugin, source
//	8  place of the one before it in the chain of its id
//	16 the same of its source
//	24 place of its latest row
//	32 accepted at      40 position in its source
//	48 pairs owed       52 rows      56 number of pairs by fate
//	84 id scope name plugin source
//
// A row:
//
//	0  fate, reason, lengths of user and device, 0 0, attempts
//	8  place of the message's row before it
//	16 instant          24 user device
type record []byte

const (
	messageBytes = 56 + 4*int(envelope.NumFates)
	rowBytes     = 24

	flagLate = 1 // it was not seen when it was accepted: what it owes is not known

	textMax = 255
)

func (r record) number(at int) uint64       { return binary.LittleEndian.Uint64(r[at:]) }
func (r record) setNumber(at int, n uint64) { binary.LittleEndian.PutUint64(r[at:], n) }
func (r record) count(at int) int           { return int(binary.LittleEndian.Uint32(r[at:])) }
func (r record) setCount(at, n int)         { binary.LittleEndian.PutUint32(r[at:], uint32(n)) } //nolint:gosec // Pairs.

func (r record) place(at int) place       { return place(r.number(at)) }
func (r record) setPlace(at int, p place) { r.setNumber(at, uint64(p)) }

const (
	atSameID, atSameSource, atRow     = 8, 16, 24
	atAccepted, atPosition            = 32, 40
	atOwed, atRows, atFates           = 48, 52, 56
	atRowBefore, atRowTime, atRowText = 8, 16, 24
)

// texts writes strings behind the fixed part and their lengths where they belong.
func (r record) texts(lengths, at int, texts ...string) {
	for i, s := range texts {
		s = cut(s)
		r[lengths+i] = byte(len(s)) //nolint:gosec // cut has seen to it.
		at += copy(r[at:], s)
	}
}

// text reads the string of an index.
func (r record) text(lengths, at, index int) []byte {
	for i := range index {
		at += int(r[lengths+i])
	}
	return r[at : at+int(r[lengths+index])]
}

// cut makes a string one that a length of one byte can count. Only names of plugins
// and sources could be longer.
func cut(s string) string { return s[:min(len(s), textMax)] }

func messageSize(m *envelope.Message) int {
	return messageBytes + len(cut(m.ID)) + len(cut(m.Scope)) + len(cut(m.Name)) + len(cut(m.Origin.Plugin)) + len(cut(m.Origin.Source))
}

func (r record) putMessage(m *envelope.Message, late bool) {
	clear(r[:messageBytes])
	r[0] = byte(m.Class)
	if late {
		r[1] = flagLate
	}
	r.texts(2, messageBytes, m.ID, m.Scope, m.Name, m.Origin.Plugin, m.Origin.Source)
	r.setNumber(atAccepted, uint64(m.AcceptedAt.UnixNano())) //nolint:gosec // It comes back as it was.
	r.setNumber(atPosition, m.Origin.Position)
}

// names tells whether it is the message of a scope and id.
func (r record) names(scope, id string) bool {
	return string(r.text(2, messageBytes, 0)) == id && string(r.text(2, messageBytes, 1)) == scope
}

func (r record) message() Message {
	text := func(i int) string { return string(r.text(2, messageBytes, i)) }
	m := Message{
		ID: text(0), Scope: text(1), Name: text(2), Class: sdk.Class(r[0]), Late: r[1]&flagLate != 0,
		Origin:     envelope.Origin{Plugin: text(3), Source: text(4), Position: r.number(atPosition)},
		AcceptedAt: instant(r.number(atAccepted)), Owed: r.count(atOwed),
	}
	for f := range m.Fates {
		m.Fates[f] = r.count(atFates + 4*f)
	}
	return m
}

func (r record) putRow(e *End, at int64) {
	clear(r[:rowBytes])
	r[0], r[1] = byte(e.Fate), byte(e.Reason)
	r.texts(2, atRowText, e.User, e.Device)
	binary.LittleEndian.PutUint16(r[6:], uint16(min(e.Attempts, 1<<16-1))) //nolint:gosec // It fits.
	r.setNumber(atRowTime, uint64(at))                                     //nolint:gosec // It comes back as it was.
}

func (r record) end() End {
	return End{
		User: string(r.text(2, atRowText, 0)), Device: string(r.text(2, atRowText, 1)),
		Fate: envelope.Fate(r[0]), Reason: envelope.Reason(r[1]), Attempts: int(binary.LittleEndian.Uint16(r[6:])),
		At: instant(r.number(atRowTime)),
	}
}

func instant(n uint64) time.Time { return time.Unix(0, int64(n)).UTC() } //nolint:gosec // As it was.
