package chaos

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pushcore/pushcore/test/chaos/check"
)

// late is what the way, two busy machines' schedulers and the node's tick may add to a delay.
const late = 250 * time.Millisecond

// TestDevicesThatLoseAcks has devices keep 30 % of their acks to themselves: of each coming of a message, not of each
// message, so that some come as often as allowed and cost the connection.
func TestDevicesThatLoseAcks(t *testing.T) {
	users, each, delays := 40, 10, []time.Duration{time.Second, 2 * time.Second}
	if *long {
		users, each, delays = 200, 50, []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second}
	}
	r := newRig(t)
	s := newHTTPSource(r)
	n := r.startNode(nodeConfig{plugins: s.plugin(), settings: retrySettings(delays)})
	f := r.startFleet("devices", fleetConfig{Users: users, URLs: n.deviceURLs(), AckLoss: 30})
	f.connect()
	r.untilConnected(users, 30*time.Second)
	p := r.publish(s, load{users: users, each: each, within: 5 * time.Second, sizeMax: 600})
	p.done()
	r.untilHandled(p.total(), time.Minute)
	r.until("all to be acked", 3*time.Minute, func() bool { return n.metric("pushcore_fates_total") >= float64(p.total()) })
	events := r.events()
	report := r.judge(check.Check(events, check.AckGrace))
	attempts := check.Schedule{Delays: delays, Jitter: 0.1, Tick: late + slack()/6}.Attempts(events)
	t.Logf("%s", attempts)
	if report.Acked != p.total() || attempts.Again == 0 || attempts.TooMany+attempts.OffBeat != 0 {
		t.Errorf("%d acked; %s\n%s", report.Acked, attempts, strings.Join(attempts.Faults, "\n"))
	}
}

func retrySettings(delays []time.Duration) string {
	var list []string
	for _, d := range delays {
		list = append(list, d.String())
	}
	return fmt.Sprintf("delivery: { retry: [%s] }", strings.Join(list, ", "))
}

// TestNothingIsSentAgainIntoAJam has devices read nothing for longer than the first delays, while the first message
// already is longer than what the kernel takes of it. What they then read came once.
func TestNothingIsSentAgainIntoAJam(t *testing.T) {
	users, each, stall := 10, 5, 6*time.Second
	if *long {
		users, each, stall = 50, 6, 20*time.Second
	}
	r := newRig(t)
	s := newHTTPSource(r)
	n := r.startNode(nodeConfig{plugins: s.plugin()})
	f := r.startFleet("devices", fleetConfig{Users: users, URLs: n.deviceURLs(), Stall: stall, PeerTimeout: 10 * time.Second})
	f.connect()
	r.untilConnected(users, 30*time.Second)
	p := r.publish(s, load{users: users, each: each, sizeMin: 150_000, sizeMax: 200_000, workers: users})
	p.done()
	r.untilHandled(p.total(), stall+time.Minute)
	report := r.verdict(check.AckGrace)
	if report.Repeats != 0 {
		t.Errorf("%d messages came again, though nothing of them was lost and all were acked as they were read", report.Repeats)
	}
}
