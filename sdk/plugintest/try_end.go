package plugintest

import (
	"errors"
	"time"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// awaitClosed waits for a connection's Closed.
func (t *trial) awaitClosed(d *device, how string) {
	if !t.await(func() bool { return d.conn.closed != nil }) {
		t.failf(RuleClosedOnce, d.conn, "no Closed came for a connection that %s", how)
	}
}

// awaitReason waits until the device was told an ending.
func (t *trial) awaitReason(d *device, r Rule, kind ReportKind, code uint16, text string) {
	if !t.await(func() bool { return d.sawLocked(Closed) != nil }) {
		t.failf(r, d.conn, "the device's connection was not closed")
		return
	}
	t.host.mu.Lock()
	got := d.sawLocked(kind)
	t.host.mu.Unlock()
	switch {
	case t.lacks(Reasons):
	case got == nil:
		t.failf(r, d.conn, "the device was not told %s", reportNames[kind])
	case got.Code != code || got.Text != text:
		t.failf(r, d.conn, "the device was told code %d %q, the command said %d %q", got.Code, got.Text, code, text)
	}
}

// rejects tries refusals.
func (t *trial) rejects() {
	for range t.suite.Loops {
		d := t.connect(Dial{})
		t.host.Turn(d.conn.from, func() {
			t.command(d.conn.from, sdk.Command{
				Kind: sdk.CommandReject, Conn: d.conn.id, Code: uint16(wire.CodeClaimsMismatch), Text: "not you",
				Reconnect: wire.Reconnect{Rule: wire.ReconnectNo},
			})
		})
		t.awaitReason(d, RuleReject, Rejected, uint16(wire.CodeClaimsMismatch), "not you")
		t.awaitClosed(d, "was rejected")
		if d.sawLocked(Opened) != nil {
			t.failf(RuleReject, d.conn, "a rejected device was told that it has a session")
		}
	}
}

func (d *device) closing() sdk.Command {
	return sdk.Command{Kind: sdk.CommandClose, Conn: d.conn.id, Code: uint16(wire.CodeKicked), Text: "enough"}
}

// closesBehind tries that Close writes what is queued.
func (t *trial) closesBehind() {
	d := t.session(0)
	t.host.Turn(0, func() {
		for n := range 50 {
			t.deliver(0, push{to: []*device{d}, size: 10 * n})
		}
		t.command(0, d.result(1), d.closing())
	})
	t.verifyEnd(d)
}

// closesBehindJam tries the same when the socket took only some of it.
func (t *trial) closesBehindJam() {
	d := t.session(0)
	t.jam(d)
	t.host.Turn(0, func() {
		t.deliver(0, push{to: []*device{d}})
		t.command(0, d.closing())
	})
	t.cross()
	t.supported(d.dev.Unstall(), "unstall", d)
	t.verifyEnd(d)
}

func (t *trial) verifyEnd(d *device) {
	t.await(func() bool { return d.sawLocked(Closed) != nil })
	t.host.mu.Lock()
	seen := len(d.seenLocked())
	t.host.mu.Unlock()
	if seen < len(d.expected) {
		t.failf(RuleCloseBehind, d.conn, "%d of %d frames that were queued before Close reached the device", seen, len(d.expected))
	} else {
		t.verify(d)
	}
	t.awaitReason(d, RuleCloseBehind, Closed, uint16(wire.CodeKicked), "enough")
	t.awaitClosed(d, "was to close")
}

// ways are the ways in which connections end.
var ways = []struct {
	how   string
	needs Ability
	end   func(t *trial, owner sdk.Loop) *device
}{
	{"was cut before Accept", "", (*trial).cutBeforeAccept},
	{"was cut as it was accepted", "", (*trial).cutAtAccept},
	{"was cut on its way to its loop", "", (*trial).cutMoving},
	{"was cut", "", func(t *trial, owner sdk.Loop) *device {
		d := t.session(owner)
		d.cut()
		return d
	}},
	{"was closed by the device", "", func(t *trial, owner sdk.Loop) *device {
		d := t.session(owner)
		d.note("closes")
		t.supported(d.dev.Close(), "close", d)
		return d
	}},
	{"was cut while paused", "", func(t *trial, owner sdk.Loop) *device {
		d := t.session(owner)
		t.host.Turn(owner, func() { t.command(owner, sdk.Command{Kind: sdk.CommandPause, Conn: d.conn.id}) })
		t.cross()
		d.cut()
		t.resume(d)
		return d
	}},
	{"was cut in a jam", Stalls, func(t *trial, owner sdk.Loop) *device {
		d := t.session(owner)
		t.jam(d)
		d.cut()
		return d
	}},
	{"was told to close", "", func(t *trial, owner sdk.Loop) *device {
		d := t.session(owner)
		t.host.Turn(owner, func() { t.command(owner, d.closing()) })
		return d
	}},
	{"was told to close twice", "", func(t *trial, owner sdk.Loop) *device {
		d := t.session(owner)
		t.host.Turn(owner, func() { t.command(owner, d.closing(), d.closing()) })
		return d
	}},
	{"was cut and told to close", "", func(t *trial, owner sdk.Loop) *device {
		d := t.session(owner)
		t.host.Turn(owner, func() {
			d.cut()
			t.deliver(owner, push{to: []*device{d}})
			t.command(owner, d.closing())
		})
		return d
	}},
	{"broke the protocol", "", func(t *trial, owner sdk.Loop) *device {
		d := t.session(owner)
		o, ok := d.dev.(Offender)
		if !ok {
			d.cut()
			return d
		}
		d.note("breaks the protocol")
		if err := o.Offend(); errors.Is(err, errors.ErrUnsupported) {
			d.cut()
		} else {
			t.supported(err, "offend", d)
		}
		return d
	}},
}

// ends tries each way, for each owner.
func (t *trial) ends() {
	for _, w := range ways {
		if w.needs != "" && t.lacks(w.needs) {
			continue
		}
		for l := range sdk.Loop(t.suite.Loops) {
			d := w.end(t, l)
			t.awaitClosed(d, w.how)
		}
	}
	t.linger() // A second Closed would come about now.
}

// cutBeforeAccept cuts a device that waits for its session. A transport that
// cannot know of it before it reads again may say so after Accept.
func (t *trial) cutBeforeAccept(owner sdk.Loop) *device {
	d := t.connect(Dial{})
	d.cut()
	t.host.await(t.suite.Quiet, func() bool { return d.conn.closed != nil })
	t.accept(d, sdk.Accept{Owner: owner})
	return d
}

// resume has a connection read again that was cut while it was paused, for the
// same reason.
func (t *trial) resume(d *device) {
	t.host.await(t.suite.Quiet, func() bool { return d.conn.closed != nil })
	l := d.conn.owner
	t.host.Turn(l, func() { t.command(l, sdk.Command{Kind: sdk.CommandResume, Conn: d.conn.id}) })
}

func (t *trial) cutAtAccept(owner sdk.Loop) *device {
	d := t.connect(Dial{})
	t.host.Turn(d.conn.from, func() {
		d.cut()
		t.command(d.conn.from, d.acceptance(sdk.Accept{Owner: owner}))
	})
	return d
}

// cutMoving cuts a device while the loop that it moves to is busy.
func (t *trial) cutMoving(owner sdk.Loop) *device {
	d := t.connect(Dial{})
	if d.conn.from == owner {
		owner = (owner + 1) % sdk.Loop(t.suite.Loops)
	}
	if owner == d.conn.from {
		return t.cutAtAccept(owner) // There is but one loop.
	}
	t.host.Turn(owner, func() {
		t.accept(d, sdk.Accept{Owner: owner})
		d.cut()
	})
	return d
}

// ignoresClosed tries deliveries and commands for who is gone.
func (t *trial) ignoresClosed() {
	gone, neighbour := t.session(0), t.session(0)
	gone.cut()
	t.awaitClosed(gone, "was cut")
	never := &device{trial: t, label: "nobody", conn: &conn{id: gone.conn.id + 1<<40}}
	next := t.session(0) // It may be given what the one that is gone had.
	for _, d := range []*device{gone, never} {
		t.host.Turn(0, func() {
			t.deliver(0, push{to: []*device{neighbour}}, push{to: []*device{d, next}})
			t.command(0, d.result(1), d.joined(1), d.closing(), d.acceptance(sdk.Accept{Owner: 0}),
				sdk.Command{Kind: sdk.CommandPause, Conn: d.conn.id}, sdk.Command{Kind: sdk.CommandResume, Conn: d.conn.id},
				sdk.Command{Kind: sdk.CommandMove, Conn: d.conn.id, Within: time.Second},
				sdk.Command{Kind: sdk.CommandReject, Conn: d.conn.id, Code: uint16(wire.CodeKicked)})
			t.deliver(0, push{to: []*device{neighbour, next}})
		})
	}
	t.verify(neighbour)
	t.verify(next)
}

// closes tries Plugin.Close with connections in all states.
func (t *trial) closes() {
	for l := range sdk.Loop(t.suite.Loops) {
		t.session(l)
		paused := t.session(l)
		t.host.Turn(l, func() { t.command(l, sdk.Command{Kind: sdk.CommandPause, Conn: paused.conn.id}) })
		t.connect(Dial{})
		if !t.lacks(Stalls) {
			t.jam(t.session(l))
		}
		if !t.lacks(Silence) {
			t.dial(Dial{Silent: true})
		}
	}
	closed := t.devices
	t.close()
	for _, d := range closed {
		if d.conn != nil && d.conn.closed == nil {
			continue // close has said it.
		}
		if !t.lacks(Stalls) {
			_ = d.dev.Unstall() // Most are not stalled.
		}
		if !t.await(func() bool { return d.sawLocked(Closed) != nil }) {
			t.failf(RuleClose, d.conn, "the device's connection lives after Close")
		}
	}
	if late, err := t.tryDial(Dial{}); err == nil && !t.await(func() bool { return late.sawLocked(Closed) != nil }) {
		t.failf(RuleClose, nil, "a device can still connect after Close")
	}
}
