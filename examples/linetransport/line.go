package linetransport

import (
	"bufio"
	"encoding/json"

	"github.com/pushcore/pushcore/sdk"
)

// line is all that can stand in a line, both ways.
type line struct {
	User    string `json:"user,omitempty"`    // device: here I am
	Token   string `json:"token,omitempty"`   // device: with this token
	Session string `json:"session,omitempty"` // node: you have a session
	Ack     uint64 `json:"ack,omitempty"`     // device: I have all up to this seq
	Send    string `json:"send,omitempty"`    // device: for the backend, under ID
	Sent    string `json:"sent,omitempty"`    // node: what became of that: Code, Text
	Join    string `json:"join,omitempty"`    // device: let me into a group
	Leave   string `json:"leave,omitempty"`   // device: let me out
	Joined  string `json:"joined,omitempty"`  // node: what became of that: Code, Text
	Ended   string `json:"ended,omitempty"`   // node: "rejected" or "closed": Code, Text
	Code    uint16 `json:"code,omitempty"`
	Text    string `json:"text,omitempty"`
	Seq     uint64 `json:"seq,omitempty"` // node: a message
	ID      string `json:"id,omitempty"`
	Name    string `json:"name,omitempty"`
	Payload string `json:"payload,omitempty"`
}

// next reads a line; one that is none ends the connection.
func next(lines *bufio.Scanner) (l line, ok bool) {
	ok = lines.Scan() && json.Unmarshal(lines.Bytes(), &l) == nil
	return l, ok
}

func connect(l line, peer string) sdk.Event {
	d := &sdk.Connect{User: l.User, Meta: []sdk.Meta{{Name: sdk.MetaTransport, Value: "line"}, {Name: sdk.MetaPeer, Value: peer}}}
	if l.Token != "" {
		d.Credentials = sdk.Credentials{Kind: sdk.CredentialBearer, Token: l.Token}
	}
	return sdk.Event{Kind: sdk.EventConnect, Connect: d}
}

func event(l line) sdk.Event {
	switch {
	case l.Send != "":
		return sdk.Event{Kind: sdk.EventUplink, ID: l.ID, Name: l.Name, Payload: []byte(l.Send)}
	case l.Join != "":
		return sdk.Event{Kind: sdk.EventJoin, Group: l.Join}
	case l.Leave != "":
		return sdk.Event{Kind: sdk.EventLeave, Group: l.Leave}
	}
	return sdk.Event{Kind: sdk.EventAck, Seq: l.Ack}
}
