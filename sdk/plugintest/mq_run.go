package plugintest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// mqRun is an MQ plugin under trial in a place of its own.
type mqRun struct {
	suite     *MQSuite
	placement MQPlacement
	host      *mqHost
	broker    Broker
	plugin    sdk.MQ // nil when closed
	failures  []Failure

	produced map[string][]string // bodies, by source
	done     map[string][]bool   // which of them Settle said Done of
	nextID   uint64

	skipped    string // why the trial cannot be made, if so
	overwrites bool   // what was lent to Settle, when it has returned
}

// attempt runs f up to its end or an abort.
func attempt(f func()) { (*trial)(nil).try(f) }

func (t *mqRun) start() {
	t.produced, t.done = map[string][]string{}, map[string][]bool{}
	b, err := t.suite.Broker()
	if err != nil {
		t.fatalf(RuleBrokerDriver, "", "no broker: %v", err)
	}
	t.broker = b
}

// open opens a new plugin.
func (t *mqRun) open() {
	t.plugin = t.placement.New()
	if _, faults := t.plugin.Configure(t.broker.Options()); len(faults) > 0 {
		t.plugin = nil
		t.fatalf(RuleMQDescribes, "", "the suite's options are refused: %s: %s", faults[0].Pointer, faults[0].Message)
	}
	if err := t.plugin.Open(t.host); err != nil {
		t.plugin = nil
		t.fatalf(RuleMQOpen, "", "Open returned %v", err)
	}
}

// close closes the plugin, if it is open.
func (t *mqRun) close() {
	if t.plugin == nil {
		return
	}
	began := time.Now()
	limit := t.suite.Patience
	plugin := t.plugin
	t.plugin = nil
	returned := make(chan error, 1)
	go func() { returned <- plugin.Close(began.Add(limit)) }()
	select {
	case err := <-returned:
		if err != nil {
			t.failf(RuleMQClose, "", "Close returned %v", err)
		}
	case <-time.After(limit + closeLost):
		t.fatalf(RuleMQClose, "", "Close has not returned %s after its deadline", closeLost)
	}
	if late := time.Since(began) - limit; late > time.Second {
		t.failf(RuleMQClose, "", "Close returned %s after its deadline", late)
	}
	h := t.host
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.sources {
		c.assigned = false // What was assigned has ended with the plugin.
	}
}

func (t *mqRun) leaks(before census) {
	end := time.Now().Add(t.suite.Patience)
	for {
		left := slices.DeleteFunc(newCensus().since(before), func(s string) bool { return strings.HasPrefix(s, "descriptor") })
		if len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			t.failf(RuleMQClose, "", "left behind after Close:\n%s", strings.Join(left, "\n"))
			return
		}
		t.linger()
	}
}

func (t *mqRun) failf(r Rule, source, format string, args ...any) {
	t.host.mu.Lock()
	defer t.host.mu.Unlock()
	trace := &t.host.journal
	if source != "" {
		trace = &t.host.source(source).trace
	}
	f := Failure{Rule: r, Saw: fmt.Sprintf(format, args...), Trace: trace.lines()}
	t.failures = append(t.failures, f)
	t.host.recording.add(recordFailure(&f))
}

func (t *mqRun) fatalf(r Rule, source, format string, args ...any) {
	t.failf(r, source, format, args...)
	panic(abort{})
}

func (t *mqRun) await(f func() bool) bool { return t.host.await(t.suite.Patience, f) }

func (t *mqRun) linger() { t.host.await(t.suite.Quiet, func() bool { return false }) }

// able ends a trial whose broker cannot do what is not declared as lacking.
func (t *mqRun) able(err error, what string) {
	if errors.Is(err, errors.ErrUnsupported) && t.suite.Driver != nil {
		t.skipped = fmt.Sprintf("the driver answers that it does not support %q", what)
		panic(abort{})
	}
	if errors.Is(err, errors.ErrUnsupported) {
		t.fatalf(RuleBrokerDriver, "", "the broker does not support %q: declare it in Lacks", what)
	}
	if err != nil {
		t.fatalf(RuleBrokerDriver, "", "%s: %v", what, err)
	}
}

// note puts what the trial does into a source's trace.
func (t *mqRun) note(source, format string, args ...any) {
	t.host.mu.Lock()
	defer t.host.mu.Unlock()
	t.host.noteLocked(&t.host.source(source).trace, format, args...)
	s := step{fieldsOf: &fieldsOf{Source: source}}
	var called bool
	if s.Call, called = strings.CutPrefix(fmt.Sprintf(format, args...), "→ "); !called {
		s.Does, s.Call = strings.TrimPrefix(s.Call, "· "), ""
	}
	t.host.recording.add(s)
}

// produce appends n records to a source.
func (t *mqRun) produce(source string, n int) {
	var bodies [][]byte
	for range n {
		body := fmt.Sprintf("%s #%d", source, len(t.produced[source]))
		t.produced[source] = append(t.produced[source], body)
		t.done[source] = append(t.done[source], false)
		bodies = append(bodies, []byte(body))
	}
	t.note(source, "· produced up to %q", bodies[n-1])
	t.able(t.broker.Produce(source, bodies...), "produce")
}

// latestLocked are the records of the source's last epoch, by number.
func (t *mqRun) latestLocked(source string) map[int]taken {
	c := t.host.source(source)
	latest := map[int]taken{}
	for _, r := range c.records {
		if r.epoch == c.epoch {
			latest[t.number(source, r.Body)] = r
		}
	}
	return latest
}

// number is which record of a source a body is; -1: none.
func (t *mqRun) number(source string, body []byte) int {
	return slices.Index(t.produced[source], string(body))
}

// receive waits until all that is not done has come in the source's last epoch,
// which is at least the given one, and returns it by number.
func (t *mqRun) receive(source string, epoch uint64) map[int]taken {
	missing := func() int {
		if c := t.host.source(source); c.epoch < epoch {
			return 0
		}
		latest := t.latestLocked(source)
		for n, done := range t.done[source] {
			if _, ok := latest[n]; !ok && !done {
				return n
			}
		}
		return -1
	}
	if !t.await(func() bool { return missing() < 0 }) {
		t.host.mu.Lock()
		n, now := missing(), t.host.source(source).epoch
		t.host.mu.Unlock()
		t.fatalf(RuleNoneLost, source, "record %q, which is not settled, has not come in epoch %d (expected one from %d on)", t.produced[source][n], now, epoch)
	}
	t.verify(source)
	t.host.mu.Lock()
	defer t.host.mu.Unlock()
	return t.latestLocked(source)
}

// verify holds what came of a source against what was produced: in each epoch in
// order, but for what comes again.
func (t *mqRun) verify(source string) {
	t.host.mu.Lock()
	records := slices.Clone(t.host.source(source).records)
	t.host.mu.Unlock()
	epoch, last := uint64(0), -1
	for _, r := range records {
		if r.epoch != epoch {
			epoch, last = r.epoch, -1
		}
		n := t.number(source, r.Body)
		switch {
		case n < 0:
			t.failf(RuleMQWhole, source, "a record %s came that was not produced", clip(r.Body))
		case n <= last && !r.Redelivered:
			t.failf(RuleMQOrder, source, "%q came after %q in epoch %d", t.produced[source][n], t.produced[source][last], epoch)
		default:
			last = max(last, n)
		}
	}
}

// epoch is the source's last one.
func (t *mqRun) epoch(source string) uint64 {
	t.host.mu.Lock()
	defer t.host.mu.Unlock()
	return t.host.source(source).epoch
}

// settle settles records by number.
func (t *mqRun) settle(source string, from map[int]taken, outcome sdk.Outcome, numbers ...int) {
	s := sdk.Settlement{Source: source, Outcome: outcome}
	for _, n := range numbers {
		s.Epoch = from[n].epoch
		s.Positions = append(s.Positions, from[n].Position)
	}
	slices.Sort(s.Positions)
	if s.Epoch == t.epoch(source) && outcome == sdk.Done {
		for _, n := range numbers {
			t.done[source][n] = true
		}
	}
	t.host.mu.Lock()
	t.host.noteLocked(&t.host.source(source).trace, "→ Settle epoch %d outcome %d positions %v", s.Epoch, outcome, s.Positions)
	t.host.recording.add(step{Call: "Settle", fieldsOf: &fieldsOf{Source: source, Epoch: s.Epoch, Outcome: outcomeNames[outcome], Positions: slices.Clone(s.Positions)}})
	t.host.mu.Unlock()
	lent := []sdk.Settlement{s}
	t.plugin.Settle(lent)
	if t.overwrites {
		for i := range s.Positions {
			s.Positions[i] += 1 << 40
		}
		lent[0] = sdk.Settlement{Source: "overwritten"}
	}
}

// least is how many records the broker has to hold as not done.
func (t *mqRun) least(source string) int {
	open := 0
	for n, done := range t.done[source] {
		if !done {
			if t.suite.Contiguous {
				return len(t.done[source]) - n
			}
			open++
		}
	}
	return open
}

// holds waits a little and looks that the broker gives up no record too early.
func (t *mqRun) holds(r Rule, source string) {
	t.linger()
	waiting, err := t.broker.Waiting(source)
	t.able(err, "waiting")
	if least := t.least(source); waiting < least {
		t.failf(r, source, "the broker would give out %d records again, %d are not settled or behind one that is not", waiting, least)
	}
}

// settled waits until the broker knows all that was settled.
func (t *mqRun) settled(source string) {
	if slices.Contains(t.suite.Lacks, Counts) {
		return
	}
	t.reaches(RuleSettleTold, source)
}

// reaches waits until the broker holds no more than it has to.
func (t *mqRun) reaches(r Rule, source string) {
	want, waiting := t.least(source), 0
	for end := time.Now().Add(t.suite.Patience); ; t.linger() {
		var err error
		waiting, err = t.broker.Waiting(source)
		t.able(err, "waiting")
		if waiting <= want || time.Now().After(end) {
			break
		}
	}
	if waiting != want {
		t.failf(r, source, "the broker would give out %d records, after the settlements %d are left", waiting, want)
	}
}
