package plugintest

import (
	"fmt"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// refuses tries uplinks that the runtime does not take: a loop that is given
// little credit gets more than that, takes some and refuses the others.
func (t *trial) refuses() {
	const rounds, each, credit = 4, 6, 20
	d := t.session(0)
	t.host.SetCredit(0, credit)
	t.cross()
	for range rounds {
		before := len(d.sent)
		for range each {
			d.send()
		}
		t.verifyUplinks(d, RuleRefused)
		t.host.Turn(0, func() {
			for n := before; n < len(d.sent); n++ {
				t.command(0, d.answer(n))
			}
		})
	}
	t.host.SetCredit(0, -1)
	if !t.await(func() bool { return len(d.seenLocked()) >= len(d.expected) }) {
		t.failf(RuleRefused, d.conn, "%d of %d uplinks, every second of which was refused, were answered to the device", len(d.seenLocked()), len(d.expected))
		return
	}
	t.verify(d)
	t.linger() // What the transport tries again would come about now.
	t.verifyUplinks(d, RuleRefused)
}

// answer takes every second uplink and refuses the others.
func (d *device) answer(n int) sdk.Command {
	c := sdk.Command{Kind: sdk.CommandUplinkResult, Conn: d.conn.id, ID: fmt.Sprintf("send-%d", n+1)}
	if n%2 == 1 {
		c.Code, c.Text, c.Retryable = uint16(wire.CodeOverloaded), "too much at once", true
	}
	return c
}
