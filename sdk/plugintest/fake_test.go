package plugintest

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// fault is how a memory transport breaks the contract; "" is not at all.
type fault string

// socketFrames is what a memory connection takes before it jams.
const socketFrames = 16

// memory is a transport whose devices live in the same process.
type memory struct {
	fault fault
	host  sdk.Host
	url   string

	mu      sync.Mutex // guards everything following, the connections included
	limits  []*sdk.Listen
	waiting []*memoryConn // until a loop listens
	conns   map[sdk.ConnID]*memoryConn
	next    sdk.ConnID
	closed  bool
	timers  []sdk.TimerID
}

var (
	memories   sync.Map // by URL
	memoryPort sync.Mutex
	memoryNext = 1000
)

var leaked []*os.File // kept from being collected

type memoryPhase int

const (
	memoryConnecting memoryPhase = iota
	memoryWaiting
	memoryMoving
	memoryAttached
	memoryEnding
	memoryGone
)

// memoryConn is a connection; the driver's device holds it, too.
type memoryConn struct {
	transport *memory
	id        sdk.ConnID
	loop      sdk.Loop
	phase     memoryPhase
	in        []func() *sdk.Event // what the device did, not read yet
	turn      []Report            // appended, not flushed
	queue     []Report            // flushed, not taken by the socket
	socket    []Report            // taken, not seen by the device
	congested bool
	paused    bool
	cut       bool
	silentFor time.Duration
	heartbeat time.Duration
	began     time.Time

	wake    *sync.Cond
	stalled bool
	ended   bool // the device sees the end after what is in socket
}

func newMemory(f fault) *memory {
	return &memory{fault: f, conns: map[sdk.ConnID]*memoryConn{}}
}

func (m *memory) Info() sdk.Info {
	return sdk.Info{Name: "memory", Kind: sdk.KindTransport, Version: "1", APIVersion: sdk.APIVersion}
}

func (m *memory) Configure(options []byte) (sdk.Setup, []sdk.OptionError) {
	if string(options) != "{}" {
		return sdk.Setup{}, []sdk.OptionError{{Message: "there are no options"}}
	}
	return sdk.Setup{Listen: []string{"127.0.0.1:0"}}, nil
}

func (m *memory) Open(h sdk.Host) ([]sdk.Endpoint, error) {
	memoryPort.Lock()
	memoryNext++
	m.url = fmt.Sprintf("mem://127.0.0.1:%d", memoryNext)
	memoryPort.Unlock()
	m.host, m.limits, m.timers = h, make([]*sdk.Listen, h.Loops()), make([]sdk.TimerID, h.Loops())
	memories.Store(m.url, m)
	switch m.fault {
	case "uses large ids":
		m.next = 1 << 48
	case "leaks a descriptor":
		f, err := os.Open(".")
		if err != nil {
			return nil, err
		}
		leaked = append(leaked, f)
	}
	if m.fault == "leaks a goroutine" {
		go func() { select {} }()
	}
	return []sdk.Endpoint{{URL: m.url}}, nil
}

type memoryTask func(sdk.Loop)

func (f memoryTask) Run(l sdk.Loop)                  { f(l) }
func (f memoryTask) Alarm(l sdk.Loop, _ sdk.TimerID) { f(l) }

// locked is a task that holds the lock.
func (m *memory) locked(f func(l sdk.Loop)) memoryTask {
	return func(l sdk.Loop) {
		m.mu.Lock()
		defer m.mu.Unlock()
		f(l)
	}
}

func (m *memory) emit(l sdk.Loop, e sdk.Event) {
	if m.fault == "emits on another loop" && e.Kind == sdk.EventUplink {
		other := (l + 1) % sdk.Loop(len(m.limits))
		m.host.Poller(other).Do(memoryTask(func(other sdk.Loop) { m.host.Emit(other, []sdk.Event{e}) }))
		return
	}
	m.host.Emit(l, []sdk.Event{e})
	if m.fault == "speaks after Closed" && e.Kind == sdk.EventClosed {
		m.host.Emit(l, []sdk.Event{{Kind: sdk.EventWritable, Conn: e.Conn}})
	}
	if m.fault == "is congested twice" && e.Kind == sdk.EventCongested {
		m.host.Emit(l, []sdk.Event{e})
	}
}

// welcome begins a connection on a loop that listens.
func (m *memory) welcome(c *memoryConn) {
	for l := range sdk.Loop(len(m.limits)) {
		l = (l + sdk.Loop(c.id)) % sdk.Loop(len(m.limits))
		if m.limits[l] == nil {
			continue
		}
		c.loop = l
		m.host.Poller(l).Do(m.locked(func(l sdk.Loop) {
			if most := m.limits[l]; most != nil && most.MaxUnauthenticated > 0 && m.strangers(l) >= most.MaxUnauthenticated {
				c.hangUp()
				return
			}
			m.conns[c.id], c.began = c, m.host.Now(l)
			c.read(l)
		}))
		return
	}
	m.waiting = append(m.waiting, c)
}

func (m *memory) strangers(l sdk.Loop) int {
	n := 0
	for _, c := range m.conns {
		if c.loop == l && c.phase <= memoryWaiting {
			n++
		}
	}
	return n
}

func (m *memory) Deliver(l sdk.Loop, b *sdk.Batch) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, i := range b.Items {
		c := m.conns[i.Conn]
		if c == nil || c.phase != memoryAttached || c.loop != l {
			continue
		}
		s := &b.Messages[i.Message]
		r := Report{Kind: Pushed, Seq: i.Seq, ID: s.ID, Name: s.Name, Payload: s.Payload}
		if m.fault != "keeps batch memory" {
			r.Payload = bytes.Clone(r.Payload)
		}
		if m.fault == "drops on stall" && c.congested {
			continue
		}
		c.say(r)
		if m.fault == "repeats" && len(c.turn) == 3 {
			c.say(r)
		}
		if m.fault == "writes before Flush" {
			c.flush(l)
		}
	}
}

func (m *memory) Command(l sdk.Loop, commands []sdk.Command) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range commands {
		switch k := &commands[i]; k.Kind {
		case sdk.CommandListen:
			limits := *k.Listen
			m.limits[l] = &limits
			waiting := m.waiting
			m.waiting = nil
			for _, c := range waiting {
				m.welcome(c)
			}
			m.sweep(l)
		case sdk.CommandStopListening:
			m.limits[l] = nil
		default:
			if c := m.conns[k.Conn]; c != nil && c.loop == l {
				c.command(l, k)
			}
		}
	}
}

// sweep looks for time-outs every second.
func (m *memory) sweep(l sdk.Loop) {
	m.timers[l] = m.host.Poller(l).Timer(time.Second, m.locked(func(l sdk.Loop) {
		for _, c := range m.conns {
			if c.loop == l {
				c.time(l)
			}
		}
		if !m.closed {
			m.sweep(l)
		}
	}))
}

func (c *memoryConn) time(l sdk.Loop) {
	limits := c.transport.limits[l]
	if c.phase == memoryConnecting && limits != nil && limits.ConnectTimeout > 0 &&
		c.transport.host.Now(l).Sub(c.began) > limits.ConnectTimeout {
		c.drop(l, 0, "")
		return
	}
	if c.paused || c.heartbeat == 0 {
		return
	}
	if c.silentFor += time.Second; c.silentFor > c.heartbeat*3/2 {
		c.drop(l, uint16(wire.CodeHeartbeatTimeout), "silence")
	}
}

func (m *memory) Flush(l sdk.Loop) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.conns {
		if c.loop == l && c.phase != memoryMoving {
			c.flush(l)
		}
	}
}

func (m *memory) Close(deadline time.Time) error {
	if m.fault == "closes late" {
		defer func() { <-time.After(time.Until(deadline) + 2*closeLate) }()
	}
	memories.Delete(m.url)
	m.mu.Lock()
	m.closed = true
	for _, c := range m.waiting {
		c.hangUp()
	}
	m.mu.Unlock()
	for l := range sdk.Loop(len(m.limits)) {
		done := make(chan struct{})
		m.host.Poller(l).Do(m.locked(func(l sdk.Loop) {
			m.host.Poller(l).Cancel(m.timers[l])
			for _, c := range m.conns {
				if c.loop == l && m.fault != "forgets connections on Close" {
					c.drop(l, uint16(wire.CodeGoingAway), "")
				} else if c.loop == l {
					c.hangUp()
				}
			}
			close(done)
		}))
		<-done
	}
	return nil
}

func (c *memoryConn) say(r Report) {
	if c.phase < memoryEnding {
		c.turn = append(c.turn, r)
	}
}

func (c *memoryConn) command(l sdk.Loop, k *sdk.Command) {
	m := c.transport
	switch k.Kind {
	case sdk.CommandAccept:
		c.accept(l, k.Accept)
	case sdk.CommandReject:
		c.end(l, Report{Kind: Rejected, Code: k.Code, Text: k.Text})
	case sdk.CommandClose:
		if m.fault == "loses on close" {
			c.turn, c.queue = nil, nil
		}
		c.end(l, Report{Kind: Closed, Code: k.Code, Text: k.Text})
		if m.fault == "closes twice" {
			m.emit(l, sdk.Event{Kind: sdk.EventClosed, Conn: c.id})
		}
	case sdk.CommandUplinkResult:
		if m.fault == "swallows refusals" && k.Code != 0 {
			return
		}
		c.say(Report{Kind: Sent, ID: k.ID, Code: k.Code, Text: k.Text})
	case sdk.CommandJoinResult:
		c.say(Report{Kind: Joined, Group: k.Group, Code: k.Code, Text: k.Text})
	case sdk.CommandRefreshResult:
		c.say(Report{Kind: Refreshed, Code: k.Code, Text: k.Text})
	case sdk.CommandPause:
		c.paused = m.fault != "ignores pause"
	case sdk.CommandResume:
		c.paused = false
		c.read(l)
	}
}

func (c *memoryConn) accept(l sdk.Loop, a *sdk.Accept) {
	if c.phase != memoryWaiting {
		return
	}
	m := c.transport
	c.say(Report{Kind: Opened})
	c.phase, c.loop, c.heartbeat = memoryMoving, a.Owner, a.Heartbeat
	if m.fault == "attaches on the wrong loop" {
		c.loop = l
	}
	m.host.Poller(c.loop).Do(m.locked(func(l sdk.Loop) {
		if c.phase != memoryMoving {
			return
		}
		c.phase = memoryAttached
		if m.fault == "emits from a goroutine of its own" {
			done := make(chan struct{})
			go func() { m.emit(l, sdk.Event{Kind: sdk.EventAttached, Conn: c.id}); close(done) }()
			<-done
		} else {
			m.emit(l, sdk.Event{Kind: sdk.EventAttached, Conn: c.id})
		}
		c.read(l)
	}))
}

// reads says whether what the device did may be taken.
func (c *memoryConn) reads() bool {
	switch c.phase {
	case memoryConnecting:
		return true
	case memoryWaiting:
		return c.transport.fault == "reads before Attached"
	case memoryAttached:
		return !c.paused
	default:
		return false
	}
}

// read takes what the device did.
func (c *memoryConn) read(l sdk.Loop) {
	m := c.transport
	for len(c.in) > 0 && c.reads() {
		if m.host.Credit(l) == 0 && c.phase == memoryAttached && m.fault != "ignores credit" {
			m.host.Poller(l).Do(m.locked(func(l sdk.Loop) { c.read(l) })) // Next turn.
			return
		}
		c.silentFor = 0
		next := c.in[0]
		c.in = c.in[1:]
		e := next()
		if e == nil {
			c.drop(l, uint16(wire.CodeProtocolError), "")
			return
		}
		if e.Conn = c.id; e.Kind == sdk.EventConnect {
			c.phase = memoryWaiting
		}
		if m.fault == "acks what was not acked" && e.Kind == sdk.EventAck {
			e.Seq++
		}
		m.emit(l, *e)
	}
	if c.cut && c.phase < memoryGone && c.phase != memoryMoving {
		c.drop(l, 0, "")
	}
}

// flush gives the socket what it takes.
func (c *memoryConn) flush(l sdk.Loop) {
	m := c.transport
	if m.fault == "reorders" && len(c.turn) >= 3 {
		n := len(c.turn)
		c.turn[n-1], c.turn[n-2] = c.turn[n-2], c.turn[n-1]
	}
	c.queue = append(c.queue, c.turn...)
	c.turn = nil
	n := min(len(c.queue), socketFrames-len(c.socket))
	c.socket = append(c.socket, c.queue[:n]...)
	c.queue = slices.Clone(c.queue[n:])
	c.wake.Broadcast()
	switch jammed := len(c.queue) > 0; {
	case c.phase == memoryEnding && !jammed:
		c.phase = memoryGone
		delete(m.conns, c.id)
		c.ended = true
	case c.phase == memoryAttached && jammed && !c.congested:
		c.congested = true
		m.emit(l, sdk.Event{Kind: sdk.EventCongested, Conn: c.id, Queued: len(c.queue)})
	case c.phase == memoryAttached && !jammed && c.congested && m.fault != "never says Writable":
		c.congested = false
		m.emit(l, sdk.Event{Kind: sdk.EventWritable, Conn: c.id})
	}
}

// end says why, behind what is queued.
func (c *memoryConn) end(l sdk.Loop, r Report) {
	if c.phase >= memoryEnding || c.phase == memoryMoving {
		return
	}
	c.say(r)
	c.phase = memoryEnding
	c.transport.emit(l, sdk.Event{Kind: sdk.EventClosed, Conn: c.id, Code: r.Code, Text: r.Text})
}

func (c *memoryConn) hangUp() {
	c.phase, c.ended = memoryGone, true
	delete(c.transport.conns, c.id)
	c.wake.Broadcast()
}

// drop ends the connection now.
func (c *memoryConn) drop(l sdk.Loop, code uint16, text string) {
	before := c.phase
	c.hangUp()
	if before == memoryMoving {
		c.transport.emit(l, sdk.Event{Kind: sdk.EventAttached, Conn: c.id})
	}
	if before > memoryConnecting && before < memoryEnding {
		c.transport.emit(l, sdk.Event{Kind: sdk.EventClosed, Conn: c.id, Code: code, Text: text})
	}
}
