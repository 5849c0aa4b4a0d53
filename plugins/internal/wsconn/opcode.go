package wsconn

import "github.com/gobwas/ws"

// Opcode says what a frame or an Event is; the values are those on the wire.
type Opcode byte

// None is the opcode of an Event that is none: the input is used up. On the
// wire the value means a continuation, which is never an event of its own.
const (
	None   Opcode = 0
	Text   Opcode = Opcode(ws.OpText)
	Binary Opcode = Opcode(ws.OpBinary)
	Close  Opcode = Opcode(ws.OpClose)
	Ping   Opcode = Opcode(ws.OpPing)
	Pong   Opcode = Opcode(ws.OpPong)
)

// continuation is None on the wire.
const continuation = Opcode(ws.OpContinuation)

func (o Opcode) isControl() bool { return ws.OpCode(o).IsControl() }

func (o Opcode) isReserved() bool { return ws.OpCode(o).IsReserved() }

// String returns the RFC's name of o.
func (o Opcode) String() string {
	switch o {
	case None:
		return "none"
	case Text:
		return "text"
	case Binary:
		return "binary"
	case Close:
		return "close"
	case Ping:
		return "ping"
	case Pong:
		return "pong"
	}
	return "reserved"
}
