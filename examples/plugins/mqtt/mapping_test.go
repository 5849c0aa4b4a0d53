package mqtt_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"github.com/pushcore/pushcore/examples/plugins/mqtt"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/plugintest"
	"github.com/pushcore/pushcore/sdk/wire"
)

// session is a device of MQTT 5 with a session on the kit's host.
type session struct {
	t         *testing.T
	host      *plugintest.Host
	transport *mqtt.Transport
	device    *device5
	conn      sdk.ConnID
}

// openSession lets a device in with what it says.
func openSession(t *testing.T, m *packets.Connect) *session {
	t.Helper()
	h, err := plugintest.NewHost(1)
	if err != nil {
		t.Skip(err)
	}
	s := &session{t: t, host: h, transport: mqtt.New()}
	if _, faults := s.transport.Configure([]byte(`{"listen":"127.0.0.1:0"}`)); len(faults) > 0 {
		t.Fatal(faults)
	}
	endpoints, err := h.Open(s.transport)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(time.Now().Add(patience)); err != nil {
			t.Error(err)
		}
	})
	s.command(sdk.Command{Kind: sdk.CommandListen, Listen: &sdk.Listen{}})
	socket, err := net.Dial("tcp", strings.TrimPrefix(endpoints[0].URL, "mqtt://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	s.device = &device5{device: newDevice(socket)}
	m.ProtocolName, m.ProtocolVersion, m.ClientID = "MQTT", 5, "phone"
	s.say(m)
	s.conn = s.event(sdk.EventConnect).Conn
	s.command(sdk.Command{Kind: sdk.CommandAccept, Conn: s.conn, Accept: &sdk.Accept{Resumed: !m.CleanStart}})
	if ack := s.hear().Content.(*packets.Connack); ack.ReasonCode != 0 || ack.SessionPresent == m.CleanStart {
		t.Fatalf("CONNACK is %v", ack)
	}
	return s
}

func (s *session) command(c sdk.Command) {
	s.host.Turn(0, func() { s.transport.Command(0, []sdk.Command{c}) })
}

func (s *session) say(p packets.Packet) {
	s.t.Helper()
	if err := s.device.write(p); err != nil {
		s.t.Fatal(err)
	}
}

func (s *session) hear() *packets.ControlPacket {
	s.t.Helper()
	p, err := packets.ReadPacket(s.device.socket)
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// event waits for the first event of a kind.
func (s *session) event(k sdk.EventKind) (found sdk.Event) {
	s.t.Helper()
	if !s.host.Await(patience, func() bool {
		for _, e := range s.host.Events() {
			if e.Event.Kind == k {
				found = e.Event
				return true
			}
		}
		return false
	}) {
		s.t.Fatalf("no event of kind %d came", k)
	}
	return found
}

func (s *session) push(seq uint64) *packets.Publish {
	s.t.Helper()
	s.host.Turn(0, func() {
		s.transport.Deliver(0, &sdk.Batch{
			Messages: []sdk.Message{{ID: "m", FromGroup: "chat.1", Payload: []byte("hi")}}, Items: []sdk.Item{{Conn: s.conn, Seq: seq}},
		})
	})
	return s.hear().Content.(*packets.Publish)
}

func TestSessionGoesOnWithoutToken(t *testing.T) {
	s := openSession(t, &packets.Connect{Username: "eva", UsernameFlag: true})
	c := s.event(sdk.EventConnect).Connect
	if c.Resume == nil || c.Resume.Token != nil || c.User != "eva" || c.Device != "phone" {
		t.Errorf("Connect is %+v", c)
	}
}

func TestMessageSentAgainHasItsPacketIDAndDUP(t *testing.T) {
	s := openSession(t, &packets.Connect{CleanStart: true})
	first, again := s.push(70000), s.push(70000)
	if first.Duplicate || !again.Duplicate || first.PacketID != again.PacketID || first.PacketID != 70000-65535 {
		t.Errorf("sent was %v, then %v", first, again)
	}
	s.say(&packets.Puback{PacketID: first.PacketID, ReasonCode: 0x97, Properties: &packets.Properties{}})
	if n := s.event(sdk.EventNack); n.Seq != 70000 || n.Final || n.RetryAfter == 0 {
		t.Errorf("a device that is full: %+v", n)
	}
}

func TestReliableMessageOfAQoS0SubscriptionIsAckedByWrite(t *testing.T) {
	s := openSession(t, &packets.Connect{CleanStart: true})
	s.say(&packets.Subscribe{PacketID: 1, Properties: &packets.Properties{}, Subscriptions: []packets.SubOptions{{Topic: "chat.1"}}})
	s.command(sdk.Command{Kind: sdk.CommandJoinResult, Conn: s.conn, Group: s.event(sdk.EventJoin).Group})
	if a := s.hear().Content.(*packets.Suback); a.Reasons[0] != 0 {
		t.Errorf("SUBACK is %v", a)
	}
	if m := s.push(7); m.QoS != 0 || m.Topic != "chat.1" {
		t.Errorf("PUBLISH is %v", m)
	}
	if a := s.event(sdk.EventAck); a.By != sdk.AckByWrite || len(a.Ranges) != 1 || a.Ranges[0].First != 7 {
		t.Errorf("the ack is %+v", a)
	}
	for _, f := range s.host.Failures() {
		if f.Rule == plugintest.RuleAcked { // It has not seen our commands, and so knows no session.
			t.Error(f)
		}
	}
}

func TestRefusedUplinkSaysWhetherToSendAgain(t *testing.T) {
	for _, c := range []struct {
		code      wire.Code
		retryable bool
		reason    byte
	}{{0, false, 0}, {wire.CodeUnavailable, true, 0x97}, {wire.CodeNoRoute, false, 0x83}, {wire.CodeFrameTooLarge, false, 0x80}} {
		s := openSession(t, &packets.Connect{CleanStart: true})
		if err := s.device.Send("", "up", []byte("x")); err != nil {
			t.Fatal(err)
		}
		id := s.event(sdk.EventUplink).ID
		s.command(sdk.Command{Kind: sdk.CommandUplinkResult, Conn: s.conn, ID: id, Code: uint16(c.code), Retryable: c.retryable})
		if a := s.hear().Content.(*packets.Puback); a.ReasonCode != c.reason || a.PacketID != 1 {
			t.Errorf("code %d is answered %v, want reason 0x%02X", c.code, a, c.reason)
		}
	}
}

func TestWillComesBeforeClosedUnlessTheDeviceSaysGoodbye(t *testing.T) {
	for _, goodbye := range []bool{false, true} {
		s := openSession(t, &packets.Connect{CleanStart: true, WillFlag: true, WillTopic: "gone", WillMessage: []byte("bye"), WillProperties: &packets.Properties{}})
		end := s.device.Cut
		if goodbye {
			end = s.device.Close
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
		s.event(sdk.EventClosed)
		var kinds []sdk.EventKind
		for _, e := range s.host.Events() {
			kinds = append(kinds, e.Event.Kind)
		}
		if will := len(kinds) == 4 && kinds[2] == sdk.EventUplink; will == goodbye {
			t.Errorf("goodbye %t: events are %v", goodbye, kinds)
		}
	}
}

func TestQoS2AndWildcardsAreRefused(t *testing.T) {
	s := openSession(t, &packets.Connect{CleanStart: true})
	if err := s.device.Join("a/#", 0); err != nil {
		t.Fatal(err)
	}
	if a := s.hear().Content.(*packets.Suback); a.Reasons[0] != 0xA2 {
		t.Errorf("SUBACK is %v", a)
	}
	s.say(&packets.Publish{QoS: 2, PacketID: 1, Topic: "up", Properties: &packets.Properties{}})
	if d := s.hear().Content.(*packets.Disconnect); d.ReasonCode != 0x9B {
		t.Errorf("DISCONNECT is %v", d)
	}
}
