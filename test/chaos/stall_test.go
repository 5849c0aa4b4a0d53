package chaos

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pushcore/pushcore/test/chaos/check"
)

// TestDevicesThatReadNothing has a tenth of the devices read nothing while all are sent to. The others notice nothing,
// and the node's memory is bounded.
func TestDevicesThatReadNothing(t *testing.T) {
	if !*long {
		t.Skip("long form only: what it compares are times")
	}
	const rounds = 3
	var quiet, disturbed []time.Duration
	for round := range rounds {
		t.Run("undisturbed", func(t *testing.T) { quiet = append(quiet, stallRound(t, 0)) })
		t.Run("stalled", func(t *testing.T) { disturbed = append(disturbed, stallRound(t, time.Hour)) })
		t.Logf("round %d: p99 %s undisturbed, %s beside devices that read nothing", round, quiet[len(quiet)-1], disturbed[len(disturbed)-1])
		if t.Failed() {
			return
		}
	}
	slices.Sort(quiet)
	slices.Sort(disturbed)
	ratio := float64(disturbed[rounds/2]) / float64(quiet[rounds/2])
	t.Logf("medians of %d: p99 %s and %s, ratio %.2f", rounds, quiet[rounds/2], disturbed[rounds/2], ratio)
	if ratio > 1.2 {
		t.Errorf("the p99 of others is %.2f times the undisturbed one", ratio)
	}
}

// stallRound sends to 10,000 devices, of which 1,000 stall, and returns the p99 of the others.
func stallRound(t *testing.T, stall time.Duration) time.Duration {
	const others, stalled, each = 9000, 1000, 2
	r := newRig(t)
	s := newHTTPSource(r)
	n := r.startNode(nodeConfig{plugins: s.plugin()})
	a := r.startFleet("others", fleetConfig{Users: others, URLs: n.deviceURLs(), EachStranger: 1, ConnectWithin: 10 * time.Second})
	b := r.startFleet("stalled", fleetConfig{First: others, Users: stalled, URLs: n.deviceURLs(), EachStranger: 1, Stall: stall, ConnectWithin: 10 * time.Second})
	a.connect()
	b.connect()
	r.untilConnected(others+stalled, 2*time.Minute)
	before := n.rss()
	// 64 large ones to each of those that may stall, 2 small ones to each of the others, over the same time.
	heavy := r.publish(s, load{first: others, users: stalled, each: 64, within: 40 * time.Second, sizeMax: 2000, runs: "-heavy", workers: 64})
	p := r.publish(s, load{users: others, each: each, within: 40 * time.Second, sizeMax: 300, runs: "-light", workers: 64})
	peak := r.peakRSS(func() { p.done(); heavy.done() })
	r.until("the others to have all", time.Minute, func() bool { return a.stats().Handled >= int64(p.total()) })
	light := slices.DeleteFunc(r.events(), func(e check.Event) bool { return userNumber(e.User) >= others || userNumber(e.Message.User) >= others })
	r.judge(check.Check(light, check.AckGrace))
	all := check.Latencies(light, p.began, p.began.Add(p.load.within))
	p99 := check.Percentile(all, 99)
	t.Logf("p50 %s, p99 %s of %d messages to %d devices; memory %d MiB before, %d MiB at most", check.Percentile(all, 50), p99, len(all), others, before>>20, peak>>20)
	return p99
}

// userNumber is userName backwards; -1 for none.
func userNumber(name string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(name, "user-"))
	if err != nil {
		return -1
	}
	return n
}

// peakRSS is the most memory that the node has while something is done.
func (r *rig) peakRSS(do func()) (peak int64) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		peak = max(peak, r.node.rss())
		select {
		case <-done:
			return peak
		case <-ticker.C:
		}
	}
}
