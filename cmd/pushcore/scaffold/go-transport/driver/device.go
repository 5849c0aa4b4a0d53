package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/plugintest"
)

// lines makes devices.
type lines struct{}

// Open implements plugintest.Driver.
func (lines) Open(url string, d plugintest.Dial, report func(plugintest.Report)) (plugintest.Device, error) {
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "yourplugin://"))
	if err != nil {
		return nil, err
	}
	v := &device{conn: conn.(*net.TCPConn)}
	if !d.Silent {
		if err := v.say(map[string]any{"user": d.User, "device": d.Device, "token": d.Credentials.Token}); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	go v.read(report)
	return v, nil
}

// device is one connection, seen from the device.
type device struct {
	conn  *net.TCPConn
	stall sync.Mutex // held while it does not read
}

func (d *device) say(what map[string]any) error { return json.NewEncoder(d.conn).Encode(what) }

// read reports lines until the end.
func (d *device) read(report func(plugintest.Report)) {
	end := plugintest.Report{Kind: plugintest.Closed}
	for in := bufio.NewReader(d.conn); ; {
		d.stall.Lock()
		d.stall.Unlock() //nolint:staticcheck // It only waits.
		b, err := in.ReadBytes('\n')
		if err != nil {
			break
		}
		if r := parse(b); r.Kind == plugintest.Closed {
			end = r
		} else {
			report(r)
		}
	}
	_ = d.conn.Close() // It has ended.
	report(end)
}

// parse makes a report of a line of the node.
func parse(b []byte) plugintest.Report {
	var l struct {
		Session, Sent, Joined, Ended, Text, ID, Name, Payload string
		Code                                                  uint16
		Seq                                                   uint64
	}
	if err := json.Unmarshal(b, &l); err != nil {
		return plugintest.Report{Kind: plugintest.Closed, Text: err.Error()}
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

// Ack implements plugintest.Device, as the following do.
func (d *device) Ack(upTo uint64, _ []sdk.SeqRange) error { return d.say(map[string]any{"ack": upTo}) }

func (d *device) Send(id, name string, b []byte) error {
	return d.say(map[string]any{"send": string(b), "id": id, "name": name})
}

func (d *device) Join(group string, _ uint64) error { return d.say(map[string]any{"join": group}) }
func (d *device) Leave(group string) error          { return d.say(map[string]any{"leave": group}) }

func (*device) Nack(uint64, time.Duration, bool, string) error { return errors.ErrUnsupported }
func (*device) Refresh(sdk.Credentials) error                  { return errors.ErrUnsupported }

func (d *device) Stall() error {
	d.stall.Lock()
	return nil
}

func (d *device) Unstall() error {
	d.stall.TryLock()
	d.stall.Unlock()
	return nil
}

// Cut ends the connection as a network does.
func (d *device) Cut() error { return errors.Join(d.conn.SetLinger(0), d.conn.Close(), d.Unstall()) }

func (d *device) Close() error { return d.conn.CloseWrite() }

// Offend says what is no line.
func (d *device) Offend() error {
	_, err := d.conn.Write([]byte("hello\n"))
	return err
}
