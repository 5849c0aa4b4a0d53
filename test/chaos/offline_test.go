package chaos

import (
	"testing"
	"time"

	"github.com/pushcore/pushcore/test/brokers"
)

// TestEverybodyReturns has users away while messages pile up for them, and all of them come back at once.
func TestEverybodyReturns(t *testing.T) {
	users, each, steady := 50, 100, 3*time.Second
	if *long {
		users, each, steady = 1000, 200, 20*time.Second
	}
	r := newRig(t)
	var s source = newHTTPSource(r)
	if *long {
		b := brokers.SharedKafka(t)
		s = newKafkaSource(r, b, b.Addr())
	}
	n := r.startNode(nodeConfig{plugins: s.plugin(), settings: "sessions: { resume_window: 1s }"})
	here := r.startFleet("before", fleetConfig{Users: users, URLs: n.deviceURLs(), EachStranger: 4})
	here.connect()
	r.untilConnected(users, time.Minute)

	// Steady state: everybody here, each sent to once a second.
	p := r.publish(s, load{users: users, each: int(steady / time.Second), within: steady, sizeMax: 600, runs: "-steady", workers: 64})
	normal := r.peakRSS(p.done)
	r.untilHandled(p.total(), time.Minute)
	here.close()
	r.until("the sessions to end", 30*time.Second, func() bool { return n.metric("pushcore_sessions") == 0 })

	piled := r.publish(s, load{users: users, each: each, sizeMax: 600, workers: min(users, 256)})
	pilePeak := r.peakRSS(piled.done)
	r.until("all to be stored", 5*time.Minute, func() bool { return n.metric("pushcore_ingress_open_records") == 0 })
	back := r.startFleet("after", fleetConfig{Users: users, URLs: n.deviceURLs(), EachStranger: 4, ConnectWithin: 5 * time.Second})
	back.connect()
	began := time.Now()
	peak := r.peakRSS(func() {
		_ = wait(5*time.Minute, func() bool { return back.stats().Handled >= int64(piled.total()) })
	})
	took := time.Since(began)
	report := r.verdict(flooded)
	t.Logf("%d users came back within 5 s and had %d messages after %s; memory at most %d MiB in steady state, %d MiB while messages piled up, %d MiB during the return: %.2f times",
		users, back.stats().Handled, took.Round(time.Millisecond), normal>>20, pilePeak>>20, peak>>20, float64(peak)/float64(normal))
	if report.Delivered != piled.total()+p.total() {
		t.Errorf("%d of %d came", report.Delivered, piled.total()+p.total())
	}
	if *long && float64(peak) > 1.5*float64(normal) {
		t.Errorf("the return took %.2f times the memory of steady state", float64(peak)/float64(normal))
	}
}
