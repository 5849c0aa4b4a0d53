package client

import "github.com/pushcore/pushcore/sdk/wire"

// Message is a message from the backend.
type Message struct {
	ID        string // Names the event: the same whenever the message comes again.
	Seq       uint64 // Its number in the session, if it is reliable; 0: it is fast.
	Name      string // What kind of message, as the backend calls it; or "".
	FromUser  string // The user it was addressed to, or "".
	FromGroup string // The group it was addressed to, or "".
	Position  uint64 // Its position in the group's history; 0: there is none.
	Headers   []Header
	Payload   []byte // Decompressed.
}

// Header is a header of a message.
type Header struct {
	Name  string
	Value []byte
}

// Reliable tells whether the message is of class reliable, else it is fast.
func (m *Message) Reliable() bool { return m.Seq != 0 }

// copyMessage copies p, whose slices are the read buffer's.
func copyMessage(p *wire.Push) Message {
	m := Message{
		ID: string(p.ID), Seq: p.Seq, Name: string(p.Name), FromUser: string(p.FromUser), FromGroup: string(p.FromGroup),
		Position: p.Position, Payload: append([]byte(nil), p.Payload...),
	}
	for _, h := range p.Headers {
		m.Headers = append(m.Headers, Header{string(h.Name), append([]byte(nil), h.Value...)})
	}
	return m
}
