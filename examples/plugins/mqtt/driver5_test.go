package mqtt_test

import (
	"bytes"
	"errors"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/plugintest"
)

// driver5 makes devices that speak MQTT 5, on a codec that is not ours.
type driver5 struct{}

func (driver5) Open(url string, d plugintest.Dial, report func(plugintest.Report)) (plugintest.Device, error) {
	socket, err := net.Dial("tcp", strings.TrimPrefix(url, "mqtt://"))
	if err != nil {
		return nil, err
	}
	v := &device5{device: newDevice(socket)}
	if !d.Silent {
		err = v.connect(d)
	}
	go v.read(report, v.next)
	return v, err
}

// device5 is a device that speaks MQTT 5.
type device5 struct{ *device }

func (v *device5) connect(d plugintest.Dial) error {
	m := &packets.Connect{
		ProtocolName: "MQTT", ProtocolVersion: 5, ClientID: d.Device, KeepAlive: uint16(d.KeepAlive / time.Second),
		CleanStart: d.Resume == nil, Properties: &packets.Properties{},
	}
	if d.Credentials.Kind == sdk.CredentialBearer {
		m.PasswordFlag, m.Password = true, []byte(d.Credentials.Token)
	}
	if d.Window > 0 {
		window := uint16(d.Window)
		m.Properties.ReceiveMaximum = &window
	}
	return v.write(m)
}

func (v *device5) write(p packets.Packet) error {
	var b bytes.Buffer
	if _, err := p.WriteTo(&b); err != nil {
		return err
	}
	_, err := v.socket.Write(b.Bytes())
	return err
}

// next reads a packet and reports it.
func (v *device5) next() (plugintest.Report, error) {
	p, err := packets.ReadPacket(v.socket)
	if err != nil {
		return plugintest.Report{}, err
	}
	switch m := p.Content.(type) {
	case *packets.Connack:
		if m.ReasonCode != 0 {
			return plugintest.Report{Kind: plugintest.Rejected, Code: codeOf(m.Properties), Text: m.Properties.ReasonString}, nil
		}
		return plugintest.Report{Kind: plugintest.Opened, Resumed: m.SessionPresent}, nil
	case *packets.Publish:
		v.got(m.PacketID)
		return plugintest.Report{
			Kind: plugintest.Pushed, Seq: uint64(m.PacketID), ID: property(m.Properties, "id"), Name: m.Topic, Payload: m.Payload,
		}, nil
	case *packets.Disconnect:
		return plugintest.Report{Kind: plugintest.Closed, Code: codeOf(m.Properties), Text: m.Properties.ReasonString}, nil
	}
	return plugintest.Report{}, nil
}

func property(p *packets.Properties, name string) string {
	for _, u := range p.User {
		if u.Key == name {
			return u.Value
		}
	}
	return ""
}

func codeOf(p *packets.Properties) uint16 {
	n, _ := strconv.ParseUint(property(p, "code"), 10, 16)
	return uint16(n)
}

func (v *device5) Ack(upTo uint64, also []sdk.SeqRange) error {
	var errs []error
	for _, id := range v.ackable(upTo, also) {
		errs = append(errs, v.write(&packets.Puback{PacketID: id, Properties: &packets.Properties{}}))
	}
	return errors.Join(errs...)
}

func (v *device5) Send(id, name string, payload []byte) error {
	return v.write(&packets.Publish{
		QoS: 1, PacketID: v.nextID(), Topic: name, Payload: payload,
		Properties: &packets.Properties{User: []packets.User{{Key: "id", Value: id}}},
	})
}

func (v *device5) Join(group string, _ uint64) error {
	return v.write(&packets.Subscribe{PacketID: v.nextID(), Properties: &packets.Properties{}, Subscriptions: []packets.SubOptions{{Topic: group, QoS: 1}}})
}

func (v *device5) Leave(group string) error {
	return v.write(&packets.Unsubscribe{PacketID: v.nextID(), Properties: &packets.Properties{}, Topics: []string{group}})
}

func (v *device5) Close() error {
	return errors.Join(v.write(&packets.Disconnect{Properties: &packets.Properties{}}), v.closeWrite())
}
