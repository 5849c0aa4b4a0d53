package plugintest

import (
	"fmt"
	"slices"
	"time"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/pluginrpc"
)

// Broker is a place of its own in a message broker: topics or queues and groups
// that no other trial uses. The kit calls it from one goroutine. What it cannot
// do returns errors.ErrUnsupported, and is declared in MQSuite.Lacks.
type Broker interface {
	// Options are the plugin's for this place: with an input that takes each of
	// Sources from its beginning, and an uplink output; with a dead_letter output
	// of its own if the plugin is an sdk.LetterBox.
	Options() []byte
	// Sources are the names under which the plugin assigns the sources.
	Sources() []string

	// Produce appends records to a source; it returns when the broker has them.
	Produce(source string, bodies ...[]byte) error
	// Waiting counts the records of a source that the broker would give out, or
	// give out again, if the plugin went away now.
	Waiting(source string) (int, error)
	// Published returns the bodies of the records in an output, in any order.
	Published(o sdk.Output) ([][]byte, error)

	// Cut breaks the plugin's connections, as a network does; it may connect again.
	Cut() error
	// Reassign takes the sources from the plugin and gives them back.
	Reassign() error

	// Close gives the place up. The plugin is closed by then.
	Close() error
}

// Abilities of brokers that one may lack.
const (
	Counts    Ability = "counts"    // Broker.Waiting
	Cuts      Ability = "cuts"      // Broker.Cut
	Reassigns Ability = "reassigns" // Broker.Reassign
	Outputs   Ability = "outputs"   // the plugin publishes
	Requeues  Ability = "requeues"  // the broker gives a record out again
)

// MQSuite says what to try.
type MQSuite struct {
	New    func() sdk.MQ          // a new plugin, not configured
	Broker func() (Broker, error) // a new place in the broker
	Lacks  []Ability
	Driver Outside // the process behind Broker; nil: there is none

	// Contiguous says that the broker keeps one position a source: all records
	// before it are done, all others are not.
	Contiguous bool

	Placements []MQPlacement // how to reach the plugin; default: direct and bytes, both made from New

	Patience time.Duration // how long to wait for what must happen; default 30 s
	Quiet    time.Duration // how long to wait for what must not happen; default 100 ms
	TraceDir string        // where to write what happened in each trial, see docs/plugin-driver.md; empty: nowhere
}

// MQPlacement is a way in which an MQ plugin is reached.
type MQPlacement struct {
	Name string
	New  func() sdk.MQ // a new plugin that is reached in this way, not configured
	Done func() error  // called after each trial, as TransportPlacement.Done; nil: nothing is to be done
}

// mqTrial is one thing to try with an MQ plugin.
type mqTrial struct {
	name  string
	needs []Ability
	leaks bool
	run   func(t *mqRun)
}

var mqTrials = []mqTrial{
	{name: "describes itself", run: (*mqRun).describes},
	{name: "takes records in order", run: (*mqRun).takes},
	{name: "settles when told", needs: []Ability{Counts}, run: (*mqRun).settles},
	{name: "keeps nothing of Settle", needs: []Ability{Counts}, run: (*mqRun).keepsNothing},
	{name: "settles in any order", needs: []Ability{Counts}, run: (*mqRun).settlesUnordered},
	{name: "settles its epoch", needs: []Ability{Counts, Reassigns}, run: (*mqRun).settlesEpoch},
	{name: "rebalance", needs: []Ability{Reassigns}, run: func(t *mqRun) { t.interrupted((Broker).Reassign, "reassign") }},
	{name: "lost connection", needs: []Ability{Cuts}, run: func(t *mqRun) { t.interrupted((Broker).Cut, "cut") }},
	{name: "requeue", needs: []Ability{Requeues}, run: (*mqRun).requeues},
	{name: "restart", needs: []Ability{Counts}, run: (*mqRun).restarts},
	{name: "publish", needs: []Ability{Outputs}, run: (*mqRun).publishes},
	{name: "publish over a lost connection", needs: []Ability{Outputs, Cuts}, run: (*mqRun).publishesCut},
	{name: "pause", run: (*mqRun).pauses},
	{name: "nothing waits behind a batch", needs: []Ability{Outputs, Reassigns}, run: (*mqRun).notBehind},
	{name: "letters", needs: []Ability{Outputs}, run: (*mqRun).letters},
	{name: "close", leaks: true, run: (*mqRun).closesBlocked},
}

// TestMQ tries an MQ plugin: each trial in each placement is a subtest. T is
// *testing.T, or whatever else runs and reports in its way.
func TestMQ[T Tester[T]](t T, s MQSuite) { test(t, MQTrials(s)) }

// CheckMQ tries everything and returns what came of it.
func CheckMQ(s MQSuite) []Result { return check(MQTrials(s)) }

// MQTrials lists all trials of a suite, in the order in which to make them.
func MQTrials(s MQSuite) []Trial {
	s.defaults()
	var trials []Trial
	for _, p := range s.Placements {
		for _, c := range mqTrials {
			trials = append(trials, Trial{p.Name, c.name, func() Result { return s.run(p, c) }})
		}
	}
	return trials
}

func (s *MQSuite) defaults() {
	if s.Patience == 0 {
		s.Patience = 30 * time.Second
	}
	if s.Quiet == 0 {
		s.Quiet = 100 * time.Millisecond
	}
	if s.Placements == nil {
		make := s.New
		s.Placements = []MQPlacement{
			{Name: "direct", New: make},
			{Name: "bytes", New: func() sdk.MQ { return pluginrpc.NewMQ(make()) }},
		}
	}
}

func (s *MQSuite) run(p MQPlacement, c mqTrial) Result {
	r := Result{Placement: p.Name, Trial: c.name}
	for _, a := range c.needs {
		if slices.Contains(s.Lacks, a) {
			r.Skipped = fmt.Sprintf("the suite declares that it lacks %s", a)
			return r
		}
	}
	if r.Failures = beginOutside(s.Driver); r.Failures != nil {
		return r
	}
	t := &mqRun{suite: s, placement: p, host: newMQHost()}
	var err error
	if t.host.recording, err = newRecording(s.TraceDir, p.Name, c.name); err != nil {
		r.Notes = append(r.Notes, err.Error())
	}
	attempt(func() {
		t.start()
		before := newCensus()
		attempt(func() {
			t.open()
			c.run(t)
		})
		t.close()
		if c.leaks {
			t.leaks(before)
		}
	})
	if t.broker != nil {
		if err := t.broker.Close(); err != nil {
			t.failf(RuleBrokerDriver, "", "Close of the broker: %v", err)
		}
	}
	t.host.mu.Lock()
	if err := t.host.recording.close(); err != nil {
		r.Notes = append(r.Notes, err.Error())
	}
	t.host.recording = nil // What comes now is too late.
	t.host.mu.Unlock()
	r.Skipped = t.skipped
	r.Failures = judgeOutside(s.Driver, judgeWay(p.Done, distinct(append(t.host.take(), t.failures...))))
	return r
}
