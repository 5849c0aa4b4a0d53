package node

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

func TestStopSendsDevicesAwayAndClosesThoseThatStay(t *testing.T) {
	n := start(t, listeners)
	var devices []*device
	for _, user := range []string{"alice", "bob", "carol"} {
		devices = append(devices, n.user(user, ""))
	}
	n.stop()
	for _, d := range devices {
		if m := expect[wire.Move](d); m.WithinMS == 0 {
			t.Errorf("no time to choose: %+v", m)
		}
		if c := d.closed(wire.CodeMoved); c.Reconnect.Rule == wire.ReconnectNo {
			t.Errorf("the device may not come back: %+v", c.Reconnect)
		}
	}
}

// patiently gives devices minutes to follow a MOVE.
func patiently(yaml string) string { return strings.Replace(yaml, "timeout: 1s", "timeout: 1h", 1) }

// stopping begins to stop the node and waits until it says that it is not ready.
func (n *node) stopping() (stopped <-chan error) {
	n.t.Helper()
	done := make(chan error, 1)
	go func() { done <- n.runtime.Stop(context.Background()) }()
	n.stopped = true
	n.notReady()
	return done
}

func (n *node) notReady() {
	n.t.Helper()
	n.until("readyz to say no", func() bool {
		status, _, err := n.try(http.MethodGet, "/readyz", "")
		return err == nil && status == http.StatusServiceUnavailable
	}, func() string { return "" })
	if status, _ := n.call(http.MethodGet, "/livez", ""); status != http.StatusOK {
		n.t.Errorf("livez says %d", status)
	}
}

func TestStopWaitsForAcksAndSettles(t *testing.T) {
	n := start(t, patiently(withBroker))
	d := n.user("alice", "")
	n.broker.deliver(t, 1, "under way", "push-to", "user:alice")
	got := d.sees("under way")
	stopped := n.stopping()
	status, answer := n.call(http.MethodPost, "/v1/push", "x", "push-to", "user:alice")
	if p := decode[pushed](t, answer); status != http.StatusServiceUnavailable || p.Code != "draining" {
		t.Errorf("a push while the node stops: %d %s", status, answer)
	}
	expect[wire.Move](d)
	d.send(&wire.Ack{Seq: got[0].Seq})
	n.broker.settles(t, sdk.Done, 1)
	d.cut()
	if err := <-stopped; err != nil {
		t.Errorf("stop: %v", err)
	}
}

// TestStopKeepsBrokersSources: a plugin that is told no gives its source up, and what
// devices ack later is settled no more. So it is not told.
func TestStopKeepsBrokersSources(t *testing.T) {
	n := start(t, patiently(withBroker))
	d := n.user("alice", "")
	n.broker.deliver(t, 1, "under way", "push-to", "user:alice")
	got := d.sees("under way")
	stopped := n.stopping()
	expect[wire.Move](d)
	ctx, closed := context.WithCancel(context.Background())
	late := make(chan error, 1)
	go func() {
		late <- n.broker.host.Batch(ctx, sdk.Records{Source: source, Epoch: epoch, Records: []sdk.Record{{Position: 2}}})
	}()
	d.send(&wire.Ack{Seq: got[0].Seq})
	n.broker.settles(t, sdk.Done, 1)
	d.cut()
	n.broker.closes(t)
	select {
	case err := <-late:
		t.Errorf("the plugin was told that its record is not taken: %v", err)
	default:
	}
	closed()
	if err := <-late; !errors.Is(err, context.Canceled) {
		t.Errorf("the record of a closed plugin: %v", err)
	}
	if err := <-stopped; err != nil {
		t.Errorf("stop: %v", err)
	}
	n.broker.unsettled(t)
}

func TestStopDoesNotSettleWhatIsUnsafe(t *testing.T) {
	n := start(t, withBroker+"store: { kind: memory }\n")
	d := n.user("alice", "")
	n.broker.deliver(t, 1, "unacked", "push-to", "user:alice")
	d.sees("unacked")
	n.stop()
	expect[wire.Move](d)
	d.closed(wire.CodeMoved)
	n.broker.unsettled(t)
}

func TestStopTurnsLateDevicesAway(t *testing.T) {
	n := start(t, patiently(listeners))
	first, silent := n.user("alice", ""), n.open()
	stopped := n.stopping()
	expect[wire.Move](first) // Now nobody is let in any more.
	silent.send(&wire.Connect{User: "bob"})
	if r := silent.rejected(wire.CodeDraining); r.Reconnect.Rule == wire.ReconnectNo {
		t.Errorf("the device may not come back: %+v", r.Reconnect)
	}
	if conn, err := net.Dial("tcp", strings.TrimPrefix(n.urls["tcp"], "tcp://")); err == nil {
		_ = conn.Close()
		t.Error("the node still takes connections, and will not answer them")
	}
	first.cut()
	if err := <-stopped; err != nil {
		t.Errorf("stop: %v", err)
	}
}

func TestStopDoesNotWaitForASlowUpload(t *testing.T) {
	n := start(t, patiently(withBroker))
	conn, err := net.Dial("tcp", strings.TrimPrefix(n.urls["http"], "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("POST /v1/push HTTP/1.1\r\nHost: localhost\r\npush-to: user:alice\r\ncontent-length: 10\r\n\r\nabc")); err != nil {
		t.Fatal(err)
	}
	d := n.user("alice", "")
	stopped := n.stopping()
	d.leaves()
	n.broker.closes(t)
	if err := <-stopped; err != nil {
		t.Errorf("stop: %v", err)
	}
}

func TestDrainDoesAllOfStopButEnd(t *testing.T) {
	n := start(t, patiently(withBroker))
	d := n.user("alice", "")
	drain := func(status int, state string, devices float64) {
		t.Helper()
		got, answer := n.call(http.MethodPost, "/v1/node/drain", "")
		if a := decode[map[string]any](t, answer); got != status || a["state"] != state || a["devices"] != devices {
			t.Errorf("got %d %s, want %d, %s, %v devices left", got, answer, status, state, devices)
		}
	}
	drain(http.StatusAccepted, "draining", 1)
	n.notReady()
	drain(http.StatusAccepted, "draining", 1)
	d.leaves()
	n.broker.closes(t)
	n.until("the drain to end", func() bool {
		status, _ := n.call(http.MethodPost, "/v1/node/drain", "")
		return status == http.StatusOK
	}, func() string { return "" })
	drain(http.StatusOK, "drained", 0)
	n.notReady()
	n.balanced()
	n.stop()
}

func TestStartFailsWholeWhenAnAddressIsTaken(t *testing.T) {
	first := start(t, listeners)
	second := prepare(t, `
http: { listen: "`+first.urls["http"][len("http://"):]+`" }
plugins: { tcp: { config: { listen: 127.0.0.1:0 } } }
`)
	if err := second.runtime.Start(); err == nil {
		t.Fatal("two nodes listen on one address")
	}
	d := first.user("alice", "")
	first.push("alive", "push-to", "user:alice")
	d.gets("alive")
}

// TestStartGoesOnWhereTheStopWas stops a node on disk: what is unacked is stored and
// settled, and comes first, in order and under its id, when the device is back.
func TestStartGoesOnWhereTheStopWas(t *testing.T) {
	yaml := withBroker + "\nstore: { kind: disk, path: " + t.TempDir() + " }\n"
	first := start(t, yaml)
	d := first.user("alice", "phone")
	first.push("acked", "push-to", "user:alice", "push-id", "m0", "push-class", "fast")
	d.gets("acked")
	first.broker.deliver(t, 1, "one", "push-to", "user:alice", "push-id", "m1")
	first.broker.deliver(t, 2, "two", "push-to", "user:alice", "push-id", "m2")
	d.sees("one", "two")
	first.stop()
	expect[wire.Move](d)
	d.closed(wire.CodeMoved)
	first.broker.settles(t, sdk.Done, 1, 2)

	second := start(t, yaml)
	back := second.connect(wire.Connect{User: "alice", Device: "phone",
		Resume: wire.Resume{Session: d.accept.Session, Epoch: d.accept.Epoch, Seq: 0}})
	if back.accept.Resumed {
		t.Error("a session is resumed that has ended with the node")
	}
	second.broker.deliver(t, 3, "three", "push-to", "user:alice", "push-id", "m3")
	for i, p := range back.gets("one", "two", "three") {
		if want := string("123"[i]); string(p.ID) != "m"+want {
			t.Errorf("message %d has the id %s", i, p.ID)
		}
	}
	second.broker.settles(t, sdk.Done, 3)
	second.fated("3", "reliable", "acked", "")
}
