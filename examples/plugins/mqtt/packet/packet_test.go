package packet_test

import (
	"errors"
	"testing"

	"github.com/pushcore/pushcore/examples/plugins/mqtt/packet"
)

func TestSplitWaitsForWholePacketsAndBoundsThem(t *testing.T) {
	whole := append([]byte{0x30, 0x80, 0x01}, make([]byte, 128)...)
	for n := range len(whole) {
		if p, rest, err := packet.Split(whole[:n], 131); p.Type != 0 || err != nil || len(rest) != n {
			t.Fatalf("of %d bytes a packet was taken: type %d, error %v", n, p.Type, err)
		}
	}
	if p, rest, err := packet.Split(append(whole, 0xC0), 131); p.Type != packet.PUBLISH || len(p.Body) != 128 || len(rest) != 1 || err != nil {
		t.Fatalf("the whole packet is type %d with %d bytes, %d left, error %v", p.Type, len(p.Body), len(rest), err)
	}
	var e *packet.Error
	if _, _, err := packet.Split(whole[:3], 130); !errors.As(err, &e) || e.Reason != packet.PacketTooLarge {
		t.Fatalf("a packet that will be too long: %v", err)
	}
}

func TestConnectThatIsNotSpokenSaysInWhichVersionToAnswer(t *testing.T) {
	for _, c := range []struct {
		name, body string
		version    packet.Version
		reason     byte
	}{
		{"3.1", "\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x01a", packet.V311, packet.UnsupportedVersion},
		{"6", "\x00\x04MQTT\x06\x02\x00\x3c\x00\x00\x01a", packet.V5, packet.UnsupportedVersion},
		{"HTTP", "\x00\x04GET \x01\x02\x00\x3c\x00\x00\x01a", 0, packet.UnsupportedVersion},
		{"reserved flag", "\x00\x04MQTT\x04\x03\x00\x3c\x00\x01a", packet.V311, packet.Malformed},
		{"property twice", "\x00\x04MQTT\x05\x02\x00\x3c\x06\x21\x00\x05\x21\x00\x05\x00\x01a", packet.V5, packet.ProtocolError},
		{"receive maximum 0", "\x00\x04MQTT\x05\x02\x00\x3c\x03\x21\x00\x00\x00\x01a", packet.V5, packet.ProtocolError},
		{"cut short", "\x00\x04MQTT\x04\x02\x00\x3c\x00\x02a", packet.V311, packet.Malformed},
	} {
		m, err := packet.ReadConnect(packet.Raw{Type: packet.CONNECT, Body: []byte(c.body)})
		var e *packet.Error
		if !errors.As(err, &e) || e.Reason != c.reason || m.Version != c.version {
			t.Errorf("%s: version %d, error %v; want version %d, reason 0x%02X", c.name, m.Version, err, c.version, c.reason)
		}
	}
}

func TestPublishAndPubackAreReadWithoutAllocation(t *testing.T) {
	publish := packet.AppendPublish(nil, 7, false, "a/b", packet.AppendContent(nil, packet.V5, packet.Content{Payload: []byte("hi")}))
	stream := packet.AppendPuback(publish, packet.V5, 9, packet.Success, "")
	if n := testing.AllocsPerRun(100, func() {
		p, rest, _ := packet.Split(stream, 1<<10)
		m, err := packet.ReadPublish(p, packet.V5)
		if err != nil || m.ID != 7 {
			t.Fatalf("PUBLISH %d, error %v", m.ID, err)
		}
		p, _, _ = packet.Split(rest, 1<<10)
		if a, err := packet.ReadPuback(p, packet.V5); err != nil || a.ID != 9 {
			t.Fatalf("PUBACK %d, error %v", a.ID, err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
