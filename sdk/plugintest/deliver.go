package plugintest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/pushcore/pushcore/sdk"
)

// scribble is what lent memory is overwritten with after each call.
const scribble = 0xDB

// push is a message for some devices.
type push struct {
	to   []*device
	fast bool
	size int // bytes of filler
}

// command makes commands in a turn of a loop, then overwrites what was lent.
func (t *trial) command(l sdk.Loop, commands ...sdk.Command) {
	h := t.host
	h.mu.Lock()
	for i := range commands {
		c := &commands[i]
		if h.recording != nil {
			h.recording.add(recordCommand(l, h.loops[l].turns, c))
		}
		line := fmt.Sprintf("loop %d turn %d → %s", l, h.loops[l].turns, describeCommand(c))
		conn := h.conns[c.Conn]
		if conn == nil {
			h.journal.add(line)
			continue
		}
		conn.trace.add(line)
		if c.Kind == sdk.CommandAccept && conn.closed == nil {
			conn.accepted, conn.owner = true, c.Accept.Owner
		}
		if conn.device != nil {
			conn.device.expectResult(c)
		}
	}
	h.mu.Unlock()
	h.loops[l].said = true
	t.transport.Command(l, commands)
	for i := range commands {
		overwriteCommand(&commands[i])
	}
}

func overwriteCommand(c *sdk.Command) {
	fill(c.Keep)
	if c.Accept != nil {
		fill(c.Accept.Token)
		fill(c.Accept.Keep)
		*c.Accept = sdk.Accept{Owner: -1, User: "overwritten", Device: "overwritten"}
	}
	if c.Listen != nil {
		*c.Listen = sdk.Listen{AcceptRate: 1, MaxUnauthenticated: 1, MaxFrame: 1}
	}
	*c = sdk.Command{Conn: c.Conn, Text: "overwritten"}
}

func fill(b []byte) {
	for i := range b {
		b[i] = scribble
	}
}

// expectResult notes what a command must bring the device.
func (d *device) expectResult(c *sdk.Command) {
	if d.trial.lacks(Results) || d.conn.closed != nil {
		return
	}
	r := Report{Code: c.Code, Text: c.Text, ID: c.ID, Group: c.Group, Position: c.Position, Gap: c.Gap, Retryable: c.Retryable}
	switch c.Kind {
	case sdk.CommandUplinkResult:
		r.Kind = Sent
	case sdk.CommandJoinResult:
		r.Kind = Joined
	case sdk.CommandRefreshResult:
		r.Kind = Refreshed
	default:
		return
	}
	d.expected = append(d.expected, r)
}

// deliver delivers in one batch in a turn of a loop, then overwrites what was
// lent. Items of one device stand side by side.
func (t *trial) deliver(l sdk.Loop, pushes ...push) {
	batch := &sdk.Batch{}
	var receivers []*device
	for _, p := range pushes {
		t.messages++
		batch.Messages = append(batch.Messages, t.message(p))
		for _, d := range p.to {
			if !slices.Contains(receivers, d) {
				receivers = append(receivers, d)
			}
		}
	}
	t.host.mu.Lock()
	for _, d := range receivers {
		for i, p := range pushes {
			if slices.Contains(p.to, d) {
				batch.Items = append(batch.Items, d.item(uint32(i), &batch.Messages[i], p.fast))
			}
		}
		d.conn.trace.add(fmt.Sprintf("loop %d turn %d → Deliver: %d messages up to seq %d", l, t.host.loops[l].turns, len(batch.Messages), d.seq))
	}
	if t.host.recording != nil {
		t.host.recording.add(recordBatch(l, t.host.loops[l].turns, batch))
	}
	t.host.mu.Unlock()
	t.host.loops[l].said = true
	t.transport.Deliver(l, batch)
	overwriteBatch(batch)
}

// message makes a message that is like no other.
func (t *trial) message(p push) sdk.Message {
	m := sdk.Message{
		ID: fmt.Sprintf("id-%d", t.messages), Name: "plugintest", FromUser: "someone",
		Payload: append(fmt.Appendf(nil, "m%d ", t.messages), bytes.Repeat([]byte{'x'}, p.size)...),
	}
	if p.fast {
		m.Class = sdk.Fast
	}
	return m
}

// item is a message for a device, which is to see it.
func (d *device) item(index uint32, m *sdk.Message, fast bool) sdk.Item {
	item := sdk.Item{Conn: d.conn.id, Message: index}
	if !fast {
		d.seq++
		item.Seq = d.seq
		d.conn.seqs = append(d.conn.seqs, d.seq)
	}
	d.expected = append(d.expected, Report{Kind: Pushed, Seq: item.Seq, ID: m.ID, Name: m.Name, Payload: bytes.Clone(m.Payload)})
	return item
}

func overwriteBatch(b *sdk.Batch) {
	for i := range b.Messages {
		fill(b.Messages[i].Payload)
		b.Messages[i] = sdk.Message{ID: "overwritten", Name: "overwritten", Payload: bytes.Repeat([]byte{scribble}, 16)}
	}
	for i := range b.Items {
		b.Items[i] = sdk.Item{}
	}
}

// key tells reports apart.
func (r *Report) key() string {
	switch r.Kind {
	case Pushed:
		key, _, _ := strings.Cut(string(r.Payload), " ")
		return key
	case Sent:
		return "result of " + r.ID
	case Joined:
		return "result of joining " + r.Group
	}
	return reportNames[r.Kind]
}

// seenLocked is what the device saw of what can be expected.
func (d *device) seenLocked() []Report {
	var seen []Report
	for i := range d.reports {
		switch d.reports[i].Kind {
		case Pushed:
			seen = append(seen, d.reports[i])
		case Sent, Joined, Refreshed:
			if !d.trial.lacks(Results) {
				seen = append(seen, d.reports[i])
			}
		}
	}
	return seen
}

// verify waits until the device saw all that it must, and compares.
func (t *trial) verify(d *device) {
	t.await(func() bool { return len(d.seenLocked()) >= len(d.expected) })
	t.host.mu.Lock()
	seen := d.seenLocked()
	t.host.mu.Unlock()
	for i := range seen {
		if bytes.Contains(seen[i].Payload, []byte{scribble, scribble}) || seen[i].ID == "overwritten" {
			t.failf(RuleBatchMemory, d.conn, "the device got memory that was overwritten after the call had returned")
			return
		}
		if i >= len(d.expected) || seen[i].key() != d.expected[i].key() {
			t.misplaced(d, seen, i)
			return
		}
		t.compare(d, &seen[i], &d.expected[i])
	}
	if len(seen) < len(d.expected) {
		t.failf(RuleNothingLost, d.conn, "%s has not reached the device, after %d that have", d.expected[len(seen)].key(), len(seen))
	}
}

// misplaced explains a report that is not the one expected in its place.
func (t *trial) misplaced(d *device, seen []Report, i int) {
	key := seen[i].key()
	has := func(reports []Report) bool {
		return slices.ContainsFunc(reports, func(r Report) bool { return r.key() == key })
	}
	switch {
	case has(seen[:i]):
		t.failf(RuleNothingLost, d.conn, "%s reached the device twice", key)
	case !has(d.expected):
		t.failf(RuleWhole, d.conn, "the device got %q, which was not delivered to it", key)
	default:
		want := d.expected[i].key()
		later := slices.ContainsFunc(seen[i:], func(r Report) bool { return r.key() == want })
		if later {
			t.failf(RuleOrder, d.conn, "%s reached the device before %s", key, want)
		} else {
			t.failf(RuleNothingLost, d.conn, "%s has not reached the device, but %s, which was delivered later, has", want, key)
		}
	}
}

// compare looks at what is said of the right thing.
func (t *trial) compare(d *device, got, want *Report) {
	if got.Kind != Pushed {
		if got.Code != want.Code || got.Text != want.Text {
			t.failf(RuleResults, d.conn, "%s says code %d %q, the command said %d %q", want.key(), got.Code, got.Text, want.Code, want.Text)
		}
		return
	}
	if !bytes.Equal(got.Payload, want.Payload) {
		t.failf(RuleWhole, d.conn, "%s has a payload of %d bytes %s, delivered were %d %s", want.key(), len(got.Payload), clip(got.Payload), len(want.Payload), clip(want.Payload))
	}
	if t.lacks(Messages) {
		return
	}
	if got.Seq != want.Seq || got.ID != want.ID || got.Name != want.Name {
		t.failf(RuleWhole, d.conn, "%s has seq %d, id %q, name %q; delivered were %d, %q, %q", want.key(), got.Seq, got.ID, got.Name, want.Seq, want.ID, want.Name)
	}
}
