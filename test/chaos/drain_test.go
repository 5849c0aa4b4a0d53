package chaos

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/pushcore/pushcore/test/chaos/check"
)

// TestDrain ends a node by SIGTERM while some of its devices are busy. Devices leave at the set rate, come back to its
// successor on the same data, and miss nothing.
func TestDrain(t *testing.T) {
	connected, active, each, rate := 300, 50, 20, 100
	if *long {
		connected, active, each, rate = 5000, 500, 60, 500
	}
	r := newRig(t)
	s := newHTTPSource(r)
	n := r.startNode(nodeConfig{plugins: s.plugin(), settings: fmt.Sprintf("node: { drain: { rate: %d/s, timeout: 60s } }", rate)})
	// Strangers, because they write down when they were asked to leave.
	f := r.startFleet("devices", fleetConfig{Users: connected, URLs: n.deviceURLs(), EachStranger: 1, ConnectWithin: 5 * time.Second})
	f.connect()
	r.untilConnected(connected, time.Minute)

	leaving := time.Duration(connected/rate) * time.Second
	p := r.publish(s, load{users: active, each: each, within: leaving + 6*time.Second, sizeMax: 600})
	r.pass(2 * time.Second)
	n.signal(syscall.SIGTERM)
	began := time.Now()
	r.until("the node to end", 2*time.Minute, func() bool {
		select {
		case <-n.ended:
			return true
		default:
			return false
		}
	})
	took := time.Since(began)
	if code := n.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d\n%s", code, n.logTail())
	}
	n.start()
	p.done()
	r.untilHandled(p.total(), time.Minute)
	events := r.events()
	r.judge(check.Check(events, check.AckGrace))
	asked, measured := moveRate(events)
	t.Logf("%d devices asked to leave, %.1f a second of %d set; the node ended %s after SIGTERM", asked, measured, rate, took.Round(10*time.Millisecond))
	if asked < connected*9/10 {
		t.Errorf("only %d of %d devices were asked to leave", asked, connected)
	}
	if tolerance := 0.1 + slack().Seconds()/20; measured < (1-tolerance)*float64(rate) || measured > (1+tolerance)*float64(rate) {
		t.Errorf("devices were asked to leave at %.1f a second, not %d", measured, rate)
	}
}

// moveRate is how many devices were asked to leave, and how many a second.
func moveRate(events []check.Event) (asked int, perSecond float64) {
	var first, last time.Time
	for _, e := range events {
		if e.Kind != "move" {
			continue
		}
		if asked++; asked == 1 {
			first = e.At
		}
		last = e.At
	}
	if asked < 2 {
		return asked, 0
	}
	return asked, float64(asked-1) / last.Sub(first).Seconds()
}
