package mqtt_test

import (
	"bytes"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/plugintest"
)

// driver311 makes devices that speak MQTT 3.1.1, on a codec that is not ours.
type driver311 struct{}

func (driver311) Open(url string, d plugintest.Dial, report func(plugintest.Report)) (plugintest.Device, error) {
	socket, err := net.Dial("tcp", strings.TrimPrefix(url, "mqtt://"))
	if err != nil {
		return nil, err
	}
	v := &device311{device: newDevice(socket)}
	if !d.Silent {
		m := packets.NewControlPacket(packets.Connect).(*packets.ConnectPacket)
		m.ProtocolName, m.ProtocolVersion, m.ClientIdentifier, m.Keepalive = "MQTT", 4, d.Device, uint16(d.KeepAlive/time.Second)
		m.CleanSession, m.UsernameFlag, m.PasswordFlag, m.Password = d.Resume == nil, true, true, []byte(d.Credentials.Token)
		err = v.write(m)
	}
	go v.read(report, v.next)
	return v, err
}

// device311 is a device that speaks MQTT 3.1.1.
type device311 struct{ *device }

func (v *device311) write(p packets.ControlPacket) error {
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		return err
	}
	_, err := v.socket.Write(b.Bytes())
	return err
}

// next reads a packet and reports it.
func (v *device311) next() (plugintest.Report, error) {
	p, err := packets.ReadPacket(v.socket)
	if err != nil {
		return plugintest.Report{}, err
	}
	switch m := p.(type) {
	case *packets.ConnackPacket:
		if m.ReturnCode != 0 {
			return plugintest.Report{Kind: plugintest.Rejected}, nil
		}
		return plugintest.Report{Kind: plugintest.Opened, Resumed: m.SessionPresent}, nil
	case *packets.PublishPacket:
		v.got(m.MessageID)
		return plugintest.Report{Kind: plugintest.Pushed, Seq: uint64(m.MessageID), Name: m.TopicName, Payload: m.Payload}, nil
	}
	return plugintest.Report{}, nil
}

func (v *device311) Ack(upTo uint64, also []sdk.SeqRange) error {
	var errs []error
	for _, id := range v.ackable(upTo, also) {
		m := packets.NewControlPacket(packets.Puback).(*packets.PubackPacket)
		m.MessageID = id
		errs = append(errs, v.write(m))
	}
	return errors.Join(errs...)
}

func (v *device311) Send(_, name string, payload []byte) error {
	m := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	m.Qos, m.MessageID, m.TopicName, m.Payload = 1, v.nextID(), name, payload
	return v.write(m)
}

func (v *device311) Join(group string, _ uint64) error {
	m := packets.NewControlPacket(packets.Subscribe).(*packets.SubscribePacket)
	m.MessageID, m.Topics, m.Qoss = v.nextID(), []string{group}, []byte{1}
	return v.write(m)
}

func (v *device311) Leave(group string) error {
	m := packets.NewControlPacket(packets.Unsubscribe).(*packets.UnsubscribePacket)
	m.MessageID, m.Topics = v.nextID(), []string{group}
	return v.write(m)
}

func (v *device311) Close() error {
	return errors.Join(v.write(packets.NewControlPacket(packets.Disconnect)), v.closeWrite())
}
