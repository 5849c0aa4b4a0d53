package chaos

import (
	"testing"
	"time"

	"github.com/pushcore/pushcore/test/brokers"
	"github.com/pushcore/pushcore/test/chaos/check"
)

// killSize is a run of TestKillNine.
type killSize struct {
	users, each int
	within      time.Duration // the messages' and the kills'
	least, most time.Duration // between kills
}

func killSizes() killSize {
	if *long {
		return killSize{users: 500, each: 20, within: 60 * time.Second, least: 2 * time.Second, most: 15 * time.Second}
	}
	return killSize{users: 100, each: 10, within: 6 * time.Second, least: 3 * time.Second, most: 4 * time.Second}
}

// sources are the ways in, each with brokers that other stories share.
var sources = map[string]func(*rig) source{
	"http":     func(r *rig) source { return newHTTPSource(r) },
	"kafka":    func(r *rig) source { b := brokers.SharedKafka(r.t); return newKafkaSource(r, b, b.Addr()) },
	"rabbitmq": func(r *rig) source { return newRabbitSource(r, brokers.SharedRabbitMQ(r.t).URL()) },
}

// TestKillNine kills the node at random moments while messages of each source are on their way, to devices that are here
// and to users that come back only when it is over.
func TestKillNine(t *testing.T) {
	for _, name := range []string{"http", "kafka", "rabbitmq"} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			s := sources[name](r)
			size := killSizes()
			n := r.startNode(nodeConfig{plugins: s.plugin()})
			here := size.users * 4 / 5 // The others come at the end, and find what was stored for them.
			r.startFleet("here", fleetConfig{Users: here, URLs: n.deviceURLs(), EachStranger: 4}).connect()
			r.untilConnected(here, 30*time.Second)

			p := r.publish(s, load{users: size.users, each: size.each, within: size.within, sizeMax: 600})
			kills := r.killAtRandom(size.within, size.least, size.most)
			p.done()
			r.startFleet("away", fleetConfig{First: here, Users: size.users - here, URLs: n.deviceURLs(), EachStranger: 4}).connect()
			r.untilHandled(p.total(), 60*time.Second)
			r.untilSettled(s, p.total())
			report := r.verdict(check.AckGrace)
			t.Logf("%d kills, %d acked before the last one, all acked %s after the last start, %s of it published until then; %d attempts to publish failed",
				kills, report.AckedByKill, report.LastAckAfter, report.LastSafeAfter, p.tries.Load())
			if report.AckedByKill*5 < p.total() {
				t.Errorf("the run does not count: %d of %d acked before the last kill", report.AckedByKill, p.total())
			}
			if late := report.LastAckAfter - max(report.LastSafeAfter, 0); late > ackedWithin {
				t.Errorf("the last ack came %s after the last start", report.LastAckAfter)
			}
		})
	}
}

// ackedWithin is how soon everything is to be acked after the node's last start.
const ackedWithin = 30 * time.Second

// killAtRandom kills the node for a time, and leaves it running.
func (r *rig) killAtRandom(during, least, most time.Duration) (kills int) {
	r.t.Helper()
	end := time.Now().Add(during)
	for {
		pause := r.between(least, most)
		if time.Now().Add(pause).After(end) {
			return kills
		}
		r.pass(pause)
		r.node.restart()
		kills++
	}
}
