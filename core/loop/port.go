package loop

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// Port is the place of one transport instance on one loop: what comes from it
// goes through its port, and the loop calls it through its port: Attach, Open,
// Engage, and at the end Disengage, Close, Detach. Methods are for the loop's
// goroutine unless they say otherwise.
type Port struct {
	loop      *Loop // immutable
	plugin    int   // immutable
	transport sdk.Transport

	posted atomic.Int64 // payload bytes of posted events that are not handled

	// Everything following is owned by the loop.
	engaged         bool
	credit          int // payload bytes it may still emit in this turn; below 0: surplus
	done            progress
	refusals, spare []sdk.Command
}

// Attach gives a transport instance its port, from another goroutine and while
// the loop runs. From now on the transport may use poller, Post and Emit, as it
// does in Open; it is called only after Engage. On a loop that has ended the port
// is dead.
func (l *Loop) Attach(plugin int, t sdk.Transport) *Port {
	p := &Port{loop: l, plugin: plugin, transport: t}
	l.call(func() {
		for plugin >= len(l.ports) {
			l.ports = append(l.ports, nil)
		}
		l.ports[plugin] = p
		p.credit = l.config.Credit
	})
	return p
}

// Engage has the loop call the transport from now on. It is called from another
// goroutine, when the transport's Open has returned.
func (p *Port) Engage() { p.loop.call(func() { p.engaged = true }) }

// Disengage ends the calls: when it returns, none is under way and none follows.
// What the transport emits is still taken. It is called from another goroutine,
// before the transport's Close, which is its last call.
func (p *Port) Disengage() { p.loop.call(func() { p.engaged = false }) }

// Detach ends a port after the transport's Close, from another goroutine: what
// the transport still emits is ignored, and the shard is told that the plugin is
// down with all its connections.
func (p *Port) Detach() {
	l := p.loop
	l.call(func() {
		if l.port(p.plugin) != p {
			return
		}
		l.ports[p.plugin] = nil
		l.state.Handle(&shard.PluginDown{Plugin: p.plugin})
	})
}

// Command has the loop give commands to the transport that come from the host
// instead of the shard, such as CommandListen, and waits until it has. It is
// called from another goroutine.
func (p *Port) Command(c []sdk.Command) {
	p.loop.call(func() {
		if p.engaged {
			p.transport.Command(p.loop.id, c)
		}
	})
}

// Now is the time at which the turn began.
func (p *Port) Now() time.Time { return p.loop.now.Wall }

// Poller is the loop's.
func (p *Port) Poller() sdk.Poller { return &p.loop.reactor }

// Credit is the payload that the transport may still emit in this turn, in bytes.
func (p *Port) Credit() int { return max(p.credit, 0) }

// Emit hands events to the shard. What they lead to is applied after the callback
// that the transport is in has returned. Uplinks that begin when no credit is
// left are refused as retryable; all else is taken in any case.
func (p *Port) Emit(e []sdk.Event) {
	l := p.loop
	if l.port(p.plugin) != p {
		return
	}
	l.stirred = true
	l.stats.events.Add(uint64(len(e)))
	n := payloadBytes(e)
	if n <= p.credit {
		p.credit -= n
		l.state.Events(p.plugin, e)
		return
	}
	p.emitSome(e)
}

// emitSome hands over runs of events between the uplinks that it refuses.
func (p *Port) emitSome(e []sdk.Event) {
	from := 0
	for i := range e {
		if e[i].Kind == sdk.EventUplink && p.credit <= 0 {
			if from < i {
				p.loop.state.Events(p.plugin, e[from:i])
			}
			p.refusals = append(p.refusals, refusal(&e[i]))
			from = i + 1
			continue
		}
		p.credit -= len(e[i].Payload)
	}
	if from < len(e) {
		p.loop.state.Events(p.plugin, e[from:])
	}
}

// refusal answers an uplink that came without credit.
func refusal(e *sdk.Event) sdk.Command {
	return sdk.Command{
		Kind: sdk.CommandUplinkResult, Conn: e.Conn, ID: strings.Clone(e.ID),
		Code: uint16(wire.CodeOverloaded), Text: "the node is busy, send it again later", Retryable: true,
	}
}

// Post takes events from any goroutine and becomes their owner. It says false,
// and takes nothing, while the mailbox is full or too many payload bytes of this
// transport wait in it. Events among which there is a Closed are taken always, so
// that their number is bounded by the connections.
func (p *Port) Post(e []sdk.Event) bool {
	n := int64(payloadBytes(e))
	always := false
	for i := range e {
		always = always || e[i].Kind == sdk.EventClosed
	}
	waiting := p.posted.Add(n)
	if !always && waiting > n && waiting > int64(p.loop.config.PostedBytes) {
		p.posted.Add(-n)
		return false
	}
	if !p.loop.mailbox.putOne(&shard.PostedEvents{Plugin: p.plugin, Events: e}, always) {
		p.posted.Add(-n)
		return false
	}
	return true
}

// port returns the port of a plugin, or nil.
func (l *Loop) port(plugin int) *Port {
	if plugin < 0 || plugin >= len(l.ports) {
		return nil
	}
	return l.ports[plugin]
}

func payloadBytes(e []sdk.Event) int {
	n := 0
	for i := range e {
		n += len(e[i].Payload)
	}
	return n
}

// call runs f on the loop and waits for it, or for the loop's end.
func (l *Loop) call(f func()) {
	c := &call{f: f, done: make(chan struct{})}
	l.Do(c)
	select {
	case <-c.done:
	case <-l.done:
	}
}

// call is the task of Loop.call.
type call struct {
	f    func()
	done chan struct{}
}

// Run implements sdk.Task.
func (c *call) Run(sdk.Loop) {
	c.f()
	close(c.done)
}
