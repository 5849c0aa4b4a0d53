package sockets

import (
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// Command implements sdk.Transport.
func (t *Transport) Command(id sdk.Loop, commands []sdk.Command) {
	l := t.loops[id]
	for i := range commands {
		l.command(&commands[i])
	}
	l.report()
}

func (l *loop) command(c *sdk.Command) {
	switch c.Kind {
	case sdk.CommandListen:
		if err := l.listen(c.Listen); err != nil {
			l.transport.fault.CompareAndSwap(nil, &err)
			l.transport.host.Log().Error("cannot accept connections", "error", err)
		}
		if l.id == 0 {
			l.empty() // Under the limits that hold now.
		}
	case sdk.CommandStopListening:
		l.stopListening()
	default:
		if conn := l.find(c.Conn); conn != nil && conn.phase != Ending {
			conn.command(c)
		}
	}
}

// command applies a command to its connection.
func (c *conn) command(m *sdk.Command) {
	switch m.Kind {
	case sdk.CommandAccept:
		c.server.accept(c, m.Accept)
	case sdk.CommandReject:
		c.reject(m)
	case sdk.CommandUplinkResult:
		c.say(&wire.Sent{ID: m.ID, Code: wire.Code(m.Code), Text: m.Text, Retryable: m.Retryable})
	case sdk.CommandJoinResult:
		c.say(&wire.Joined{Group: m.Group, Code: wire.Code(m.Code), Text: m.Text, Position: m.Position, Gap: m.Gap})
	case sdk.CommandRefreshResult:
		f := &wire.Refreshed{Code: wire.Code(m.Code), Text: m.Text}
		if !m.Expires.IsZero() {
			f.ExpiresMS = uint64(m.Expires.UnixMilli())
		}
		c.say(f)
	case sdk.CommandPause:
		c.paused = true
		c.watch()
	case sdk.CommandResume:
		c.paused = false
		c.heard = c.server.now() // Its clock stood still meanwhile.
		c.watch()
	case sdk.CommandMove:
		c.say(&wire.Move{WithinMS: uint64(m.Within.Milliseconds()), Address: m.Text})
	case sdk.CommandClose:
		c.end(wire.Code(m.Code), m.Text, m.Reconnect)
	case sdk.CommandKeep: // For a core that comes back; kept by the link.
	}
}
