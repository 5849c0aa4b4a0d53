package chaos

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/pushcore/pushcore/test/brokers"
)

// heartbeat of devices in stories about connections that die unnoticed, as the node's setting. A device that waits a
// third of it for the answer to a PING, sent after two thirds, lets go in time as well.
const (
	heartbeat         = 2 * time.Second
	heartbeatSettings = "sessions: { heartbeat: 2s }"
)

// partition is a direction in which nothing comes through.
type partition struct {
	name    string
	port    string // whose, of the packets that are lost
	devices bool   // between node and devices, else node and broker
}

var partitions = []partition{
	{"devices to node", "dport", true},
	{"node to devices", "sport", true},
	{"broker to node", "sport", false},
	{"node to broker", "dport", false},
}

// TestOneWayPartition loses all packets of one direction for a while, with the node in a network namespace of its own.
func TestOneWayPartition(t *testing.T) {
	for _, p := range partitions {
		t.Run(p.name, func(t *testing.T) {
			if !*long && !p.devices {
				t.Skip("long form only")
			}
			r := newRig(t)
			ns := newNamespace(r)
			s, match := r.partitionedSource(ns, p)
			users, each, during := 50, 20, 5*time.Second
			if *long {
				users, each, during = 200, 100, r.between(5*time.Second, 60*time.Second)
			}
			n := r.startNode(nodeConfig{host: ns.inner, namespace: ns.name, plugins: s.plugin(), settings: heartbeatSettings})
			if p.devices {
				match = fmt.Sprintf("tcp %s { %s, %s }", p.port, portOf(n.urls["tcp"]), portOf(n.urls["ws"]))
			}
			f := r.startFleet("devices", fleetConfig{Users: users, URLs: n.deviceURLs(), EachStranger: 2, PeerTimeout: heartbeat / 2})
			f.connect()
			r.untilConnected(users, 30*time.Second)

			load := r.publish(s, load{users: users, each: each, within: during + 4*time.Second, sizeMax: 600})
			r.pass(2 * time.Second)
			ns.drop(match)
			began := time.Now()
			if p.devices {
				r.halfOpen(p)
			}
			r.pass(during - time.Since(began))
			ns.heal()
			lasted := time.Since(began)
			load.done()
			r.untilHandled(load.total(), 90*time.Second)
			t.Logf("partition for %s", lasted.Round(time.Millisecond))
			r.verdict(lasted + time.Second)
		})
	}
}

// partitionedSource is a source that the partition does not hinder from publishing, and what it is to match if the
// partition is between node and broker.
func (r *rig) partitionedSource(ns *namespace, p partition) (source, string) {
	if p.devices {
		return newHTTPSource(r), ""
	}
	port := brokers.Port(r.t)
	b := brokers.RabbitMQ(r.t, brokers.Setting("listeners.tcp.chaos", fmt.Sprintf("%s:%d", ns.outer, port)))
	u, err := url.Parse(b.URL())
	if err != nil {
		r.t.Fatal(err)
	}
	u.Host = fmt.Sprintf("%s:%d", ns.outer, port)
	return newRabbitSource(r, u.String()), fmt.Sprintf("tcp %s %d", p.port, port)
}

// halfOpen waits until neither side believes in a connection of a device any more: each within two heartbeats of the last
// it can have heard. A node that is heard by nobody is still talked to until devices have let go of it; what they send to
// end the connection waits, by the rules of TCP, behind a PING whose receipt they never learn of. What the metrics show may
// be a scrape old.
func (r *rig) halfOpen(p partition) {
	r.t.Helper()
	most := 2*heartbeat + 2*scrapeEvery + slack()
	began := time.Now()
	gone := func(what string, left func() int64) {
		r.t.Helper()
		if wait(most, func() bool { return left() == 0 }) != nil {
			r.t.Errorf("after two heartbeats the %s still has %d connections", what, left())
		}
		r.t.Logf("partition from %s: the %s had let go of all half-open connections after %s (heartbeat %s)", p.name, what, time.Since(began).Round(time.Millisecond), heartbeat)
	}
	node := func() int64 { return int64(r.node.metric("pushcore_connections")) }
	devices := func() int64 { return r.fleetSum().Connected }
	if p.port == "dport" { // The node hears nothing, and says so where it is heard.
		gone("node", node)
		gone("devices", devices)
	} else {
		gone("devices", devices)
		began = time.Now()
		gone("node", node)
	}
}

func portOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Port()
}
