package chaos

import (
	"testing"
	"time"

	"github.com/pushcore/pushcore/test/brokers"
	"github.com/pushcore/pushcore/test/chaos/check"
)

// TestBrokerKilledMidBatch kills a broker five times while the node reads from it, and after each time the node, whose
// store is memory: what the broker was told to forget before a device had it would be lost with it. So would be, then,
// what a commit had passed by.
func TestBrokerKilledMidBatch(t *testing.T) {
	if !*long {
		t.Skip("long form only; test/soak kills each broker once")
	}
	stories := map[string]func(*rig) (source, killable){
		"kafka": func(r *rig) (source, killable) {
			b := brokers.Kafka(r.t)
			return newKafkaSource(r, b, b.Addr()), b
		},
		"rabbitmq": func(r *rig) (source, killable) {
			b := brokers.RabbitMQ(r.t)
			return newRabbitSource(r, b.URL()), b
		},
	}
	for name, open := range stories {
		t.Run(name, func(t *testing.T) {
			const users, each, times = 500, 40, 5
			r := newRig(t)
			s, broker := open(r)
			n := r.startNode(nodeConfig{plugins: s.plugin(), memory: true, settings: "sessions: { resume_window: 20s }"})
			f := r.startFleet("devices", fleetConfig{Users: users, URLs: n.deviceURLs(), EachStranger: 4, AckLoss: 0})
			f.connect()
			r.untilConnected(users, 30*time.Second)
			p := r.publish(s, load{users: users, each: each, within: 90 * time.Second, sizeMax: 600})
			for kill := range times {
				share := int64(p.total() * (kill + 1) / (times + 2))
				r.until("messages to be on their way", 3*time.Minute, func() bool { return r.fleetSum().Handled > share })
				r.note("broker killed")
				broker.Kill()
				r.pass(r.between(0, 2*time.Second))
				broker.Start()
				r.note("broker started")
				r.pass(r.between(0, 3*time.Second))
				n.restart()
			}
			p.done()
			r.untilHandled(p.total(), 2*time.Minute)
			r.untilSettled(s, p.total())
			report := r.verdict(check.AckGrace)
			t.Logf("%d of %d acked before the last kill, the last %s after the last start; %d attempts to publish failed",
				report.AckedByKill, p.total(), report.LastAckAfter, p.tries.Load())
		})
	}
}

type killable interface {
	Kill()
	Start()
}
