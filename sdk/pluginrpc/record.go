package pluginrpc

import (
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	// HeaderSize is the length of a record's header in bytes.
	HeaderSize = 24
	// MaxBody bounds the body of a record, in bytes. A longer one is refused
	// before memory is taken for it.
	MaxBody = 64 << 20
)

// Kind says what a record is.
type Kind uint8

// The kinds. Events and commands have those of the sdk, see the package comment.
const (
	commandBase Kind = 0x40

	KindDeliver Kind = 0x80 + iota
	KindFlush
	KindCredit
	KindAssigned
	KindRevoked
	KindBatch
	KindCancel
	KindTaken
	KindSettle
	KindPublish
	KindPublished
	KindPause
	KindResume
	KindStatus
	KindLag
	KindHello    // of a link, down: token, loop
	KindFlushed  // up: a Flush was carried out
	KindConn     // up: one connection of the table, to a runtime that comes back
	KindTableEnd // up: the table is complete
	KindFreeze   // down, the last record to a process that is replaced
	KindFrozen   // up: all before Freeze was carried out, the connections are on their way
	KindAdopted  // up: the ids that connections of the other process have here
)

// Errors of decoding. What is wrong with which record stands in the error's text.
var (
	// ErrShort means that the bytes end before the record does: on a stream,
	// read on.
	ErrShort = errors.New("pluginrpc: the record is not complete")
	// ErrMalformed means that the other side does not keep to the format: the
	// link is of no use any more.
	ErrMalformed = errors.New("pluginrpc: malformed record")
)

// Record is one record. Its body is part of the buffer it was read from.
type Record struct {
	Kind  Kind
	Flags uint8
	Code  uint16
	A, B  uint64
	Body  []byte
}

// Next returns the first record of b and what follows it, or ErrShort or
// ErrMalformed.
func Next(b []byte) (Record, []byte, error) {
	if len(b) < HeaderSize {
		return Record{}, b, ErrShort
	}
	length := binary.LittleEndian.Uint32(b)
	if length > MaxBody {
		return Record{}, b, fmt.Errorf("%w: a body of %d bytes, at most %d are allowed", ErrMalformed, length, MaxBody)
	}
	end := HeaderSize + int(length)
	if len(b) < end {
		return Record{}, b, ErrShort
	}
	return Record{
		Kind: Kind(b[4]), Flags: b[5],
		Code: binary.LittleEndian.Uint16(b[6:]),
		A:    binary.LittleEndian.Uint64(b[8:]),
		B:    binary.LittleEndian.Uint64(b[16:]),
		Body: b[HeaderSize:end:end],
	}, b[end:], nil
}

// recordLength is the length of the record whose header is at the front of b.
func recordLength(b []byte) int { return HeaderSize + int(binary.LittleEndian.Uint32(b)) }

// begin appends a header whose body's length is not known yet.
func begin(b []byte, kind Kind, flags uint8, code uint16, a, bb uint64) []byte {
	b = append(b, 0, 0, 0, 0, byte(kind), flags)
	b = binary.LittleEndian.AppendUint16(b, code)
	b = binary.LittleEndian.AppendUint64(b, a)
	return binary.LittleEndian.AppendUint64(b, bb)
}

// finish enters the length of the body of the record that begins at start.
func finish(b []byte, start int) []byte {
	binary.LittleEndian.PutUint32(b[start:], uint32(len(b)-start-HeaderSize))
	return b
}

// flag returns bit if on.
func flag(on bool, bit uint8) uint8 {
	if on {
		return bit
	}
	return 0
}

// malformed is an ErrMalformed for a record.
func (r *Record) malformed(what string) error {
	return fmt.Errorf("%w of kind %#x: %s", ErrMalformed, uint8(r.Kind), what)
}

// expect checks that flags are among known ones and that the code is 0 unless it
// is used.
func (r *Record) expect(flags uint8, code bool) error {
	if r.Flags&^flags != 0 {
		return r.malformed("unknown flags")
	}
	if !code && r.Code != 0 {
		return r.malformed("a code that has no meaning here")
	}
	return nil
}
