package wire

// Close is the node's last frame on a connection that had a session. It speaks
// of its own connection only: a device that has left for another one already
// ignores it.
//
//	type 17 | code | text | rule [| after_ms] [| address]
//
// after_ms follows the rule 2 (after), address the rule 3 (elsewhere).
type Close struct {
	Code      Code   // Never 0.
	Text      string // For people; Append cuts it at TextBytesMax bytes.
	Reconnect Reconnect
}

// Type returns TypeClose.
func (*Close) Type() Type { return TypeClose }

// Append implements Frame.
func (f *Close) Append(dst []byte) []byte {
	return appendEnding(append(dst, byte(TypeClose)), (*ending)(f))
}

// Parse implements Frame.
func (f *Close) Parse(b []byte) error {
	return parseEnding(TypeClose, b, (*ending)(f))
}

// AppendJSON implements Frame.
func (f *Close) AppendJSON(dst []byte) []byte {
	return appendJSONEnding(appendJSONType(dst, TypeClose), (*ending)(f))
}

// ParseJSON implements Frame.
func (f *Close) ParseJSON(b []byte) error {
	return parseJSONEnding(TypeClose, b, (*ending)(f))
}
