package wire

// Leave ends the session's membership in a group. It has no answer.
//
//	type 13 | group
type Leave struct {
	Group string // 1 to IDBytesMax bytes.
}

// Type returns TypeLeave.
func (*Leave) Type() Type { return TypeLeave }

// Append implements Frame.
func (l *Leave) Append(dst []byte) []byte {
	return appendBytes(append(dst, byte(TypeLeave)), l.Group)
}

// Parse implements Frame.
func (l *Leave) Parse(b []byte) error {
	r := readFrame(TypeLeave, b)
	l.Group = string(r.plain("group", 1, IDBytesMax))
	return r.end()
}

// AppendJSON implements Frame.
func (l *Leave) AppendJSON(dst []byte) []byte {
	return append(appendJSONText(appendJSONType(dst, TypeLeave), "group", l.Group), '}')
}

var leaveFields = []string{"type", "group"}

// ParseJSON implements Frame.
func (l *Leave) ParseJSON(b []byte) error {
	*l = Leave{}
	r := readJSON(TypeLeave, b)
	fields := jsonFields{names: leaveFields}
	for r.field(&fields) {
		l.Group = string(r.plain("group", IDBytesMax))
	}
	r.require(l.Group != "", "group")
	return r.end()
}
