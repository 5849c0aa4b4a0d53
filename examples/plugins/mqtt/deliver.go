package mqtt

import (
	"time"

	"github.com/pushcore/pushcore/examples/plugins/mqtt/packet"
	"github.com/pushcore/pushcore/sdk"
)

// encoded holds the batch's messages, each written once for a version that needs it.
type encoded struct {
	bytes    []byte
	messages []message
	pairs    []packet.Pair
}

// message is one of them: its topic, and where in encoded.bytes its content is.
type message struct {
	topic    string
	from, to [2]int // by version; to is 0 until it is written
}

// deliver appends messages to the connections' buffers.
func (l *loop) deliver(b *sdk.Batch) {
	e := &l.encoded
	for len(e.messages) < len(b.Messages) {
		e.messages = append(e.messages, message{})
	}
	for i := range b.Items {
		item := &b.Items[i]
		if c := l.conns[item.Conn]; c != nil && c.phase == attached {
			c.push(item.Seq, &b.Messages[item.Message], &e.messages[item.Message])
		}
	}
	clear(e.messages) // They refer to the batch.
	clear(e.pairs[:cap(e.pairs)])
	e.messages, e.bytes = e.messages[:0], e.bytes[:0]
	l.report()
}

// content writes a message for a version, if that has not been done.
func (e *encoded) content(m *sdk.Message, at *message, v packet.Version) []byte {
	which := 0
	if v == packet.V5 {
		which = 1
	}
	if at.to[which] == 0 {
		at.topic = topicOf(m)
		at.from[which] = len(e.bytes)
		e.bytes = packet.AppendContent(e.bytes, v, e.describe(m))
		at.to[which] = len(e.bytes)
	}
	return e.bytes[at.from[which]:at.to[which]]
}

// describe says what a message is, in properties of MQTT 5.
func (e *encoded) describe(m *sdk.Message) packet.Content {
	c := packet.Content{Payload: m.Payload}
	e.pairs = append(e.pairs[:0], packet.Pair{Name: "id", Value: m.ID}, packet.Pair{Name: "name", Value: m.Name}, packet.Pair{Name: "group", Value: m.FromGroup})
	for _, h := range m.Headers {
		if h.Name == "content-type" {
			c.ContentType = string(h.Value)
		} else {
			e.pairs = append(e.pairs, packet.Pair{Name: h.Name, Value: string(h.Value)})
		}
	}
	c.User = e.pairs
	return c
}

// topicOf is a message's name, else its group, else `user`.
func topicOf(m *sdk.Message) string {
	for _, topic := range []string{m.Name, m.FromGroup} {
		if packet.ValidTopic(topic) {
			return topic
		}
	}
	return userTopic
}

// push appends one message. A message longer than the device takes is refused in
// its name.
func (c *conn) push(seq uint64, m *sdk.Message, at *message) {
	content := c.loop.encoded.content(m, at, c.version)
	if c.sizeMax > 0 && packet.PublishSize(1, at.topic, len(content)) > c.sizeMax {
		if seq != 0 {
			c.loop.emit(sdk.Event{Kind: sdk.EventNack, Conn: c.id, Seq: seq, Final: true, Text: "it is longer than the device's maximum packet size"})
		}
		return
	}
	var id uint16
	var again bool
	switch {
	case seq == 0:
	case c.qos(m) == 0:
		c.unwritten.add(seq)
	default:
		var ok bool
		if id, again, ok = c.flight.put(seq); !ok {
			return // The host sends it again.
		}
	}
	c.out = packet.AppendPublish(c.room(), id, again, at.topic, content)
}

// qos is at which QoS the device wants a reliable message.
func (c *conn) qos(m *sdk.Message) byte {
	topic := m.FromGroup
	if topic == "" {
		topic = userTopic
	}
	if qos, ok := c.granted[topic]; ok {
		return qos
	}
	return 1
}

// retryBusy is after what time a device that says it is full is sent to again.
const retryBusy = time.Second

// puback takes the device's confirmation.
func (c *conn) puback(p packet.Raw) error {
	m, err := packet.ReadPuback(p, c.version)
	if err != nil {
		return err
	}
	seq, ok := c.flight.take(m.ID)
	switch {
	case !ok: // It confirms what it has confirmed.
	case m.Reason < packet.Unspecified:
		c.acked.add(seq)
	case m.Reason == packet.QuotaExceeded:
		c.loop.emit(sdk.Event{Kind: sdk.EventNack, Conn: c.id, Seq: seq, RetryAfter: retryBusy, Text: m.Properties.ReasonString})
	default:
		c.loop.emit(sdk.Event{Kind: sdk.EventNack, Conn: c.id, Seq: seq, Final: true, Text: m.Properties.ReasonString})
	}
	return nil
}

// reportAcks reports what the device has confirmed.
func (c *conn) reportAcks() {
	if len(c.acked) > 0 && !c.told {
		c.loop.emit(sdk.Event{Kind: sdk.EventAck, Conn: c.id, Ranges: c.acked})
		c.loop.report() // The ranges are used again.
	}
	c.acked = c.acked[:0]
}
