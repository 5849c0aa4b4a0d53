package packet

import (
	"bytes"
	"strings"
)

// Publish is a message of a device.
type Publish struct {
	QoS        byte
	Dup        bool
	ID         uint16 // QoS 1 and 2
	Topic      []byte
	Payload    []byte
	Properties Properties
}

// ReadPublish reads a PUBLISH.
func ReadPublish(p Raw, v Version) (m Publish, err error) {
	m.QoS, m.Dup = p.Flags>>1&3, p.Flags&publishDup != 0
	if m.QoS == 3 || m.QoS == 0 && m.Dup {
		return m, malformed("the flags of PUBLISH contradict each other")
	}
	r := &reader{b: p.Body}
	m.Topic = r.text()
	if m.QoS > 0 {
		if m.ID = r.u16(); m.ID == 0 {
			r.bad = true
		}
	}
	if v == V5 && !r.bad {
		if m.Properties, err = r.properties(inPublish); err != nil {
			return m, err
		}
	}
	if !r.bad && (len(m.Topic) == 0 || bytes.ContainsAny(m.Topic, "+#")) {
		return m, &Error{TopicInvalid, "the topic of PUBLISH is none"}
	}
	m.Payload, r.b = r.b, nil
	return m, r.end("PUBLISH")
}

// ValidTopic tells whether a topic can be published to.
func ValidTopic(topic string) bool {
	return topic != "" && len(topic) <= 0xFFFF && !strings.ContainsAny(topic, "+#\x00")
}

// Puback confirms or refuses a message.
type Puback struct {
	ID         uint16
	Reason     byte
	Properties Properties
}

// ReadPuback reads a PUBACK.
func ReadPuback(p Raw, v Version) (a Puback, err error) {
	r := &reader{b: p.Body}
	a.ID = r.u16()
	if v == V5 && len(r.b) > 0 {
		a.Reason = r.u8()
		if len(r.b) > 0 {
			if a.Properties, err = r.properties(inPuback); err != nil {
				return a, err
			}
		}
	}
	return a, r.end("PUBACK")
}

// Disconnect is a device's goodbye.
type Disconnect struct {
	Reason     byte
	Properties Properties
}

// ReadDisconnect reads a DISCONNECT.
func ReadDisconnect(p Raw, v Version) (d Disconnect, err error) {
	r := &reader{b: p.Body}
	if v == V5 && len(r.b) > 0 {
		d.Reason = r.u8()
		if len(r.b) > 0 {
			if d.Properties, err = r.properties(inDisconnect); err != nil {
				return d, err
			}
		}
	}
	return d, r.end("DISCONNECT")
}
