package node

import (
	"context"
	"net/http"
	"testing"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

func TestStopTellsDevicesToComeBack(t *testing.T) {
	n := start(t, listeners)
	var devices []*device
	for _, user := range []string{"alice", "bob", "carol"} {
		devices = append(devices, n.user(user, ""))
	}
	n.stop()
	for _, d := range devices {
		if c := d.closed(wire.CodeDraining); c.Reconnect.Rule == wire.ReconnectNo {
			t.Errorf("the device may not come back: %+v", c.Reconnect)
		}
	}
}

func TestStopWaitsForAcksAndSettles(t *testing.T) {
	n := start(t, withBroker)
	d := n.user("alice", "")
	n.broker.deliver(t, 1, "under way", "push-to", "user:alice")
	got := d.sees("under way")
	stopped := make(chan error, 1)
	go func() { stopped <- n.runtime.Stop(context.Background()) }()
	n.stopped = true
	n.until("readyz to say no", func() bool {
		status, _, err := n.try(http.MethodGet, "/readyz", "")
		return err == nil && status == http.StatusServiceUnavailable
	}, func() string { return "" })
	if status, _ := n.call(http.MethodGet, "/livez", ""); status != http.StatusOK {
		t.Errorf("livez says %d while the node stops", status)
	}
	status, answer := n.call(http.MethodPost, "/v1/push", "x", "push-to", "user:alice")
	if p := decode[pushed](t, answer); status != http.StatusServiceUnavailable || p.Code != "draining" {
		t.Errorf("a push while the node stops: %d %s", status, answer)
	}
	d.send(&wire.Ack{Seq: got[0].Seq})
	n.broker.settles(t, sdk.Done, 1)
	d.closed(wire.CodeDraining)
	if err := <-stopped; err != nil {
		t.Errorf("stop: %v", err)
	}
}

func TestStopDoesNotSettleWhatIsUnsafe(t *testing.T) {
	n := start(t, withBroker)
	d := n.user("alice", "")
	n.broker.deliver(t, 1, "unacked", "push-to", "user:alice")
	d.sees("unacked")
	n.stop()
	d.closed(wire.CodeDraining)
	n.broker.unsettled(t)
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
