package mqtt

import (
	"strconv"

	"github.com/pushcore/pushcore/examples/plugins/mqtt/packet"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// uplink is a PUBLISH of QoS 1 that waits for its result.
type uplink struct {
	id     string
	packet uint16
}

// publish hands what the device sends to the host.
func (c *conn) publish(p packet.Raw) error {
	m, err := packet.ReadPublish(p, c.version)
	switch {
	case err != nil:
		return err
	case m.QoS == 2:
		return &packet.Error{Reason: packet.QoSNotSupported, Text: "QoS 2 is not offered"}
	case !wire.ValidName(string(m.Topic)):
		c.answer(m.ID, packet.TopicInvalid, "a topic has at most 64 bytes and no control characters")
		return nil
	}
	e := sdk.Event{
		Kind: sdk.EventUplink, Conn: c.id, ID: c.uplinkID(&m.Properties), Name: string(m.Topic),
		Headers: headersOf(&m.Properties), Payload: m.Payload,
	}
	if m.QoS == 1 {
		c.uplinks = append(c.uplinks, uplink{e.ID, m.ID})
	}
	c.loop.emit(e)
	c.loop.report() // The payload lies in the read buffer.
	return nil
}

// uplinkID is the user property `id`, so that the backend can tell repeats, or an
// id that nothing else has: packet ids are used again and again.
func (c *conn) uplinkID(p *packet.Properties) string {
	for _, u := range p.User {
		if u.Name == "id" && wire.ValidMessageID(u.Value) {
			return u.Value
		}
	}
	c.lastID++
	b := strconv.AppendUint(make([]byte, 0, 40), c.loop.transport.nonce, 36)
	b = strconv.AppendUint(append(b, '-'), uint64(c.id), 36)
	return string(strconv.AppendUint(append(b, '-'), c.lastID, 36))
}

func headersOf(p *packet.Properties) []sdk.Header {
	var headers []sdk.Header
	add := func(name, value string) {
		if wire.ValidHeader(name, []byte(value)) {
			headers = append(headers, sdk.Header{Name: name, Value: []byte(value)})
		}
	}
	if p.ContentType != "" {
		add("content-type", p.ContentType)
	}
	for _, u := range p.User {
		if u.Name != "id" {
			add(u.Name, u.Value)
		}
	}
	return headers
}

// uplinkResult answers a PUBLISH of QoS 1; others have no answer.
func (c *conn) uplinkResult(m *sdk.Command) {
	for i, u := range c.uplinks {
		if u.id == m.ID {
			c.uplinks = append(c.uplinks[:i], c.uplinks[i+1:]...)
			c.answerUplink(u.packet, m)
			c.goOn()
			return
		}
	}
}

// answerUplink says what became of a PUBLISH. In MQTT 3.1.1 there is no way to
// refuse one: if it may be sent again the connection ends, without which the
// device would not; else it is confirmed, or the device would send it for ever.
func (c *conn) answerUplink(id uint16, m *sdk.Command) {
	switch {
	case m.Code == 0:
		c.answer(id, packet.Success, "")
	case !m.Retryable:
		c.answer(id, pubackReason(m.Code), m.Text)
	case c.version == packet.V5:
		c.answer(id, packet.QuotaExceeded, m.Text)
	default:
		c.end(m.Code, m.Text, "")
	}
}

// answer writes a PUBACK, if there is something to confirm.
func (c *conn) answer(id uint16, reason byte, text string) {
	if c.quiet || c.sizeMax > 0 {
		text = ""
	}
	if id != 0 {
		c.out = packet.AppendPuback(c.room(), c.version, id, reason, text)
	}
}

// publishWill hands the will to the host.
func (c *conn) publishWill() {
	if w := c.will; w != nil {
		c.loop.emit(sdk.Event{
			Kind: sdk.EventUplink, Conn: c.id, ID: c.uplinkID(&w.Properties), Name: w.Topic,
			Headers: headersOf(&w.Properties), Payload: w.Payload,
		})
	}
	c.will = nil
}
