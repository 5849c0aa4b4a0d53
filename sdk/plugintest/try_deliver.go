package plugintest

import (
	"fmt"

	"github.com/pushcore/pushcore/sdk"
)

// orders tries the order of messages and results over batches and turns.
func (t *trial) orders() {
	d, other := t.session(0), t.session(0)
	for turn := range 30 {
		t.host.Turn(0, func() {
			to := []*device{d}
			t.deliver(0, push{to: to}, push{to: []*device{other}}, push{to: to, fast: true})
			if turn%3 == 0 {
				t.command(0, d.result(turn), d.joined(turn))
			}
			t.deliver(0, push{to: to, size: 100 * turn})
			t.deliver(0, push{to: []*device{other, d}})
		})
	}
	t.verify(d)
	t.verify(other)
}

// result is the answer to an uplink that need not have been.
func (d *device) result(n int) sdk.Command {
	return sdk.Command{Kind: sdk.CommandUplinkResult, Conn: d.conn.id, ID: fmt.Sprintf("up-%d", n)}
}

func (d *device) joined(n int) sdk.Command {
	return sdk.Command{Kind: sdk.CommandJoinResult, Conn: d.conn.id, Group: fmt.Sprintf("group-%d", n), Position: uint64(n + 1)}
}

// fansOut tries one message for many.
func (t *trial) fansOut() {
	var room []*device
	for range 12 {
		room = append(room, t.session(1%sdk.Loop(t.suite.Loops)))
	}
	l := room[0].conn.owner
	for n := range 10 {
		t.host.Turn(l, func() {
			t.deliver(l, push{to: room}, push{to: room[n:], size: 300}, push{to: room[:n], fast: true})
		})
	}
	for _, d := range room {
		t.verify(d)
	}
}

// large tries sizes around those of buffers.
func (t *trial) large() {
	d, other := t.session(0), t.session(0)
	for _, size := range []int{0, 1, 120, 1 << 10, 16<<10 - 20, 16 << 10, 64 << 10, 200 << 10} {
		t.host.Turn(0, func() {
			t.deliver(0, push{to: []*device{d}, size: size}, push{to: []*device{other, d}, size: size / 2})
			t.deliver(0, push{to: []*device{d}})
		})
	}
	t.verify(d)
	t.verify(other)
}

// flushes tries that a turn is written at its end, and whole.
func (t *trial) flushes() {
	d := t.session(0)
	for range 3 {
		t.host.Turn(0, func() {
			t.host.mu.Lock()
			before := len(d.seenLocked())
			t.host.mu.Unlock()
			t.deliver(0, push{to: []*device{d}}, push{to: []*device{d}})
			t.command(0, d.result(before))
			t.deliver(0, push{to: []*device{d}})
			if !t.stays(func() bool { return len(d.seenLocked()) == before }) {
				t.failf(RuleFlush, d.conn, "the device saw something of the turn before its Flush")
			}
		})
		t.await(func() bool { return len(d.seenLocked()) >= len(d.expected) })
		t.host.mu.Lock()
		seen := len(d.seenLocked())
		t.host.mu.Unlock()
		if seen < len(d.expected) {
			t.failf(RuleFlush, d.conn, "%d of %d frames of the turns reached the device after Flush", seen, len(d.expected))
			break
		}
	}
	t.verify(d)
}

// congestion tries a device that does not read, next to one that does.
func (t *trial) congestion() {
	d, neighbour := t.session(0), t.session(0)
	for round := range 2 {
		t.jam(d)
		t.host.Turn(0, func() {
			t.deliver(0, push{to: []*device{neighbour, d}, size: 1000}, push{to: []*device{d}})
			t.command(0, d.result(round))
		})
		t.verify(neighbour)
		t.supported(d.dev.Unstall(), "unstall", d)
		d.note("reads again")
		// The kernel may take some more while the device reads nothing: then it was
		// Writable and jammed again meanwhile.
		if !t.await(func() bool { return d.conn.drains == d.conn.jams }) {
			t.failf(RuleCongested, d.conn, "Writable did not come after the device read again")
		}
		t.verify(d)
	}
}

// jam delivers to a device that does not read until Congested comes.
func (t *trial) jam(d *device) {
	t.supported(d.dev.Stall(), "stall", d)
	d.note("stops reading")
	const most = 512
	for range most {
		t.host.Turn(d.conn.owner, func() { t.deliver(d.conn.owner, push{to: []*device{d}, size: 64 << 10}) })
		if !t.host.direct {
			t.host.await(t.suite.Quiet/4, func() bool { return d.conn.congested })
		}
		t.host.mu.Lock()
		jammed := d.conn.congested
		t.host.mu.Unlock()
		if jammed {
			return
		}
	}
	if !t.stays(func() bool { return !d.conn.congested }) {
		return
	}
	t.failf(RuleCongested, d.conn, "no Congested came after %d MiB for a device that does not read", most>>4)
}
