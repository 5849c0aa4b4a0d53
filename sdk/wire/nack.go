package wire

import "encoding/binary"

// Nack says that the device has not handled a message.
//
//	type 8 | flags | seq | [retry_after_ms] | text
//
// flags: 1 final; retry_after_ms is there unless it is set.
type Nack struct {
	Seq          uint64 // The message's; never 0.
	Final        bool   // It never will: the message is given up for this device.
	RetryAfterMS uint64 // If not final: send it again, but not before this time.
	Text         string // The reason, for people; Append cuts it at TextBytesMax bytes.
}

const nackFinal = 1

// Type returns TypeNack.
func (*Nack) Type() Type { return TypeNack }

// Append implements Frame.
func (n *Nack) Append(dst []byte) []byte {
	dst = append(dst, byte(TypeNack), flagBit(n.Final, nackFinal))
	dst = binary.AppendUvarint(dst, n.Seq)
	if !n.Final {
		dst = binary.AppendUvarint(dst, n.RetryAfterMS)
	}
	return appendBytes(dst, clipText(n.Text))
}

// Parse implements Frame.
func (n *Nack) Parse(b []byte) error {
	r := readFrame(TypeNack, b)
	*n = Nack{Final: r.flags("flags", nackFinal) == nackFinal, Seq: r.positive("seq")}
	if !n.Final {
		n.RetryAfterMS = r.counter("retry_after_ms", QuantityMax)
	}
	n.Text = string(r.text("text", 0, TextBytesMax))
	return r.end()
}

// AppendJSON implements Frame.
func (n *Nack) AppendJSON(dst []byte) []byte {
	dst = appendJSONCounter(appendJSONType(dst, TypeNack), "seq", n.Seq)
	dst = appendJSONFlag(dst, "final", n.Final)
	if !n.Final {
		dst = appendJSONCounter(dst, "retry_after_ms", n.RetryAfterMS)
	}
	dst = appendJSONText(dst, "text", clipText(n.Text))
	return append(dst, '}')
}

var nackFields = []string{"type", "seq", "final", "retry_after_ms", "text"}

// ParseJSON implements Frame.
func (n *Nack) ParseJSON(b []byte) error {
	*n = Nack{}
	r := readJSON(TypeNack, b)
	fields := jsonFields{names: nackFields}
	for r.field(&fields) {
		switch fields.name {
		case "seq":
			n.Seq = r.counter("seq", CounterMax)
		case "final":
			n.Final = r.boolean("final")
		case "retry_after_ms":
			n.RetryAfterMS = r.counter("retry_after_ms", QuantityMax)
		case "text":
			n.Text = string(r.text("text", TextBytesMax))
		}
	}
	r.require(n.Seq > 0, "seq")
	if n.Final && n.RetryAfterMS > 0 {
		r.fail("retry_after_ms", r.pos, "together with final")
	}
	return r.end()
}
