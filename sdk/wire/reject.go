package wire

// Reject answers a CONNECT that gets no session; the node then closes the
// connection.
//
//	type 3 | code | text | rule [| after_ms] [| address]
//
// after_ms follows the rule 2 (after), address the rule 3 (elsewhere).
type Reject struct {
	Code      Code   // Never 0.
	Text      string // For people; Append cuts it at TextBytesMax bytes.
	Reconnect Reconnect
}

// Type returns TypeReject.
func (*Reject) Type() Type { return TypeReject }

// Append implements Frame.
func (f *Reject) Append(dst []byte) []byte {
	return appendEnding(append(dst, byte(TypeReject)), (*ending)(f))
}

// Parse implements Frame.
func (f *Reject) Parse(b []byte) error {
	return parseEnding(TypeReject, b, (*ending)(f))
}

// AppendJSON implements Frame.
func (f *Reject) AppendJSON(dst []byte) []byte {
	return appendJSONEnding(appendJSONType(dst, TypeReject), (*ending)(f))
}

// ParseJSON implements Frame.
func (f *Reject) ParseJSON(b []byte) error {
	return parseJSONEnding(TypeReject, b, (*ending)(f))
}
