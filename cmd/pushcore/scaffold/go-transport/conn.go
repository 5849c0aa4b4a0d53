package main

import (
	"bytes"
	"encoding/json"
	"syscall"
	"time"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

const (
	lineMax = 64 << 10        // bytes of a line of a device
	linger  = 5 * time.Second // for a device to read why its connection ends
)

// state is where a connection is in its life.
type state int

const (
	connecting state = iota // the device has said nothing yet
	waiting                 // for Accept; nothing is read
	moving                  // to its owner's loop; nobody touches it
	attached                // in service
	ending                  // what is queued is written, what comes is thrown away
	gone
)

// conn is one connection. It belongs to its loop.
type conn struct {
	transport *Transport
	id        sdk.ConnID
	fd        int
	loop      sdk.Loop
	peer      string
	state     state
	interest  sdk.Interest
	timer     sdk.TimerID // of Connect or the end
	in, out   []byte      // not a whole line yet; to be written
	dirty     bool        // in the loop's list
	jammed    bool        // the socket has not taken all
	paused    bool
	known     bool   // to the runtime, which is told the end
	code      uint16 // why it ends
	text      string
}

// Ready implements sdk.Watcher.
func (c *conn) Ready(_ sdk.Loop, r sdk.Interest) {
	if r&sdk.Writable != 0 {
		c.write()
	}
	switch {
	case r&sdk.Readable == 0 || c.state == gone:
	case c.interest&sdk.Readable == 0:
		c.drop(0, "") // Not asked for: the other side has hung up.
	default:
		c.read()
	}
}

// Alarm implements sdk.Alarm: the device took too long.
func (c *conn) Alarm(sdk.Loop, sdk.TimerID) { c.drop(wire.CodeConnectTimeout, "") }

// read takes what has come. Without credit it is told again in the next turn.
func (c *conn) read() {
	if c.state == attached && c.transport.host.Credit(c.loop) == 0 {
		return
	}
	var b [16 << 10]byte
	n, err := syscall.Read(c.fd, b[:])
	switch {
	case n > 0 && c.state != ending:
		c.in = append(c.in, b[:n]...)
		c.lines()
	case n == 0 || n < 0 && err != syscall.EAGAIN && err != syscall.EINTR:
		c.drop(0, "")
	}
}

// lines reports whole lines. Others stay, and all while nothing is to be read.
func (c *conn) lines() {
	for c.state == connecting || c.state == attached && !c.paused {
		text, rest, whole := bytes.Cut(c.in, []byte("\n"))
		var l line
		switch {
		case !whole && len(c.in) <= lineMax:
			return
		case !whole || json.Unmarshal(text, &l) != nil:
			c.end("closed", uint16(wire.CodeProtocolError), "this is no line of JSON")
			return
		}
		c.in = bytes.Clone(rest)
		if c.state == attached {
			c.emit(l.event())
			continue
		}
		c.state, c.known = waiting, true
		c.transport.host.Poller(c.loop).Cancel(c.timer)
		c.watch()
		c.emit(l.connect(c.peer))
	}
}

func (c *conn) emit(e sdk.Event) {
	e.Conn = c.id
	c.transport.host.Emit(c.loop, []sdk.Event{e})
}

// command does what the runtime wants.
func (c *conn) command(m *sdk.Command) {
	switch m.Kind {
	case sdk.CommandAccept:
		c.accept(m.Accept)
	case sdk.CommandReject:
		c.end("rejected", m.Code, m.Text)
	case sdk.CommandClose:
		c.end("closed", m.Code, m.Text)
	case sdk.CommandUplinkResult:
		c.say(line{Sent: m.ID, Code: m.Code, Text: m.Text})
	case sdk.CommandJoinResult:
		c.say(line{Joined: m.Group, Code: m.Code, Text: m.Text})
	case sdk.CommandPause, sdk.CommandResume:
		c.paused = m.Kind == sdk.CommandPause
		c.lines()
		c.watch()
	}
}

// accept moves the connection to the loop of its user.
func (c *conn) accept(a *sdk.Accept) {
	if c.state != waiting {
		return
	}
	t := c.transport
	t.waiting--
	t.host.Poller(c.loop).Forget(c.fd)
	delete(t.loops[c.loop].conns, c.id)
	c.state, c.loop = moving, a.Owner
	hello := line{Session: a.User}
	t.host.Poller(c.loop).Do(task(func(l sdk.Loop) {
		c.state, c.interest = attached, sdk.Readable
		t.loops[l].conns[c.id] = c
		err := t.host.Poller(l).Watch(c.fd, c.interest, c)
		c.emit(sdk.Event{Kind: sdk.EventAttached})
		if err != nil {
			c.drop(wire.CodeInternal, err.Error())
			return
		}
		c.say(hello)
		c.lines() // That came behind the first.
	}))
}

// say appends a line.
func (c *conn) say(l line) {
	b, err := json.Marshal(l)
	if err == nil && c.state != ending {
		c.out = append(append(c.out, b...), '\n')
		c.touch()
	}
}

func (c *conn) touch() {
	if !c.dirty {
		c.dirty = true
		c.transport.loops[c.loop].dirty = append(c.transport.loops[c.loop].dirty, c)
	}
}

// end says why, behind what is queued. The device hangs up when it has read that.
func (c *conn) end(how string, code uint16, text string) {
	if c.state == ending {
		return
	}
	c.say(line{Ended: how, Code: code, Text: text})
	c.letIn()
	c.state, c.code, c.text = ending, code, text
	c.timer = c.transport.host.Poller(c.loop).Timer(linger, c)
	c.watch()
}

// letIn counts a connection no more among those without a session.
func (c *conn) letIn() {
	if c.state < moving {
		c.transport.waiting--
	}
}

// write gives the socket what it takes.
func (c *conn) write() {
	for len(c.out) > 0 && c.state != gone {
		n, err := syscall.Write(c.fd, c.out)
		if n > 0 {
			c.out = append(c.out[:0], c.out[n:]...)
		}
		if err == syscall.EAGAIN {
			break
		}
		if err != nil && err != syscall.EINTR {
			c.drop(0, "")
			return
		}
	}
	if c.state == gone {
		return
	}
	if jammed := len(c.out) > 0; jammed != c.jammed {
		c.jammed = jammed
		c.watch()
		if c.state == attached && jammed {
			c.emit(sdk.Event{Kind: sdk.EventCongested, Queued: len(c.out)})
		} else if c.state == attached {
			c.emit(sdk.Event{Kind: sdk.EventWritable})
		}
	}
	if c.state == ending && !c.jammed {
		_ = syscall.Shutdown(c.fd, syscall.SHUT_WR) // The device sees the end now.
	}
}

// watch says what the connection wants to hear of. A device that does not read is
// not read either: its answers would have no place to go.
func (c *conn) watch() {
	var i sdk.Interest
	if c.state == connecting || c.state == ending || c.state == attached && !c.paused && !c.jammed {
		i = sdk.Readable
	}
	if c.jammed {
		i |= sdk.Writable
	}
	if i == c.interest || c.state == gone {
		return
	}
	c.interest = i
	if err := c.transport.host.Poller(c.loop).Rewatch(c.fd, i); err != nil {
		c.drop(wire.CodeInternal, err.Error())
	}
}

// drop ends the connection at once. The runtime hears of it if it knows it.
func (c *conn) drop(code wire.Code, text string) {
	if c.state == gone {
		return
	}
	if c.code == 0 {
		c.code, c.text = uint16(code), text
	}
	c.letIn()
	c.state = gone
	p := c.transport.host.Poller(c.loop)
	p.Cancel(c.timer)
	p.Forget(c.fd)
	_ = syscall.Close(c.fd) // What is wrong with it does not matter any more.
	delete(c.transport.loops[c.loop].conns, c.id)
	if c.known {
		c.emit(sdk.Event{Kind: sdk.EventClosed, Code: c.code, Text: c.text})
	}
}
