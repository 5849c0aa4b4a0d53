package plugintest

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/pushcore/pushcore/sdk"
)

// describes tries Info and Configure.
func (t *mqRun) describes() {
	info := t.plugin.Info()
	if again := t.plugin.Info(); !reflect.DeepEqual(info, again) {
		t.failf(RuleMQDescribes, "", "Info is %+v, then %+v", info, again)
	}
	if info.Kind != sdk.KindMQ || !infoName.MatchString(info.Name) || info.Version == "" || major(info.APIVersion) != major(sdk.APIVersion) {
		t.failf(RuleMQDescribes, "", "Info has kind %q, name %q, version %q, API version %q", info.Kind, info.Name, info.Version, info.APIVersion)
	}
	other := t.placement.New()
	for _, options := range []string{`{"no_such_option_of_any_plugin":1}`, `[]`, `{`} {
		if _, faults := other.Configure([]byte(options)); len(faults) == 0 {
			t.failf(RuleMQDescribes, "", "Configure takes %s without a fault", options)
		}
	}
	first, _ := other.Configure(t.broker.Options())
	second, faults := other.Configure(t.broker.Options())
	if len(faults) > 0 || !reflect.DeepEqual(first, second) {
		t.failf(RuleMQDescribes, "", "Configure, called again with the same options, returns %+v and %v, before %+v", second, faults, first)
	}
	if first.Input == nil {
		t.failf(RuleMQDescribes, "", "Setup.Input is nil, the options have an input")
	}
}

// takes tries that all sources give all in order.
func (t *mqRun) takes() {
	for range 3 {
		for _, s := range t.broker.Sources() {
			t.produce(s, 20)
		}
		for _, s := range t.broker.Sources() {
			t.receive(s, 1)
		}
	}
	if slices.Contains(t.suite.Lacks, Counts) {
		return
	}
	for _, s := range t.broker.Sources() {
		t.holds(RuleSettleTold, s) // Nothing was settled.
	}
}

// settles tries settlements in order.
func (t *mqRun) settles() {
	s := t.broker.Sources()[0]
	t.produce(s, 10)
	got := t.receive(s, 1)
	t.holds(RuleSettleTold, s)
	t.settle(s, got, sdk.Done, 0, 1, 2)
	t.settled(s)
	t.holds(RuleSettleTold, s)
	t.settle(s, got, sdk.Done, 3)
	t.settle(s, got, sdk.Done, 4, 5, 6, 7, 8, 9)
	t.settled(s)
}

// keepsNothing tries that settlements are copied.
func (t *mqRun) keepsNothing() {
	t.overwrites = true
	s := t.broker.Sources()[0]
	t.produce(s, 10)
	got := t.receive(s, 1)
	t.settle(s, got, sdk.Done, 0, 1, 2)
	t.settle(s, got, sdk.Done, 3, 4, 5, 6, 7, 8, 9)
	t.reaches(RuleSettleMemory, s)
}

// settlesUnordered tries settlements with holes.
func (t *mqRun) settlesUnordered() {
	s := t.broker.Sources()[0]
	t.produce(s, 12)
	got := t.receive(s, 1)
	for _, numbers := range [][]int{{9, 10, 11}, {1, 2}, {5}, {0}, {4, 6, 7}} {
		t.settle(s, got, sdk.Done, numbers...)
		t.holds(RuleNoHole, s)
	}
	t.settled(s)
	t.settle(s, got, sdk.Done, 3, 8)
	t.settled(s)
}

// settlesEpoch tries settlements that come too late.
func (t *mqRun) settlesEpoch() {
	s := t.broker.Sources()[0]
	t.produce(s, 10)
	old := t.receive(s, 1)
	before := t.epoch(s)
	t.note(s, "· the broker reassigns")
	t.able(t.broker.Reassign(), "reassign")
	got := t.receive(s, before+1)
	t.settle(s, old, sdk.Done, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
	t.holds(RuleEpoch, s)
	t.settle(s, got, sdk.Done, 0, 1, 2)
	t.settle(s, old, sdk.Done, 4, 5)
	t.holds(RuleEpoch, s)
	t.settled(s)
	t.settle(s, got, sdk.Done, 3, 4, 5, 6, 7, 8, 9)
	t.settled(s)
}

// interrupted tries that an interruption loses nothing.
func (t *mqRun) interrupted(interrupt func(Broker) error, what string) {
	for _, s := range t.broker.Sources() {
		t.produce(s, 10)
		got := t.receive(s, 1)
		t.settle(s, got, sdk.Done, 0, 1, 2, 3)
		t.settle(s, got, sdk.Done, 6)
		t.settled(s)
	}
	for range 2 {
		epochs := map[string]uint64{}
		for _, s := range t.broker.Sources() {
			epochs[s] = t.epoch(s)
			t.note(s, "· %s", what)
		}
		t.able(interrupt(t.broker), what)
		t.forget()
		for _, s := range t.broker.Sources() {
			t.produce(s, 10)
		}
		for _, s := range t.broker.Sources() {
			t.receive(s, epochs[s]+1)
		}
	}
	for _, s := range t.broker.Sources() {
		t.host.mu.Lock()
		got := t.latestLocked(s)
		t.host.mu.Unlock()
		for n, done := range t.done[s] {
			if !done {
				t.settle(s, got, sdk.Done, n)
			}
		}
		t.settled(s)
	}
}

// forget is what a broker that keeps one position a source does with settlements
// behind a hole when an epoch ends.
func (t *mqRun) forget() {
	if !t.suite.Contiguous {
		return
	}
	for _, done := range t.done {
		if hole := slices.Index(done, false); hole >= 0 {
			clear(done[hole:])
		}
	}
}

// requeues tries that a requeued record comes again.
func (t *mqRun) requeues() {
	s := t.broker.Sources()[0]
	t.produce(s, 3)
	got := t.receive(s, 1)
	t.settle(s, got, sdk.Done, 0)
	t.settle(s, got, sdk.Requeue, 1)
	times := func() (n int) {
		for _, r := range t.host.source(s).records {
			if t.number(s, r.Body) == 1 {
				n++
			}
		}
		return n
	}
	if !t.await(func() bool { return times() > 1 }) {
		t.fatalf(RuleRequeue, s, "%q has not come again", t.produced[s][1])
	}
	t.host.mu.Lock()
	again := t.latestLocked(s)
	t.host.mu.Unlock()
	for n := 1; n <= 2; n++ {
		if r, ok := again[n]; ok {
			t.settle(s, map[int]taken{n: r}, sdk.Done, n)
		}
	}
	t.receive(s, 1)
}

// restarts tries what a second plugin finds.
func (t *mqRun) restarts() {
	s := t.broker.Sources()[0]
	t.produce(s, 10)
	t.settle(s, t.receive(s, 1), sdk.Done, 0, 1, 2, 3)
	t.close()
	t.settled(s)
	t.host.mu.Lock()
	clear(t.host.sources) // A new process begins to count anew.
	t.host.mu.Unlock()
	t.open()
	got := t.receive(s, 1)
	for n := range 4 {
		if _, ok := got[n]; ok {
			t.failf(RuleMQClose, s, "%q, settled before Close, came again", t.produced[s][n])
		}
	}
}

// publish publishes n uplinks and returns their bodies by id.
func (t *mqRun) publish(n int) map[uint64]string { return t.publishTo(sdk.OutputUplink, n) }

func (t *mqRun) publishTo(o sdk.Output, n int) map[uint64]string {
	bodies := map[uint64]string{}
	var records []sdk.Outgoing
	t.host.mu.Lock()
	for range n {
		t.nextID++
		bodies[t.nextID] = fmt.Sprintf("published %d", t.nextID)
		t.host.asked[t.nextID] = true
		records = append(records, sdk.Outgoing{
			ID: t.nextID, Output: o, Key: []byte("alice"), Body: []byte(bodies[t.nextID]),
			Headers: []sdk.Header{{Name: "push-from", Value: []byte("device:alice/phone")}},
		})
	}
	t.host.noteLocked(&t.host.journal, "→ Publish up to %d", t.nextID)
	for i := range records {
		t.host.recording.add(recordOutgoing(&records[i]))
	}
	t.host.mu.Unlock()
	t.plugin.Publish(records)
	return bodies
}

// answered waits for the answers and looks for the records at the broker.
func (t *mqRun) answered(bodies map[uint64]string, errorsToo bool) {
	t.awaitAnswers(bodies)
	held, err := t.broker.Published(sdk.OutputUplink)
	t.able(err, "published")
	has := map[string]bool{}
	for _, body := range held {
		has[string(body)] = true
	}
	for id, body := range bodies {
		switch result := t.result(id); {
		case result.Error == "" && !has[body]:
			t.failf(RulePublished, "", "%q was answered without an error, but the broker does not have it", body)
		case result.Error != "" && !errorsToo:
			t.failf(RulePublished, "", "%q was answered with %q, and the broker is there", body, result.Error)
		}
	}
}

// awaitAnswers waits until each record is answered.
func (t *mqRun) awaitAnswers(bodies map[uint64]string) {
	missing := func() (n int) {
		for id := range bodies {
			if _, ok := t.host.results[id]; !ok {
				n++
			}
		}
		return n
	}
	if !t.await(func() bool { return missing() == 0 }) {
		t.fatalf(RulePublished, "", "%d of %d records were not answered", missing(), len(bodies))
	}
}

func (t *mqRun) result(id uint64) sdk.PublishResult {
	t.host.mu.Lock()
	defer t.host.mu.Unlock()
	return t.host.results[id]
}

// publishes tries Publish.
func (t *mqRun) publishes() {
	first, second := t.publish(1), t.publish(50)
	t.answered(first, false)
	t.answered(second, false)
	t.linger() // A second answer would come about now.
}

// publishesCut tries Publish while the connection is lost.
func (t *mqRun) publishesCut() {
	t.answered(t.publish(1), false)
	before := t.publish(20)
	t.able(t.broker.Cut(), "cut")
	after := t.publish(20)
	t.answered(before, true)
	t.answered(after, true)
	t.linger()
}

// pauses tries Pause and Resume.
func (t *mqRun) pauses() {
	s := t.broker.Sources()[0]
	t.produce(s, 5)
	t.receive(s, 1)
	t.note(s, "→ Pause")
	t.plugin.Pause(s)
	t.linger()
	t.produce(s, 5) // What is under way may still arrive.
	t.linger()
	t.linger()
	t.produce(s, 5)
	last := t.produced[s][len(t.produced[s])-1]
	came := func() bool {
		return slices.ContainsFunc(t.host.source(s).records, func(r taken) bool { return string(r.Body) == last })
	}
	if t.host.await(2*t.suite.Quiet, came) {
		t.failf(RuleMQPause, s, "%q came, which was produced after the source was paused for a while", last)
	}
	t.note(s, "→ Resume")
	t.plugin.Resume(s)
	t.receive(s, 1)
}

// notBehind tries that others do not wait behind a blocked Batch.
func (t *mqRun) notBehind() {
	s := t.broker.Sources()[0]
	t.produce(s, 3)
	t.receive(s, 1)
	before := t.epoch(s)
	t.host.fill(true)
	t.produce(s, 3)
	if !t.await(func() bool { return t.host.source(s).busy }) {
		t.fatalf(RuleNoneLost, s, "no Batch came for records that were produced")
	}
	t.answered(t.publish(5), false)
	t.note(s, "· the broker reassigns")
	t.able(t.broker.Reassign(), "reassign")
	revoked := func() bool { c := t.host.source(s); return !c.assigned || c.epoch > before }
	if !t.await(revoked) {
		t.failf(RuleNotBehind, s, "no Revoked came while a Batch waited for room")
	}
	t.host.fill(false)
	t.receive(s, before+1)
}

// closesBlocked tries Close while a Batch waits.
func (t *mqRun) closesBlocked() {
	s := t.broker.Sources()[0]
	t.host.fill(true)
	t.produce(s, 3)
	t.await(func() bool { return t.host.source(s).busy })
	t.close()
	t.host.mu.Lock()
	t.host.closed = true
	t.host.mu.Unlock()
	t.host.fill(false)
	t.linger() // A call after Close would come about now.
}
