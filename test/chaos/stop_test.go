package chaos

import (
	"syscall"
	"testing"
	"time"

	"github.com/pushcore/pushcore/test/brokers"
)

// TestStoppedProcess stops the node, the devices or the broker where they are (SIGSTOP), and lets them go on.
func TestStoppedProcess(t *testing.T) {
	users, each, during := 50, 20, 5*time.Second
	if *long {
		users, each, during = 200, 100, 10*time.Second
	}
	stories := []struct {
		name  string
		short bool
		story func(r *rig, f *fleet, pause func())
	}{
		{"node", true, func(r *rig, _ *fleet, pause func()) {
			r.node.signal(syscall.SIGSTOP)
			pause()
			r.node.signal(syscall.SIGCONT)
		}},
		{"devices", false, func(r *rig, f *fleet, pause func()) {
			f.signal(syscall.SIGSTOP)
			began := time.Now()
			if wait(2*heartbeat+2*scrapeEvery+slack(), func() bool { return r.node.metric("pushcore_connections") == 0 }) != nil {
				r.t.Errorf("after two heartbeats the node still has %v connections", r.node.metric("pushcore_connections"))
			}
			r.t.Logf("the node had let go of all connections after %s (heartbeat %s)", time.Since(began).Round(time.Millisecond), heartbeat)
			pause()
			f.signal(syscall.SIGCONT)
		}},
	}
	for _, story := range stories {
		t.Run(story.name, func(t *testing.T) {
			if !*long && !story.short {
				t.Skip("long form only")
			}
			r := newRig(t)
			s := newHTTPSource(r)
			n := r.startNode(nodeConfig{plugins: s.plugin(), settings: heartbeatSettings})
			f := r.startFleet("devices", fleetConfig{Users: users, URLs: n.deviceURLs(), EachStranger: 2, PeerTimeout: heartbeat / 2})
			f.connect()
			r.untilConnected(users, 30*time.Second)
			p := r.publish(s, load{users: users, each: each, within: during + 4*time.Second, sizeMax: 600})
			r.pass(2 * time.Second)
			story.story(r, f, func() { r.pass(during) })
			p.done()
			r.untilHandled(p.total(), 90*time.Second)
			r.verdict(during + 2*heartbeat)
		})
	}
}

// TestStoppedBroker stops a broker where it is, and lets it go on.
func TestStoppedBroker(t *testing.T) {
	if !*long {
		t.Skip("long form only")
	}
	stories := map[string]func(*rig) (source, pausable){
		"kafka": func(r *rig) (source, pausable) {
			b := brokers.Kafka(r.t)
			return newKafkaSource(r, b, b.Addr()), b
		},
		"rabbitmq": func(r *rig) (source, pausable) {
			b := brokers.RabbitMQ(r.t)
			return newRabbitSource(r, b.URL()), b
		},
	}
	for name, open := range stories {
		t.Run(name, func(t *testing.T) {
			const users, each, during = 200, 100, 10 * time.Second
			r := newRig(t)
			s, broker := open(r)
			n := r.startNode(nodeConfig{plugins: s.plugin()})
			f := r.startFleet("devices", fleetConfig{Users: users, URLs: n.deviceURLs(), EachStranger: 2})
			f.connect()
			r.untilConnected(users, 30*time.Second)
			p := r.publish(s, load{users: users, each: each, within: during + 10*time.Second, sizeMax: 600})
			r.pass(3 * time.Second)
			broker.Pause()
			r.pass(during)
			broker.Continue()
			p.done()
			r.untilHandled(p.total(), 90*time.Second)
			r.verdict(during)
			t.Logf("%d attempts to publish failed", p.tries.Load())
		})
	}
}

type pausable interface {
	Pause()
	Continue()
}
