package wire

import "encoding/binary"

// Move asks the device to reconnect and resume, at a moment of its own choice
// within the time given; then the connection is closed.
//
//	type 16 | within_ms | address
type Move struct {
	WithinMS uint64
	Address  string // Where to, a URL of at most AddressBytesMax bytes; "": as before.
}

// Type returns TypeMove.
func (*Move) Type() Type { return TypeMove }

// Append implements Frame.
func (m *Move) Append(dst []byte) []byte {
	dst = binary.AppendUvarint(append(dst, byte(TypeMove)), m.WithinMS)
	return appendBytes(dst, m.Address)
}

// Parse implements Frame.
func (m *Move) Parse(b []byte) error {
	r := readFrame(TypeMove, b)
	*m = Move{
		WithinMS: r.counter("within_ms", QuantityMax),
		Address:  string(r.plain("address", 0, AddressBytesMax)),
	}
	return r.end()
}

// AppendJSON implements Frame.
func (m *Move) AppendJSON(dst []byte) []byte {
	dst = appendJSONCounter(appendJSONType(dst, TypeMove), "within_ms", m.WithinMS)
	return append(appendJSONText(dst, "address", m.Address), '}')
}

var moveFields = []string{"type", "within_ms", "address"}

// ParseJSON implements Frame.
func (m *Move) ParseJSON(b []byte) error {
	*m = Move{}
	r := readJSON(TypeMove, b)
	fields := jsonFields{names: moveFields}
	for r.field(&fields) {
		switch fields.name {
		case "within_ms":
			m.WithinMS = r.counter("within_ms", QuantityMax)
		case "address":
			m.Address = string(r.plain("address", AddressBytesMax))
		}
	}
	return r.end()
}
