package node

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/pushcore/pushcore/sdk/wire"
)

const (
	slowOutboxBytes = 64 << 10
	slowMessages    = 300     // of each class; all together many times what may wait
	slowBytes       = 8 << 10 // of a message
)

// slow is a node whose sessions hold little. Nothing is sent again while a test
// looks.
func slow(t *testing.T, policy string) *node {
	return start(t, fmt.Sprintf(`
node: { loops: 2, drain: { timeout: 10s } }
delivery: { retry: [60s], slow_fast: %s }
limits: { outbox: { messages: 100, bytes: 64KiB }, window: { messages: 16, bytes: 64KiB } }
http: { listen: 127.0.0.1:0 }
groups: [ { match: room, join: device } ]
`, policy)+plugins)
}

// narrow dials with a small receive buffer, so that little is on the way to who
// reads nothing.
func narrow() *net.Dialer {
	return &net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		if err := c.Control(func(fd uintptr) {
			failed = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 64<<10)
		}); err != nil {
			return err
		}
		return failed
	}}
}

// sessionView is a session as operators see it.
type sessionView struct {
	State       string
	Queued      int
	QueuedBytes int `json:"queued_bytes"`
	Congested   bool
}

func (n *node) session(user string) sessionView {
	n.t.Helper()
	_, answer := n.call(http.MethodGet, "/v1/sessions?user="+user, "")
	page := decode[struct{ Sessions []sessionView }](n.t, answer)
	if len(page.Sessions) != 1 {
		n.t.Fatalf("sessions of %s: %s", user, answer)
	}
	return page.Sessions[0]
}

func inRoom(user string) wire.Connect {
	return wire.Connect{User: user, Device: "d", Groups: []string{"room"}}
}

// numbered is a body that begins with its number.
func numbered(i int) string { return strconv.Itoa(i) + " " + strings.Repeat("x", slowBytes) }

func numberOf(t *testing.T, p *wire.Push) int {
	t.Helper()
	word, _, _ := strings.Cut(string(p.Payload), " ")
	i, err := strconv.Atoi(word)
	if err != nil || string(p.Payload) != numbered(i) {
		t.Fatalf("a body that was never pushed: %.40q", p.Payload)
	}
	return i
}

func TestDevicesThatReadNothingCostTheOthersNothing(t *testing.T) {
	for _, policy := range []string{"drop_oldest", "newest", "close"} {
		t.Run(policy, func(t *testing.T) {
			n := slow(t, policy)
			var readers, deaf []*device
			for i := range 6 {
				d := n.connect(inRoom(fmt.Sprint("reader", i)))
				expect[wire.Joined](d)
				readers = append(readers, d)
			}
			for i := range 3 {
				d := n.deaf(narrow())
				connect := inRoom(fmt.Sprint("deaf", i))
				d.send(&connect)
				deaf = append(deaf, d)
			}
			n.until("all to have joined", func() bool { return n.joined("room") == 9 }, func() string { return "" })
			n.pushFast(readers)
			n.pushReliable(readers)
			for i, d := range deaf {
				n.holdsLittle(fmt.Sprint("deaf", i), policy == "close")
				n.hearsAgain(d, fmt.Sprint("deaf", i), policy == "close")
			}
			n.fated(fmt.Sprint(slowMessages*9), "reliable", "acked", "")
		})
	}
}

// pushFast pushes to the room, one message after the other; the readers get all.
func (n *node) pushFast(readers []*device) {
	n.t.Helper()
	for i := range slowMessages {
		n.push(numbered(i), "push-to", "group:room", "push-class", "fast")
		for _, d := range readers {
			if got := numberOf(n.t, expect[wire.Push](d)); got != i {
				n.t.Fatalf("a reader got fast message %d, want %d", got, i)
			}
		}
	}
}

// pushReliable does the same in one call: a call waits until its messages are safe
// with those that read nothing, too.
func (n *node) pushReliable(readers []*device) {
	n.t.Helper()
	var lines strings.Builder
	for i := range slowMessages {
		fmt.Fprintf(&lines, `{"to":"group:room","payload":%q}`+"\n", numbered(i))
	}
	pushed := make(chan string, 1)
	go func() {
		_, answer, err := n.try(http.MethodPost, "/v1/push/batch", lines.String())
		pushed <- fmt.Sprint(strings.Count(string(answer), `"status":202`), err)
	}()
	for i := range slowMessages {
		for _, d := range readers {
			p := expect[wire.Push](d)
			if got := numberOf(n.t, p); got != i {
				n.t.Fatalf("a reader got reliable message %d, want %d", got, i)
			}
			d.send(&wire.Ack{Seq: p.Seq})
		}
	}
	if got, want := <-pushed, fmt.Sprint(slowMessages, nil); got != want {
		n.t.Errorf("pushed %s, want %s", got, want)
	}
}

// holdsLittle looks at the session of a device that reads nothing.
func (n *node) holdsLittle(user string, closed bool) {
	n.t.Helper()
	if closed {
		n.until(user+" to be closed", func() bool { return n.session(user).State == "detached" }, func() string { return "" })
	}
	v := n.session(user)
	if v.Congested == closed {
		n.t.Errorf("%s: %+v, want it congested unless it was closed", user, v)
	}
	if v.QueuedBytes > slowOutboxBytes {
		n.t.Errorf("%s: %d bytes wait, the bound is %d", user, v.QueuedBytes, slowOutboxBytes)
	}
}

// hearsAgain lets a device read at last.
func (n *node) hearsAgain(d *device, user string, closed bool) {
	n.t.Helper()
	d.hear()
	accept := expect[wire.Accept](d)
	expect[wire.Joined](d)
	if closed {
		d.untilCut()
		d = n.connect(wire.Connect{User: user, Device: "d", Resume: wire.Resume{Session: accept.Session, Epoch: accept.Epoch}})
	}
	d.catchesUp(!closed)
}

// catchesUp takes what is left for a device that has read nothing: all reliable
// messages in order; of the fast ones some, in order, the newest among them.
func (d *device) catchesUp(newest bool) {
	d.t.Helper()
	lastFast, reliable := -1, 0
	for reliable < slowMessages {
		p := expect[wire.Push](d)
		i := numberOf(d.t, p)
		if p.Seq == 0 {
			if i <= lastFast {
				d.t.Fatalf("fast message %d after %d", i, lastFast)
			}
			lastFast = i
			continue
		}
		if i != reliable {
			d.t.Fatalf("reliable message %d, want %d", i, reliable)
		}
		reliable++
		d.send(&wire.Ack{Seq: p.Seq})
	}
	if newest && lastFast != slowMessages-1 {
		d.t.Errorf("the last fast message is %d, want the newest", lastFast)
	}
}

// untilCut passes over messages up to the end of the connection. CLOSE may come
// before, if the device was quick enough to take it.
func (d *device) untilCut() {
	d.t.Helper()
	for {
		switch f := d.next().(type) {
		case nil:
			return
		case *wire.Push:
		case *wire.Close:
			if f.Code != wire.CodeSlow {
				d.t.Errorf("closed with %d %s, want %d", f.Code, f.Code, wire.CodeSlow)
			}
		default:
			d.t.Fatalf("got %T, want the end", f)
		}
	}
}
