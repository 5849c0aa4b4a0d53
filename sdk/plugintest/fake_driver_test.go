package plugintest

import (
	"bytes"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// memoryDriver makes devices of memory transports.
type memoryDriver struct{}

func (memoryDriver) Open(url string, d Dial, report func(Report)) (Device, error) {
	found, ok := memories.Load(url)
	if !ok {
		return nil, errors.New("connection refused")
	}
	m := found.(*memory)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, errors.New("connection refused")
	}
	m.next++
	c := &memoryConn{transport: m, id: m.next, wake: sync.NewCond(&m.mu)}
	if m.fault == "uses id 0" {
		c.id = 0
	}
	if !d.Silent {
		connect := &sdk.Connect{
			Credentials: d.Credentials, User: d.User, Device: d.Device, Platform: d.Platform, Codecs: d.Codecs,
			Groups: d.Groups, KeepAlive: d.KeepAlive, Window: d.Window, Resume: d.Resume,
			Meta: []sdk.Meta{{Name: sdk.MetaTransport, Value: "memory"}, {Name: sdk.MetaPeer, Value: "here"}},
		}
		c.in = append(c.in, func() *sdk.Event { return &sdk.Event{Kind: sdk.EventConnect, Connect: connect} })
	}
	if m.fault == "accepts before Listen" && m.limits[0] == nil {
		m.limits[0] = &sdk.Listen{}
	}
	m.welcome(c)
	go c.see(report)
	return (*memoryDevice)(c), nil
}

// see is the device's goroutine.
func (c *memoryConn) see(report func(Report)) {
	m := c.transport
	m.mu.Lock()
	defer m.mu.Unlock()
	end := Report{Kind: Closed}
	for {
		for !c.cut && (c.stalled || len(c.socket) == 0 && !c.ended) {
			c.wake.Wait()
		}
		if c.cut || len(c.socket) == 0 {
			break
		}
		r := c.socket[0]
		c.socket = c.socket[1:]
		if len(c.queue) > 0 {
			m.host.Poller(c.loop).Do(m.locked(func(l sdk.Loop) { c.flush(l) }))
		}
		if r.Kind == Closed {
			end = r
			continue
		}
		m.mu.Unlock()
		report(r)
		m.mu.Lock()
	}
	m.mu.Unlock()
	report(end)
	m.mu.Lock()
}

// memoryDevice is a memoryConn as a driver's device.
type memoryDevice memoryConn

func (d *memoryDevice) does(e sdk.Event) error {
	return d.queue1(func() *sdk.Event { copied := e; return &copied })
}

func (d *memoryDevice) queue1(f func() *sdk.Event) error {
	c := (*memoryConn)(d)
	m := c.transport
	m.mu.Lock()
	defer m.mu.Unlock()
	c.in = append(c.in, f)
	c.readSoon()
	return nil
}

// readSoon has the connection's loop read.
func (c *memoryConn) readSoon() {
	c.transport.host.Poller(c.loop).Do(c.transport.locked(func(l sdk.Loop) {
		if c.loop != l {
			c.readSoon() // It has moved.
			return
		}
		c.read(l)
	}))
}

func (d *memoryDevice) Ack(upTo uint64, also []sdk.SeqRange) error {
	return d.does(sdk.Event{Kind: sdk.EventAck, Seq: upTo, Ranges: slices.Clone(also)})
}

func (d *memoryDevice) Nack(seq uint64, retryAfter time.Duration, final bool, text string) error {
	return d.does(sdk.Event{Kind: sdk.EventNack, Seq: seq, RetryAfter: retryAfter, Final: final, Text: text})
}

func (d *memoryDevice) Send(id, name string, payload []byte) error {
	return d.does(sdk.Event{Kind: sdk.EventUplink, ID: id, Name: name, Payload: bytes.Clone(payload)})
}

func (d *memoryDevice) Join(group string, position uint64) error {
	return d.does(sdk.Event{Kind: sdk.EventJoin, Group: group, Position: position})
}

func (d *memoryDevice) Leave(group string) error {
	return d.does(sdk.Event{Kind: sdk.EventLeave, Group: group})
}

func (d *memoryDevice) Refresh(c sdk.Credentials) error {
	return d.does(sdk.Event{Kind: sdk.EventRefresh, Credentials: &c})
}

func (d *memoryDevice) set(f func(c *memoryConn)) error {
	c := (*memoryConn)(d)
	c.transport.mu.Lock()
	defer c.transport.mu.Unlock()
	f(c)
	c.wake.Broadcast()
	return nil
}

func (d *memoryDevice) Stall() error   { return d.set(func(c *memoryConn) { c.stalled = true }) }
func (d *memoryDevice) Unstall() error { return d.set(func(c *memoryConn) { c.stalled = false }) }
func (d *memoryDevice) Cut() error {
	return d.set(func(c *memoryConn) { c.cut = true; c.readSoon() })
}
func (d *memoryDevice) Close() error { return d.Cut() }
func (d *memoryDevice) Offend() error {
	return d.queue1(func() *sdk.Event { return nil })
}
