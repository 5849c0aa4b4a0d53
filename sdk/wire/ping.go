package wire

import "encoding/binary"

// Ping asks whether the other side is there.
//
//	type 14 | number
type Ping struct {
	Number uint64 // The sender's own; PONG brings it back.
}

// Pong answers a PING.
//
//	type 15 | number
type Pong struct {
	Number uint64 // The PING's.
}

// Type returns TypePing.
func (*Ping) Type() Type { return TypePing }

// Append implements Frame.
func (p *Ping) Append(dst []byte) []byte { return appendNumber(dst, TypePing, p.Number) }

// Parse implements Frame.
func (p *Ping) Parse(b []byte) error { return parseNumber(TypePing, b, &p.Number) }

// AppendJSON implements Frame.
func (p *Ping) AppendJSON(dst []byte) []byte { return appendJSONNumber(dst, TypePing, p.Number) }

// ParseJSON implements Frame.
func (p *Ping) ParseJSON(b []byte) error { return parseJSONNumber(TypePing, b, &p.Number) }

// Type returns TypePong.
func (*Pong) Type() Type { return TypePong }

// Append implements Frame.
func (p *Pong) Append(dst []byte) []byte { return appendNumber(dst, TypePong, p.Number) }

// Parse implements Frame.
func (p *Pong) Parse(b []byte) error { return parseNumber(TypePong, b, &p.Number) }

// AppendJSON implements Frame.
func (p *Pong) AppendJSON(dst []byte) []byte { return appendJSONNumber(dst, TypePong, p.Number) }

// ParseJSON implements Frame.
func (p *Pong) ParseJSON(b []byte) error { return parseJSONNumber(TypePong, b, &p.Number) }

func appendNumber(dst []byte, t Type, number uint64) []byte {
	return binary.AppendUvarint(append(dst, byte(t)), number)
}

func parseNumber(t Type, b []byte, number *uint64) error {
	r := readFrame(t, b)
	*number = r.counter("number", CounterMax)
	return r.end()
}

func appendJSONNumber(dst []byte, t Type, number uint64) []byte {
	return append(appendJSONCounter(appendJSONType(dst, t), "number", number), '}')
}

var numberFields = []string{"type", "number"}

func parseJSONNumber(t Type, b []byte, number *uint64) error {
	*number = 0
	r := readJSON(t, b)
	fields := jsonFields{names: numberFields}
	for r.field(&fields) {
		*number = r.counter("number", CounterMax)
	}
	return r.end()
}
