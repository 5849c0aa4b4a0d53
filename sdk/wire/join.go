package wire

import "encoding/binary"

// Join asks for membership of the session in a group. It is answered by a
// JOINED of the same group.
//
//	type 11 | group | position
type Join struct {
	Group    string // 1 to IDBytesMax bytes.
	Position uint64 // The last one of the group's history that the device has; 0: none.
}

// Type returns TypeJoin.
func (*Join) Type() Type { return TypeJoin }

// Append implements Frame.
func (j *Join) Append(dst []byte) []byte {
	dst = appendBytes(append(dst, byte(TypeJoin)), j.Group)
	return binary.AppendUvarint(dst, j.Position)
}

// Parse implements Frame.
func (j *Join) Parse(b []byte) error {
	r := readFrame(TypeJoin, b)
	*j = Join{Group: string(r.plain("group", 1, IDBytesMax)), Position: r.counter("position", CounterMax)}
	return r.end()
}

// AppendJSON implements Frame.
func (j *Join) AppendJSON(dst []byte) []byte {
	dst = appendJSONText(appendJSONType(dst, TypeJoin), "group", j.Group)
	return append(appendJSONCounter(dst, "position", j.Position), '}')
}

var joinFields = []string{"type", "group", "position"}

// ParseJSON implements Frame.
func (j *Join) ParseJSON(b []byte) error {
	*j = Join{}
	r := readJSON(TypeJoin, b)
	fields := jsonFields{names: joinFields}
	for r.field(&fields) {
		switch fields.name {
		case "group":
			j.Group = string(r.plain("group", IDBytesMax))
		case "position":
			j.Position = r.counter("position", CounterMax)
		}
	}
	r.require(j.Group != "", "group")
	return r.end()
}

// Joined is the result of a JOIN.
//
//	type 12 | flags | group | code | text | position
//
// flags: 1 gap.
type Joined struct {
	Group    string // The JOIN's.
	Code     Code   // 0: the session is in the group.
	Text     string // For people; Append cuts it at TextBytesMax bytes.
	Position uint64 // The group's last one so far; 0 if it has no history.
	Gap      bool   // What the device asked for reaches back further than the history does.
}

const joinedGap = 1

// Type returns TypeJoined.
func (*Joined) Type() Type { return TypeJoined }

// Append implements Frame.
func (j *Joined) Append(dst []byte) []byte {
	dst = append(dst, byte(TypeJoined), flagBit(j.Gap, joinedGap))
	dst = appendBytes(dst, j.Group)
	dst = binary.AppendUvarint(dst, uint64(j.Code))
	dst = appendBytes(dst, clipText(j.Text))
	return binary.AppendUvarint(dst, j.Position)
}

// Parse implements Frame.
func (j *Joined) Parse(b []byte) error {
	r := readFrame(TypeJoined, b)
	*j = Joined{
		Gap:      r.flags("flags", joinedGap) == joinedGap,
		Group:    string(r.plain("group", 1, IDBytesMax)),
		Code:     Code(r.counter("code", codeMax)),
		Text:     string(r.text("text", 0, TextBytesMax)),
		Position: r.counter("position", CounterMax),
	}
	return r.end()
}

// AppendJSON implements Frame.
func (j *Joined) AppendJSON(dst []byte) []byte {
	dst = appendJSONText(appendJSONType(dst, TypeJoined), "group", j.Group)
	dst = appendJSONCounter(dst, "code", uint64(j.Code))
	dst = appendJSONText(dst, "text", clipText(j.Text))
	dst = appendJSONCounter(dst, "position", j.Position)
	return append(appendJSONFlag(dst, "gap", j.Gap), '}')
}

var joinedFields = []string{"type", "group", "code", "text", "position", "gap"}

// ParseJSON implements Frame.
func (j *Joined) ParseJSON(b []byte) error {
	*j = Joined{}
	r := readJSON(TypeJoined, b)
	fields := jsonFields{names: joinedFields}
	for r.field(&fields) {
		switch fields.name {
		case "group":
			j.Group = string(r.plain("group", IDBytesMax))
		case "code":
			j.Code = Code(r.counter("code", codeMax))
		case "text":
			j.Text = string(r.text("text", TextBytesMax))
		case "position":
			j.Position = r.counter("position", CounterMax)
		case "gap":
			j.Gap = r.boolean("gap")
		}
	}
	r.require(j.Group != "", "group")
	return r.end()
}
