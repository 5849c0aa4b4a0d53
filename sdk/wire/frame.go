package wire

import (
	"github.com/pushcore/pushcore/sdk/nearest"
)

// Type is the first byte of a frame.
type Type uint8

// The types of frames, with who sends them.
const (
	TypeConnect   Type = 1  // Device: here I am.
	TypeAccept    Type = 2  // Node: you have a session.
	TypeReject    Type = 3  // Node: you have none.
	TypeRefresh   Type = 4  // Device: new credentials.
	TypeRefreshed Type = 5  // Node: their result.
	TypePush      Type = 6  // Node: a message.
	TypeAck       Type = 7  // Device: handled.
	TypeNack      Type = 8  // Device: not handled.
	TypeSend      Type = 9  // Device: a message for the backend.
	TypeSent      Type = 10 // Node: its result.
	TypeJoin      Type = 11 // Device: let me into a group.
	TypeJoined    Type = 12 // Node: its result.
	TypeLeave     Type = 13 // Device: I leave a group.
	TypePing      Type = 14 // Either: are you there?
	TypePong      Type = 15 // The other: yes.
	TypeMove      Type = 16 // Node: please reconnect.
	TypeClose     Type = 17 // Node: the connection ends.
)

// typeNames are the names in the JSON form; typeTitles those in texts.
var (
	typeNames = []string{"", "connect", "accept", "reject", "refresh", "refreshed", "push", "ack", "nack", "send", "sent",
		"join", "joined", "leave", "ping", "pong", "move", "close"}
	typeTitles = []string{"", "CONNECT", "ACCEPT", "REJECT", "REFRESH", "REFRESHED", "PUSH", "ACK", "NACK", "SEND", "SENT",
		"JOIN", "JOINED", "LEAVE", "PING", "PONG", "MOVE", "CLOSE"}
)

// Valid tells whether a frame of this type exists.
func (t Type) Valid() bool { return t >= TypeConnect && t <= TypeClose }

// String returns the name in capitals.
func (t Type) String() string {
	if !t.Valid() {
		return "unknown"
	}
	return typeTitles[t]
}

// Frame is what all frame types are, as pointers.
//
// Append and AppendJSON append the whole frame, without a length, and keep
// nothing. They do not check limits, but cut texts for people to theirs. In a frame's fields 0, "" and nil mean
// absent unless a comment says otherwise.
//
// Parse and ParseJSON overwrite all fields with the one frame that b is. Byte
// slices then share b's memory; strings are copies; slices of a frame that is
// used again are used again. Errors are *ParseError, and the fields then hold
// nothing of use.
type Frame interface {
	Type() Type
	Append(dst []byte) []byte
	Parse(b []byte) error
	AppendJSON(dst []byte) []byte
	ParseJSON(b []byte) error
}

// New returns an empty frame of the type, or nil if there is none such.
func New(t Type) Frame {
	switch t {
	case TypeConnect:
		return new(Connect)
	case TypeAccept:
		return new(Accept)
	case TypeReject:
		return new(Reject)
	case TypeRefresh:
		return new(Refresh)
	case TypeRefreshed:
		return new(Refreshed)
	case TypePush:
		return new(Push)
	case TypeAck:
		return new(Ack)
	case TypeNack:
		return new(Nack)
	case TypeSend:
		return new(Send)
	case TypeSent:
		return new(Sent)
	case TypeJoin:
		return new(Join)
	case TypeJoined:
		return new(Joined)
	case TypeLeave:
		return new(Leave)
	case TypePing:
		return new(Ping)
	case TypePong:
		return new(Pong)
	case TypeMove:
		return new(Move)
	case TypeClose:
		return new(Close)
	}
	return nil
}

// TypeOf returns the type of a binary frame.
func TypeOf(b []byte) (Type, error) {
	if len(b) == 0 {
		return 0, &ParseError{Field: "type", Reason: "missing: the frame is empty", Code: CodeProtocolError}
	}
	if t := Type(b[0]); t.Valid() {
		return t, nil
	}
	return 0, &ParseError{Field: "type", Reason: "unknown", Code: CodeProtocolError}
}

// TypeOfJSON returns the type of a JSON frame. It looks for "type" only, which
// is quick if that comes first; the rest is ParseJSON's.
func TypeOfJSON(b []byte) (Type, error) {
	r := jsonReader{b: b}
	r.open('{')
	for r.more('}') {
		key := r.text("field", len(b))
		r.colon()
		if string(key) != "type" {
			r.skip()
			continue
		}
		r.space()
		offset := r.pos
		name := r.text("type", NameBytesMax)
		if t := typeNamed(name); t.Valid() && r.err == nil {
			return t, nil
		}
		r.fail("type", offset, unknownName(string(name), typeNames[1:]))
	}
	r.fail("type", r.pos, "missing")
	return 0, r.err
}

// typeNamed returns the type with the JSON name, or 0.
func typeNamed(name []byte) Type {
	for t := TypeConnect; t <= TypeClose; t++ {
		if typeNames[t] == string(name) {
			return t
		}
	}
	return 0
}

// unknownName is the reason for refusing a name that is none of known.
func unknownName(name string, known []string) string {
	if near := nearest.Name(name, known); near != "" {
		return "unknown; did you mean " + near + "?"
	}
	return "unknown"
}
