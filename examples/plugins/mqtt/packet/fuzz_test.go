package packet_test

import (
	"bytes"
	"testing"

	"github.com/eclipse/paho.golang/packets"

	"github.com/pushcore/pushcore/examples/plugins/mqtt/packet"
)

// FuzzRead reads whatever comes, in both versions: it must neither panic nor read
// beyond its packet, and whatever follows a packet must be left.
func FuzzRead(f *testing.F) {
	f.Add([]byte("\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04abcd"))
	f.Add([]byte("\x10\x11\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x04abcd"))
	f.Add([]byte("\x32\x0a\x00\x03a/b\x00\x01\x00hi"))
	f.Add([]byte("\x40\x04\x00\x01\x97\x00\x82\x08\x00\x01\x00\x00\x02ab\x01"))
	f.Add([]byte("\xa2\x07\x00\x01\x00\x00\x02ab\xe0\x02\x04\x00\xc0\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for in := b; ; {
			p, rest, err := packet.Split(in, 1<<16)
			if err != nil || p.Type == 0 {
				return
			}
			if len(rest) >= len(in) || !bytes.HasSuffix(in, rest) {
				t.Fatalf("of %x, %x is left", in, rest)
			}
			for _, v := range []packet.Version{packet.V311, packet.V5} {
				readAll(t, p, v)
			}
			in = rest
		}
	})
}

func readAll(t *testing.T, p packet.Raw, v packet.Version) {
	if c, err := packet.ReadConnect(p); err == nil && c.Will != nil && !packet.ValidTopic(c.Will.Topic) {
		t.Fatalf("the will's topic %q was taken", c.Will.Topic)
	}
	if m, err := packet.ReadPublish(p, v); err == nil && !packet.ValidTopic(string(m.Topic)) {
		t.Fatalf("the topic %q was taken", m.Topic)
	}
	if s, err := packet.ReadSubscribe(p, v); err == nil && (s.ID == 0 || len(s.Filters) == 0) {
		t.Fatalf("a SUBSCRIBE with id %d and %d filters was taken", s.ID, len(s.Filters))
	}
	_, _ = packet.ReadPuback(p, v)
	_, _ = packet.ReadUnsubscribe(p, v)
	_, _ = packet.ReadDisconnect(p, v)
}

// FuzzPublish has another codec read what ours has written.
func FuzzPublish(f *testing.F) {
	f.Add(uint16(7), true, "a/b", "text/plain", "id-1", []byte("hello"))
	f.Add(uint16(0), false, "t", "", "", []byte{})
	f.Fuzz(func(t *testing.T, id uint16, dup bool, topic, contentType, message string, payload []byte) {
		if id == 0 {
			dup = false
		}
		content := packet.AppendContent(nil, packet.V5, packet.Content{
			ContentType: contentType, User: []packet.Pair{{Name: "id", Value: message}}, Payload: payload,
		})
		if len(topic) > 1<<12 {
			return
		}
		b := packet.AppendPublish(nil, id, dup, topic, content)
		if want := packet.PublishSize(id, topic, len(content)); len(b) != want {
			t.Fatalf("PublishSize says %d, it has %d bytes", want, len(b))
		}
		p, err := packets.ReadPacket(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		m := p.Content.(*packets.Publish)
		if m.PacketID != id || m.Duplicate != dup || m.Topic != topic || !bytes.Equal(m.Payload, payload) {
			t.Fatalf("%x was read as %v", b, m)
		}
	})
}
