package mqtt

import (
	"net/netip"
	"time"

	"github.com/pushcore/pushcore/examples/plugins/mqtt/packet"
	"github.com/pushcore/pushcore/sdk"
)

// phase is where a connection is on its way; see the package's doc.
type phase uint8

const (
	connecting phase = iota
	waiting
	attached
	ending
	gone
)

// conn is one connection. It belongs to the loop that serves it; between two loops
// to the task that carries it.
type conn struct {
	loop     *loop // serves it
	id       sdk.ConnID
	fd       int
	peer     netip.AddrPort
	phase    phase
	interest sdk.Interest
	version  packet.Version // 0 until CONNECT

	in        []byte // read, not used: half a packet, or all that waits until it may be read
	out       []byte // to be written; outDone bytes of it are
	outDone   int
	dirty     bool // in the loop's list
	paused    bool // by the host
	starved   bool // until the host has credit
	congested bool // Congested was said, Writable not yet
	told      bool // Closed was emitted, or the host does not know of the connection
	shut      bool // the writing side is shut down

	heard     time.Time     // last sign of life
	deadline  time.Time     // of a phase; zero: none
	keepAlive time.Duration // the device's wish; then what it is watched by

	will      *packet.Will // to be published unless the device says goodbye
	nameless  bool         // it has no client id: it is told the one that it is assigned
	quiet     bool         // no reason texts but in CONNACK and DISCONNECT
	sizeMax   int          // of a packet to the device; 0: any
	flight    flight       // sent at QoS 1, not acked
	unwritten ranges       // sent at QoS 0 though reliable: acked when written
	acked     ranges       // acked by the device, not reported
	uplinks   []uplink     // wait for their results
	lastID    uint64       // of uplinks
	granted   map[string]byte
	subacks   []suback // wait for the results of their joins
}

// command applies a command to the connection.
func (c *conn) command(m *sdk.Command) {
	switch m.Kind {
	case sdk.CommandAccept:
		c.accept(m.Accept)
	case sdk.CommandReject:
		c.end(m.Code, m.Text, "")
	case sdk.CommandUplinkResult:
		c.uplinkResult(m)
	case sdk.CommandJoinResult:
		c.joinResult(m)
	case sdk.CommandPause:
		c.paused = true
		c.watch()
	case sdk.CommandResume:
		c.paused = false
		c.heard = c.loop.now() // Its clock stood still meanwhile.
		c.goOn()
	case sdk.CommandMove:
		c.move(m.Text)
	case sdk.CommandClose:
		c.end(m.Code, m.Text, m.Reconnect.Address)
	}
}

const (
	outMax    = 256 << 10 // waits for the socket until nothing more is read: who asks and never reads the answers is not heard
	uplinkMax = 128       // wait for their results, before nothing more is read
)

// reads says whether packets may be taken from the device now.
func (c *conn) reads() bool {
	switch c.phase {
	case connecting, ending:
		return true
	case attached:
		return !c.paused && !c.starved && len(c.out)-c.outDone < outMax && len(c.uplinks) < uplinkMax
	}
	return false
}

// watch sets what the poller reports of the connection.
func (c *conn) watch() {
	if c.phase == gone {
		return
	}
	var i sdk.Interest
	if c.reads() {
		i |= sdk.Readable
	}
	if len(c.out) > 0 && !c.dirty {
		i |= sdk.Writable
	}
	if i != c.interest {
		if err := c.loop.poller.Rewatch(c.fd, i); err != nil {
			c.drop(0, err.Error())
			return
		}
		c.interest = i
	}
}

// goOn reads what was held back, when something that kept it back has gone.
func (c *conn) goOn() {
	if c.phase == attached && len(c.in) > 0 {
		c.consume(nil)
	}
	c.watch()
}
