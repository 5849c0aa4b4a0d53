package wire

import "encoding/binary"

// Sent is the result of a SEND: code 0 once the broker has accepted it.
//
//	type 10 | flags | id | code | text
//
// flags: 1 retryable.
type Sent struct {
	ID        string // The SEND's.
	Code      Code   // 0: accepted.
	Retryable bool   // If refused: the same may be sent again later.
	Text      string // For people; Append cuts it at TextBytesMax bytes.
}

const sentRetryable = 1

// Type returns TypeSent.
func (*Sent) Type() Type { return TypeSent }

// Append implements Frame.
func (s *Sent) Append(dst []byte) []byte {
	dst = append(dst, byte(TypeSent), flagBit(s.Retryable, sentRetryable))
	dst = appendBytes(dst, s.ID)
	dst = binary.AppendUvarint(dst, uint64(s.Code))
	return appendBytes(dst, clipText(s.Text))
}

// Parse implements Frame.
func (s *Sent) Parse(b []byte) error {
	r := readFrame(TypeSent, b)
	*s = Sent{
		Retryable: r.flags("flags", sentRetryable) == sentRetryable,
		ID:        string(r.plain("id", 1, MessageIDBytesMax)),
		Code:      Code(r.counter("code", codeMax)),
		Text:      string(r.text("text", 0, TextBytesMax)),
	}
	return r.end()
}

// AppendJSON implements Frame.
func (s *Sent) AppendJSON(dst []byte) []byte {
	dst = appendJSONText(appendJSONType(dst, TypeSent), "id", s.ID)
	dst = appendJSONCounter(dst, "code", uint64(s.Code))
	dst = appendJSONFlag(dst, "retryable", s.Retryable)
	dst = appendJSONText(dst, "text", clipText(s.Text))
	return append(dst, '}')
}

var sentFields = []string{"type", "id", "code", "retryable", "text"}

// ParseJSON implements Frame.
func (s *Sent) ParseJSON(b []byte) error {
	*s = Sent{}
	r := readJSON(TypeSent, b)
	fields := jsonFields{names: sentFields}
	for r.field(&fields) {
		switch fields.name {
		case "id":
			s.ID = string(r.plain("id", MessageIDBytesMax))
		case "code":
			s.Code = Code(r.counter("code", codeMax))
		case "retryable":
			s.Retryable = r.boolean("retryable")
		case "text":
			s.Text = string(r.text("text", TextBytesMax))
		}
	}
	r.require(s.ID != "", "id")
	return r.end()
}
