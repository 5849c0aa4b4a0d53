package mqtt

import (
	"strings"

	"github.com/pushcore/pushcore/examples/plugins/mqtt/packet"
	"github.com/pushcore/pushcore/sdk"
)

// userTopic is the filter, and the topic, of what is sent to the user himself.
const userTopic = "user"

// suback is a SUBSCRIBE some of whose joins are not answered.
type suback struct {
	packet  uint16
	groups  []string // by filter; answered: empty
	reasons []byte   // by filter: what is granted, or why it is not
	left    int
}

// subscribe asks to join a group for each filter.
func (c *conn) subscribe(p packet.Raw) error {
	m, err := packet.ReadSubscribe(p, c.version)
	if err != nil {
		return err
	}
	s := suback{packet: m.ID, groups: make([]string, len(m.Filters)), reasons: make([]byte, len(m.Filters))}
	for i, f := range m.Filters {
		reason := filterReason(f.Topic)
		if m.Properties.SubscriptionID {
			reason = packet.IDsNotSupported
		}
		if s.reasons[i] = reason; reason != packet.Success {
			continue
		}
		s.reasons[i] = min(f.QoS, 1)
		if f.Topic == userTopic {
			c.grant(userTopic, s.reasons[i])
			continue
		}
		s.groups[i] = f.Topic
		s.left++
		c.loop.emit(sdk.Event{Kind: sdk.EventJoin, Conn: c.id, Group: f.Topic})
	}
	c.subacks = append(c.subacks, s)
	c.answerJoins()
	return nil
}

// filterReason says why a filter cannot be had, Success if it can.
func filterReason(filter string) byte {
	switch {
	case strings.HasPrefix(filter, "$share/"):
		return packet.SharedNotSupported
	case strings.ContainsAny(filter, "+#"):
		return packet.WildcardsNotSupported
	case filter == "" || len(filter) > groupBytesMax || strings.ContainsFunc(filter, isControl):
		return packet.FilterInvalid
	}
	return packet.Success
}

const groupBytesMax = 255

func isControl(r rune) bool { return r < ' ' || r >= 0x7F && r < 0xA0 }

// grant remembers at which QoS the device wants a group's messages.
func (c *conn) grant(group string, qos byte) {
	if c.granted == nil {
		c.granted = map[string]byte{}
	}
	c.granted[group] = qos
}

// joinResult completes the first SUBSCRIBE that waits for the group.
func (c *conn) joinResult(m *sdk.Command) {
	for s := range c.subacks {
		for i, group := range c.subacks[s].groups {
			if group == "" || group != m.Group {
				continue
			}
			a := &c.subacks[s]
			a.groups[i] = ""
			a.left--
			if m.Code == 0 {
				c.grant(group, a.reasons[i])
			} else {
				a.reasons[i] = subackReason(m.Code)
			}
			c.answerJoins()
			return
		}
	}
}

// answerJoins writes the SUBACKs that are complete.
func (c *conn) answerJoins() {
	rest := c.subacks[:0]
	for _, s := range c.subacks {
		if s.left > 0 {
			rest = append(rest, s)
			continue
		}
		if c.version == packet.V311 {
			for i, reason := range s.reasons {
				if reason > 1 {
					s.reasons[i] = packet.SubscribeFailed
				}
			}
		}
		c.out = packet.AppendSuback(c.room(), c.version, s.packet, s.reasons)
	}
	clear(c.subacks[len(rest):])
	c.subacks = rest
}

// unsubscribe leaves groups.
func (c *conn) unsubscribe(p packet.Raw) error {
	m, err := packet.ReadUnsubscribe(p, c.version)
	if err != nil {
		return err
	}
	for _, topic := range m.Topics {
		delete(c.granted, topic)
		if topic != userTopic && filterReason(topic) == packet.Success {
			c.loop.emit(sdk.Event{Kind: sdk.EventLeave, Conn: c.id, Group: topic})
		}
	}
	c.out = packet.AppendUnsuback(c.room(), c.version, m.ID, len(m.Topics))
	return nil
}
