package main

import (
	"encoding/json"
	"strconv"

	"github.com/pushcore/pushcore/sdk"
)

// line is all that a line may say, both ways.
type line struct {
	User   string `json:"user,omitempty"` // device, first of all: here I am
	Device string `json:"device,omitempty"`
	Token  string `json:"token,omitempty"`
	Ack    uint64 `json:"ack,omitempty"`  // device: I have all up to this seq
	Send   string `json:"send,omitempty"` // device: for the backend, under ID
	Join   string `json:"join,omitempty"` // device: let me into a group
	Leave  string `json:"leave,omitempty"`

	Session string `json:"session,omitempty"` // node: you are this user
	Sent    string `json:"sent,omitempty"`    // node: what became of a Send
	Joined  string `json:"joined,omitempty"`
	Ended   string `json:"ended,omitempty"` // node: "rejected" or "closed"
	Code    uint16 `json:"code,omitempty"`
	Text    string `json:"text,omitempty"`

	ID   string `json:"id,omitempty"` // of a Send or a message
	Name string `json:"name,omitempty"`
}

// connect makes the first line an event.
func (l *line) connect(peer string) sdk.Event {
	c := &sdk.Connect{User: l.User, Device: l.Device, Meta: []sdk.Meta{
		{Name: sdk.MetaTransport, Value: "yourplugin"}, {Name: sdk.MetaPeer, Value: peer},
	}}
	if l.Token != "" {
		c.Credentials = sdk.Credentials{Kind: sdk.CredentialBearer, Token: l.Token}
	}
	return sdk.Event{Kind: sdk.EventConnect, Connect: c}
}

// event makes any other line an event.
func (l *line) event() sdk.Event {
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

// encode makes the part of a message's line that is the same for all who get it.
func encode(m *sdk.Message) []byte {
	b, err := json.Marshal(map[string]string{"id": m.ID, "name": m.Name, "payload": string(m.Payload)})
	if err != nil {
		return nil // Texts can always be encoded.
	}
	return append(b[1:], '\n')
}

// appendPush puts the number before it.
func appendPush(b []byte, seq uint64, body []byte) []byte {
	b = strconv.AppendUint(append(b, `{"seq":`...), seq, 10)
	return append(append(b, ','), body...)
}
