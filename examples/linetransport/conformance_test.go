package linetransport_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pushcore/pushcore/examples/linetransport"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/plugintest"
)

func TestConformance(t *testing.T) {
	plugintest.TestTransport(t, plugintest.TransportSuite{
		New:     func() sdk.Transport { return linetransport.New() },
		Options: []byte(`{"listen":"127.0.0.1:0"}`),
		Driver:  driver{},
		Lacks: []plugintest.Ability{
			plugintest.AckRanges, plugintest.Nacks, plugintest.Refreshes, plugintest.Resumes, plugintest.Heartbeats, plugintest.Platforms,
			plugintest.Codecs, plugintest.KeepAlives, plugintest.Windows, plugintest.OpenGroups, plugintest.Positions,
			plugintest.HostTime, plugintest.HostCredit,
		},
	})
}

// driver makes devices that speak lines.
type driver struct{}

func (driver) Open(url string, d plugintest.Dial, report func(plugintest.Report)) (plugintest.Device, error) {
	socket, err := net.Dial("tcp", strings.TrimPrefix(url, "line://"))
	if err != nil {
		return nil, err
	}
	v := &device{socket: socket.(*net.TCPConn)}
	if !d.Silent {
		err = v.say(map[string]any{"user": d.User, "token": d.Credentials.Token})
	}
	go v.read(report)
	return v, err
}

type device struct {
	socket *net.TCPConn
	stall  sync.Mutex // held while stalled
}

func (d *device) say(what map[string]any) error { return json.NewEncoder(d.socket).Encode(what) }

// read reports lines until the end.
func (d *device) read(report func(plugintest.Report)) {
	end := plugintest.Report{Kind: plugintest.Closed}
	for lines := bufio.NewReader(d.socket); ; {
		d.stall.Lock()
		d.stall.Unlock() //nolint:staticcheck // It only waits.
		b, err := lines.ReadBytes('\n')
		if err != nil {
			break
		}
		switch r := parse(b); r.Kind {
		case plugintest.Closed:
			end = r
		default:
			report(r)
		}
	}
	_ = d.socket.Close() // It has ended.
	report(end)
}

func parse(b []byte) plugintest.Report {
	var l struct {
		Session, Sent, Joined, Ended, Text, ID, Name, Payload string
		Code                                                  uint16
		Seq                                                   uint64
	}
	if err := json.Unmarshal(b, &l); err != nil {
		return plugintest.Report{}
	}
	r := plugintest.Report{Code: l.Code, Text: l.Text, Seq: l.Seq, ID: l.ID, Name: l.Name, Payload: []byte(l.Payload)}
	switch {
	case l.Session != "":
		r.Kind = plugintest.Opened
	case l.Sent != "":
		r.Kind, r.ID = plugintest.Sent, l.Sent
	case l.Joined != "":
		r.Kind, r.Group = plugintest.Joined, l.Joined
	case l.Ended == "rejected":
		r.Kind = plugintest.Rejected
	case l.Ended != "":
		r.Kind = plugintest.Closed
	default:
		r.Kind = plugintest.Pushed
	}
	return r
}

func (d *device) Ack(upTo uint64, _ []sdk.SeqRange) error { return d.say(map[string]any{"ack": upTo}) }
func (d *device) Send(id, name string, b []byte) error {
	return d.say(map[string]any{"send": string(b), "id": id, "name": name})
}
func (d *device) Join(group string, _ uint64) error { return d.say(map[string]any{"join": group}) }
func (d *device) Leave(group string) error          { return d.say(map[string]any{"leave": group}) }

func (d *device) Nack(uint64, time.Duration, bool, string) error { return errors.ErrUnsupported }
func (d *device) Refresh(sdk.Credentials) error                  { return errors.ErrUnsupported }

func (d *device) Stall() error {
	d.stall.Lock()
	return nil
}

func (d *device) Unstall() error {
	d.stall.TryLock()
	d.stall.Unlock()
	return nil
}

func (d *device) Cut() error {
	return errors.Join(d.socket.SetLinger(0), d.socket.Close(), d.Unstall())
}

func (d *device) Close() error  { return d.socket.CloseWrite() }
func (d *device) Offend() error { _, err := d.socket.Write([]byte("hello\n")); return err }
