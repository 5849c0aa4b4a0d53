package plugintest

import (
	"fmt"
	"slices"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// ready is a session that was sent n messages and has seen them.
func (t *trial) ready(n int) *device {
	d := t.session(sdk.Loop(t.labels % t.suite.Loops))
	l := d.conn.owner
	t.host.Turn(l, func() {
		for range n {
			t.deliver(l, push{to: []*device{d}})
		}
	})
	t.verify(d)
	return d
}

// coversAll waits until all that the device acked was reported to be.
func (t *trial) coversAll(d *device) {
	missing := func() uint64 {
		for _, seq := range d.conn.seqs {
			if d.conn.acked.has(seq) && !d.conn.covered.has(seq) {
				return seq
			}
		}
		return 0
	}
	if !t.await(func() bool { return missing() == 0 }) {
		t.failf(RuleAcked, d.conn, "the device acked %d, but no Ack says so", missing())
	}
}

// acks tries cumulative acks; that they cover no more is checked by the host.
func (t *trial) acks() {
	d := t.ready(20)
	for _, upTo := range []uint64{1, 5, 5, 12} {
		d.ack(upTo)
		t.coversAll(d)
	}
	t.host.Turn(d.conn.owner, func() { t.deliver(d.conn.owner, push{to: []*device{d}}, push{to: []*device{d}}) })
	t.verify(d)
	t.linger() // An ack of what nobody acked would come about now.
	d.ack(21)
	t.coversAll(d)
}

// ackRanges tries acks with holes.
func (t *trial) ackRanges() {
	d := t.ready(30)
	d.ack(3, sdk.SeqRange{First: 5, Last: 9}, sdk.SeqRange{First: 12, Last: 12})
	t.coversAll(d)
	d.ack(12, sdk.SeqRange{First: 20, Last: 25})
	t.coversAll(d)
	d.ack(30)
	t.coversAll(d)
	t.linger()
}

// nacks tries refusals of messages.
func (t *trial) nacks() {
	d := t.ready(3)
	d.note("nacks 1 for later, 2 for good")
	t.host.mu.Lock()
	first, second := d.numberLocked(1), d.numberLocked(2)
	t.host.mu.Unlock()
	t.supported(d.dev.Nack(first, 1500*time.Millisecond, false, "busy"), "nack", d)
	t.supported(d.dev.Nack(second, 0, true, "no"), "nack", d)
	got := t.collect(d, sdk.EventNack, 2)
	for i, want := range []sdk.Event{{Seq: 1, RetryAfter: 1500 * time.Millisecond}, {Seq: 2, Final: true}} {
		if i >= len(got) || got[i].Seq != want.Seq || got[i].Final != want.Final || got[i].RetryAfter != want.RetryAfter {
			t.failf(RuleDeviceSaid, d.conn, "Nack %d of 2 is not seq %d, final %t, after %s", i+1, want.Seq, want.Final, want.RetryAfter)
		}
	}
}

// collect waits for n events of a kind.
func (t *trial) collect(d *device, k sdk.EventKind, n int) []sdk.Event {
	var got []sdk.Event
	t.await(func() bool {
		got = nil
		for _, e := range d.conn.events {
			if e.Kind == k {
				got = append(got, e)
			}
		}
		return len(got) >= n
	})
	if len(got) != n {
		t.failf(RuleDeviceSaid, d.conn, "%d events of kind %s came, the device asked for %d", len(got), eventName(k), n)
	}
	return got
}

// uplinks tries what devices send, and its results.
func (t *trial) uplinks() {
	d := t.session(0)
	for range 20 {
		d.send()
	}
	t.verifyUplinks(d, RuleUplink)
	for i, e := range t.collect(d, sdk.EventUplink, 20) {
		if want := fmt.Sprintf("send-%d", i+1); e.ID != want && !t.lacks(Results) {
			t.failf(RuleUplink, d.conn, "uplink %d has the id %q, the device sent it under %q", i+1, e.ID, want)
		}
		if e.Name != "plugintest" && !t.lacks(SendNames) {
			t.failf(RuleUplink, d.conn, "uplink %d has the name %q, the device said %q", i+1, e.Name, "plugintest")
		}
	}
	t.host.Turn(0, func() {
		t.command(0,
			sdk.Command{Kind: sdk.CommandUplinkResult, Conn: d.conn.id, ID: "send-1"},
			sdk.Command{Kind: sdk.CommandUplinkResult, Conn: d.conn.id, ID: "send-2", Code: 4005, Text: "not now", Retryable: true})
	})
	t.verify(d)
}

// joins tries joining and leaving.
func (t *trial) joins() {
	d := t.session(0)
	d.note("joins and leaves")
	t.supported(d.dev.Join("room-1", 0), "join", d)
	t.supported(d.dev.Join("room-2", 42), "join", d)
	t.supported(d.dev.Leave("room-1"), "leave", d)
	position := 42
	if t.lacks(Positions) {
		position = 0
	}
	var groups []string
	for _, e := range t.collect(d, sdk.EventJoin, 2) {
		groups = append(groups, fmt.Sprint(e.Group, " ", e.Position))
	}
	if want := []string{"room-1 0", fmt.Sprint("room-2 ", position)}; !slices.Equal(groups, want) {
		t.failf(RuleDeviceSaid, d.conn, "Join events say %q, the device %q", groups, want)
	}
	for _, e := range t.collect(d, sdk.EventLeave, 1) {
		if e.Group != "room-1" {
			t.failf(RuleDeviceSaid, d.conn, "Leave says %q, the device room-1", e.Group)
		}
	}
	t.host.Turn(0, func() {
		t.command(0,
			sdk.Command{Kind: sdk.CommandJoinResult, Conn: d.conn.id, Group: "room-1"},
			sdk.Command{Kind: sdk.CommandJoinResult, Conn: d.conn.id, Group: "room-2", Position: 40, Gap: true},
			sdk.Command{Kind: sdk.CommandJoinResult, Conn: d.conn.id, Group: "room-3", Code: 4005, Text: "full"})
	})
	t.verify(d)
}

// refreshes tries new credentials.
func (t *trial) refreshes() {
	d := t.session(0)
	d.note("brings new credentials")
	t.supported(d.dev.Refresh(sdk.Credentials{Kind: sdk.CredentialBearer, Token: "a newer token"}), "refresh", d)
	for _, e := range t.collect(d, sdk.EventRefresh, 1) {
		if e.Credentials == nil || e.Credentials.Token != "a newer token" {
			t.failf(RuleDeviceSaid, d.conn, "Refresh carries other credentials than the device's")
		}
	}
	t.host.Turn(0, func() { t.command(0, sdk.Command{Kind: sdk.CommandRefreshResult, Conn: d.conn.id}) })
	t.verify(d)
}

// pauses tries that a paused connection is not read.
func (t *trial) pauses() {
	d, other := t.session(0), t.session(0)
	for range 3 {
		t.host.Turn(0, func() { t.command(0, sdk.Command{Kind: sdk.CommandPause, Conn: d.conn.id}) })
		t.cross()
		before := len(d.sent)
		for range 5 {
			d.send()
			other.send()
		}
		t.verifyUplinks(other, RulePause)
		if !t.stays(func() bool { return len(d.uplinksLocked()) == before }) {
			t.failf(RulePause, d.conn, "an Uplink came while the connection was paused")
		}
		t.host.Turn(0, func() {
			t.deliver(0, push{to: []*device{d}}) // Writing goes on.
		})
		t.verify(d)
		t.host.Turn(0, func() { t.command(0, sdk.Command{Kind: sdk.CommandResume, Conn: d.conn.id}) })
		t.verifyUplinks(d, RulePause)
	}
}

// credits tries that a transport stops reading without credit.
func (t *trial) credits() {
	d := t.session(0)
	t.host.SetCredit(0, 0)
	t.cross()
	for range 5 {
		d.send()
	}
	if !t.stays(func() bool { return len(d.uplinksLocked()) == 0 }) {
		t.failf(RuleCredit, d.conn, "an Uplink came at credit 0")
	}
	t.host.SetCredit(0, -1)
	t.verifyUplinks(d, RuleCredit)
}

// heartbeats tries the time-out of silent devices.
func (t *trial) heartbeats() {
	with := func() *device {
		d := t.connect(Dial{})
		t.accept(d, sdk.Accept{Owner: 0, Heartbeat: 10 * time.Second})
		t.attached(d)
		return d
	}
	silent, talking, paused := with(), with(), with()
	t.host.Turn(0, func() { t.command(0, sdk.Command{Kind: sdk.CommandPause, Conn: paused.conn.id}) })
	for second := 1; second <= 20; second++ {
		if !t.lacks(Sends) {
			talking.send()
			t.verifyUplinks(talking, RuleHeartbeat)
		}
		t.host.Advance(time.Second)
		if second <= 10 && silent.conn.closedNow(t.host) {
			t.fatalf(RuleHeartbeat, silent.conn, "the device was closed after %d s, its heartbeat is 10 s", second)
		}
	}
	if !t.await(func() bool { return silent.conn.closed != nil }) {
		t.failf(RuleHeartbeat, silent.conn, "a device with a heartbeat of 10 s lives after 20 s of silence")
	}
	if !t.lacks(Sends) && talking.conn.closedNow(t.host) {
		t.failf(RuleHeartbeat, talking.conn, "a device that sent something every second was closed")
	}
	if paused.conn.closedNow(t.host) {
		t.failf(RuleHeartbeat, paused.conn, "a device that was not read was closed for its silence")
	}
}

func (c *conn) closedNow(h *Host) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return c.closed != nil
}
