package plugintest

import (
	"fmt"
	"math/rand/v2"

	"github.com/pushcore/pushcore/sdk"
)

// Bounds of the churn.
const (
	churnSteps   = 400
	churnDevices = 40
)

// churn does at random what the other trials do one by one, with many devices.
func (t *trial) churn() {
	t.notes = append(t.notes, fmt.Sprintf("seed %d", t.suite.Seed))
	c := &churn{t, rand.New(rand.NewPCG(t.suite.Seed, 0)), nil}
	for range churnSteps {
		c.step()
	}
	for _, d := range c.live {
		l := d.conn.owner
		t.host.Turn(l, func() { t.command(l, sdk.Command{Kind: sdk.CommandResume, Conn: d.conn.id}) })
		t.verify(d)
		if !t.lacks(Sends) {
			t.verifyUplinks(d, RuleUplink)
		}
		if !t.lacks(Acks) {
			t.coversAll(d)
		}
	}
}

type churn struct {
	*trial
	random *rand.Rand
	live   []*device
}

func (c *churn) step() {
	if len(c.live) < 5 || len(c.live) < churnDevices && c.random.IntN(6) == 0 {
		c.live = append(c.live, c.session(sdk.Loop(c.random.IntN(c.suite.Loops))))
		return
	}
	d := c.live[c.random.IntN(len(c.live))]
	l := d.conn.owner
	switch c.random.IntN(12) {
	case 0:
		c.forget(d, "was cut", func() { d.cut(); c.resume(d) })
	case 1:
		c.forget(d, "was told to close", func() { c.host.Turn(l, func() { c.command(l, d.closing()) }) })
	case 2:
		c.host.Turn(l, func() { c.command(l, sdk.Command{Kind: sdk.CommandPause, Conn: d.conn.id}) })
	case 3, 4:
		c.host.Turn(l, func() { c.command(l, sdk.Command{Kind: sdk.CommandResume, Conn: d.conn.id}) })
	case 5, 6:
		if !c.lacks(Sends) {
			d.send()
		}
	case 7:
		if !c.lacks(Acks) && d.seq > 0 {
			c.verify(d)
			d.ack(1 + c.random.Uint64N(d.seq))
		}
	default:
		c.host.Turn(l, func() { c.room(l) })
	}
}

// room delivers to some of a loop's devices, to some of them more than once.
func (c *churn) room(l sdk.Loop) {
	var here []*device
	for _, d := range c.live {
		if d.conn.owner == l && c.random.IntN(3) > 0 {
			here = append(here, d)
		}
	}
	if len(here) == 0 {
		return
	}
	first := c.random.IntN(len(here))
	c.deliver(l, push{to: here, size: c.random.IntN(2000)}, push{to: here[first:], fast: true})
	c.command(l, here[first].result(c.messages))
	c.deliver(l, push{to: here[:first+1]})
}

// forget ends a connection.
func (c *churn) forget(d *device, how string, end func()) {
	end()
	c.awaitClosed(d, how)
	for i := range c.live {
		if c.live[i] == d {
			c.live = append(c.live[:i], c.live[i+1:]...)
			return
		}
	}
}
