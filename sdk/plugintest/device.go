package plugintest

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/pushcore/pushcore/sdk"
)

// device is a driver's device with what it was sent and what it saw.
type device struct {
	trial *trial
	label string
	dev   Device
	isCut bool

	// Guarded by Host.mu.
	reports []Report
	conn    *conn // nil until Connect came

	// Owned by the trial.
	seq      uint64
	expected []Report // what must have reached it, in order
	sent     []string // payloads of its uplinks
}

// dial opens a connection that asks for a session under a label of its own.
func (t *trial) dial(what Dial) *device {
	d, err := t.tryDial(what)
	t.supported(err, "open", nil)
	return d
}

// tryDial is dial where nobody may be listening.
func (t *trial) tryDial(what Dial) (*device, error) {
	return t.dialSoon(what)()
}

// dialSoon begins to dial and returns how to wait for it: a driver may wait for
// the other side.
func (t *trial) dialSoon(what Dial) func() (*device, error) {
	t.labels++
	d := &device{trial: t, label: fmt.Sprintf("plugintest-%d", t.labels)}
	if what.Credentials.Kind == sdk.CredentialNone {
		what.Credentials = sdk.Credentials{Kind: sdk.CredentialBearer, Token: d.label}
	}
	if what.User == "" {
		what.User = d.label
	}
	if what.Device == "" {
		what.Device = d.label
	}
	endpoint := t.endpoints[t.labels%len(t.endpoints)].URL
	done := make(chan error, 1)
	go func() {
		dev, err := t.suite.Driver.Open(endpoint, what, d.report)
		d.dev = dev
		done <- err
	}()
	return func() (*device, error) {
		if err := <-done; err != nil {
			return d, err
		}
		t.devices = append(t.devices, d)
		return d, nil
	}
}

// report takes what the device saw.
func (d *device) report(r Report) {
	r.Payload, r.Token = bytes.Clone(r.Payload), bytes.Clone(r.Token)
	h := d.trial.host
	h.mu.Lock()
	defer h.mu.Unlock()
	d.reports = append(d.reports, r)
	h.recording.add(recordReport(d.label, d.conn, &r))
	if d.conn != nil {
		d.conn.trace.add("· " + describeReport(&r))
	}
	h.noteLocked()
}

// connect dials and waits for Connect.
func (t *trial) connect(what Dial) *device {
	d := t.dial(what)
	t.connected(d)
	return d
}

func (t *trial) connected(d *device) {
	if !t.await(func() bool { return d.findLocked() != nil }) {
		t.fatalf(RuleConnectOnce, nil, "no Connect came for a device that asked for a session (user %q)", d.label)
	}
}

// findLocked finds the device's connection by its label.
func (d *device) findLocked() *conn {
	if d.conn != nil {
		return d.conn
	}
	for _, c := range d.trial.host.conns {
		if c.device != nil || c.connect == nil {
			continue
		}
		said := []string{c.connect.User, c.connect.Device, c.connect.Credentials.User, c.connect.Credentials.Token}
		if slices.Contains(said, d.label) {
			c.device, d.conn = d, c
			return c
		}
	}
	return nil
}

// session connects and accepts: the device is attached to a loop.
func (t *trial) session(owner sdk.Loop) *device {
	d := t.connect(Dial{})
	t.accept(d, sdk.Accept{Owner: owner})
	t.attached(d)
	return d
}

// accept commands Accept on the loop of the connection's Connect.
func (t *trial) accept(d *device, a sdk.Accept) {
	t.host.Turn(d.conn.from, func() { t.command(d.conn.from, d.acceptance(a)) })
}

// acceptance fills in what an Accept needs.
func (d *device) acceptance(a sdk.Accept) sdk.Command {
	a.Token, a.Epoch, a.User, a.Device = []byte("token of "+d.label), 1, d.label, d.label
	a.MaxUplink, a.Window, a.RememberIDs = 1<<20, 1024, 16
	return sdk.Command{Kind: sdk.CommandAccept, Conn: d.conn.id, Accept: &a}
}

func (t *trial) attached(d *device) {
	if !t.await(func() bool { return d.conn.attached && d.sawLocked(Opened) != nil }) {
		t.fatalf(RuleAttached, d.conn, "after Accept: Attached came: %t; the device was told: %t", d.conn.attached, d.sawLocked(Opened) != nil)
	}
}

func (d *device) sawLocked(k ReportKind) *Report {
	for i := range d.reports {
		if d.reports[i].Kind == k {
			return &d.reports[i]
		}
	}
	return nil
}

// cut cuts the device off, once.
func (d *device) cut() {
	if d.isCut || d.dev == nil {
		return
	}
	d.isCut = true
	d.note("is cut off")
	_ = d.dev.Cut() // What is gone cannot be cut.
}

// note puts what the device does into the trace.
func (d *device) note(format string, args ...any) {
	h := d.trial.host
	h.mu.Lock()
	defer h.mu.Unlock()
	does := fmt.Sprintf(format, args...)
	h.recording.add(step{Does: does, fieldsOf: &fieldsOf{Device: d.label}})
	if d.conn != nil {
		d.conn.trace.add("· device " + does)
	}
}

// ack has the device ack by the kit's numbers, which are those of the batches.
func (d *device) ack(upTo uint64, also ...sdk.SeqRange) {
	h := d.trial.host
	d.note("acks up to %d and %v", upTo, also)
	h.mu.Lock()
	d.conn.acked.add(upTo, also)
	seen := upTo
	if upTo > 0 {
		seen = d.numberLocked(upTo)
	}
	ranges := make([]sdk.SeqRange, len(also))
	for i, r := range also {
		ranges[i] = sdk.SeqRange{First: d.numberLocked(r.First), Last: d.numberLocked(r.Last)}
	}
	h.mu.Unlock()
	d.trial.supported(d.dev.Ack(seen, ranges), "ack", d)
}

// numberLocked is the number under which the device knows a seq.
func (d *device) numberLocked(seq uint64) uint64 {
	for _, e := range d.expected {
		if e.Kind != Pushed || e.Seq != seq {
			continue
		}
		for i := range d.reports {
			if r := &d.reports[i]; r.Kind == Pushed && bytes.Equal(r.Payload, e.Payload) && r.Seq != 0 {
				return r.Seq
			}
		}
	}
	return seq
}

// send has the device send.
func (d *device) send() {
	id := fmt.Sprintf("send-%d", len(d.sent)+1)
	payload := id + " of " + d.label
	name := "plugintest"
	if d.trial.lacks(SendNames) {
		name = ""
	}
	d.sent = append(d.sent, payload)
	d.note("sends %q", payload)
	d.trial.supported(d.dev.Send(id, name, []byte(payload)), "send", d)
}

// uplinksLocked are the payloads of the uplinks that were emitted.
func (d *device) uplinksLocked() []string {
	var got []string
	for i := range d.conn.events {
		if e := &d.conn.events[i]; e.Kind == sdk.EventUplink {
			got = append(got, string(e.Payload))
		}
	}
	return got
}

// verifyUplinks waits until all that the device sent has been emitted.
func (t *trial) verifyUplinks(d *device, r Rule) {
	t.await(func() bool { return len(d.uplinksLocked()) >= len(d.sent) })
	t.host.mu.Lock()
	got := d.uplinksLocked()
	t.host.mu.Unlock()
	if !slices.Equal(got, d.sent) {
		t.failf(r, d.conn, "the device sent %q; emitted was %q", d.sent, got)
	}
}
