package plugintest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// Bounds of Plugin.Close.
const (
	closeTimeMax = 5 * time.Second  // the deadline that it is given, if the suite's patience is not shorter
	closeLate    = time.Second      // after which it is late
	closeLost    = 10 * time.Second // after which it is no more waited for
)

// failuresMax bounds how many failures of one trial are told.
const failuresMax = 12

// transportTrial is one thing to try with a transport.
type transportTrial struct {
	name   string
	needs  []Ability
	direct string // why it is not tried in other placements; empty: it is
	deaf   bool   // it listens by itself
	leaks  bool   // look for goroutines and descriptors that are left
	run    func(t *trial)
}

// trial is a transport under trial on a host of its own. It belongs to one
// goroutine, and to a loop while that runs a turn for it.
type trial struct {
	suite     *TransportSuite
	placement TransportPlacement
	outside   Outside // nil: the driver is no process
	recording *recording
	skipped   string // why the trial could not be made to its end
	host      *Host
	transport sdk.Transport
	endpoints []sdk.Endpoint
	devices   []*device
	failures  []Failure
	notes     []string
	closed    bool
	labels    int
	messages  int
}

// abort ends a trial that cannot go on.
type abort struct{}

func (s *TransportSuite) run(p TransportPlacement, c transportTrial) (r Result) {
	r = Result{Placement: p.Name, Trial: c.name}
	if r.Skipped = s.skip(p, c); r.Skipped != "" {
		return r
	}
	outside, _ := s.Driver.(Outside)
	if r.Failures = beginOutside(outside); r.Failures != nil {
		return r
	}
	before := newCensus()
	t := &trial{suite: s, placement: p, outside: outside}
	var err error
	if t.recording, err = newRecording(s.TraceDir, p.Name, c.name); err != nil {
		r.Notes = []string{err.Error()}
	}
	if err := t.start(); errors.Is(err, errNoPoll) {
		r.Skipped = err.Error()
		return r
	}
	t.try(func() {
		if !c.deaf {
			t.listen(sdk.Listen{})
		}
		c.run(t)
	})
	t.try(t.finish)
	if c.leaks && len(t.failures) == 0 {
		t.try(func() { t.leaks(before) })
	}
	t.host.mu.Lock()
	if err := t.recording.close(); err != nil {
		t.notes = append(t.notes, err.Error())
	}
	t.host.recording = nil // What comes now is too late.
	t.host.mu.Unlock()
	r.Notes, r.Skipped, r.Failures = append(r.Notes, t.notes...), t.skipped, distinct(append(t.host.Failures(), t.failures...))
	r.Failures = judgeOutside(outside, judgeWay(p.Done, r.Failures))
	return r
}

func (s *TransportSuite) skip(p TransportPlacement, c transportTrial) string {
	for _, a := range c.needs {
		if s.lacks(a) {
			return fmt.Sprintf("the suite declares that the protocol lacks %s", a)
		}
	}
	if c.direct != "" && !p.direct {
		return c.direct
	}
	return ""
}

// try runs f up to its end or an abort.
func (t *trial) try(f func()) {
	defer func() {
		if reason := recover(); reason != nil {
			if _, ok := reason.(abort); !ok {
				panic(reason)
			}
		}
	}()
	f()
}

// start opens the transport on a new host.
func (t *trial) start() error {
	h, err := NewHost(t.suite.Loops)
	if err != nil {
		return err
	}
	t.host = h
	h.direct, h.recording = t.placement.direct, t.recording
	t.transport = t.placement.New()
	if _, faults := t.transport.Configure(t.suite.Options); len(faults) > 0 {
		t.failf(RuleDescribes, nil, "the suite's options are refused: %s: %s", faults[0].Pointer, faults[0].Message)
		return nil
	}
	t.endpoints, err = h.Open(t.transport)
	if err != nil || len(t.endpoints) == 0 {
		t.failf(RuleEndpoints, nil, "Open returned %v and error %v", t.endpoints, err)
	}
	return nil
}

// listen has all loops accept connections.
func (t *trial) listen(limits sdk.Listen) {
	if len(t.endpoints) == 0 {
		panic(abort{})
	}
	for l := range sdk.Loop(t.suite.Loops) {
		t.host.Turn(l, func() {
			mine := limits
			t.command(l, sdk.Command{Kind: sdk.CommandListen, Listen: &mine})
		})
	}
}

// finish cuts the devices and closes the transport, unless the trial has.
func (t *trial) finish() {
	for _, d := range t.devices {
		d.cut()
	}
	t.close()
	for _, d := range t.devices {
		if !t.await(func() bool { return d.sawLocked(Closed) != nil }) {
			t.failf(RuleDriver, d.conn, "the driver has not reported that the connection of %s ended", d.label)
		}
	}
}

// close closes transport and host, and looks at what has not ended.
func (t *trial) close() {
	if t.closed {
		return
	}
	t.closed = true
	began := time.Now()
	closeTime := min(closeTimeMax, t.suite.Patience)
	returned := make(chan error, 1)
	go func() { returned <- t.host.Close(began.Add(closeTime)) }()
	select {
	case err := <-returned:
		if err != nil {
			t.failf(RuleClose, nil, "Close returned %v", err)
		}
	case <-time.After(closeTime + closeLost):
		t.fatalf(RuleClose, nil, "Close has not returned %s after its deadline", closeLost)
	}
	if late := time.Since(began) - closeTime; late > closeLate {
		t.failf(RuleClose, nil, "Close returned %s after its deadline", late)
	}
	t.host.mu.Lock()
	defer t.host.mu.Unlock()
	for _, c := range t.host.conns {
		if c.closed == nil {
			t.host.failLocked(RuleClosedOnce, c, "connection %#x has not emitted Closed when Plugin.Close has returned", uint64(c.id))
		}
	}
}

// failf records a breach, and the trial goes on.
func (t *trial) failf(r Rule, c *conn, format string, args ...any) {
	f := Failure{Rule: r, Saw: fmt.Sprintf(format, args...)}
	t.host.mu.Lock()
	if c != nil {
		f.Trace = c.trace.lines()
	} else {
		f.Trace = t.host.journal.lines()
	}
	t.host.mu.Unlock()
	t.failures = append(t.failures, f)
	t.host.record(recordFailure(&f))
}

// fatalf records a breach without whose contrary the trial has no sense.
func (t *trial) fatalf(r Rule, c *conn, format string, args ...any) {
	t.failf(r, c, format, args...)
	panic(abort{})
}

// await waits for what must happen; f is called with the host's lock held. Nobody
// waits for a driver whose process is at fault.
func (t *trial) await(f func() bool) (ok bool) {
	t.host.await(t.suite.Patience, func() bool {
		if ok = f(); !ok && t.outside != nil {
			_, err := t.outside.Fault()
			return err != nil
		}
		return ok
	})
	return ok
}

// stays waits a little for what must not happen and says whether it did not.
func (t *trial) stays(f func() bool) bool {
	return !t.host.await(t.suite.Quiet, func() bool { return !f() })
}

// linger waits as long as stays does.
func (t *trial) linger() { t.stays(func() bool { return true }) }

// cross lets what was said reach the plugin: at once if it is direct, else after
// some time for the way.
func (t *trial) cross() {
	if !t.host.direct {
		t.linger()
	}
}

// supported reports whether the driver did what it was asked for; an ability that
// it has not and that is not declared as lacking is a failure.
func (t *trial) supported(err error, what string, d *device) {
	if err == nil {
		return
	}
	var c *conn
	if d != nil {
		c = d.conn
	}
	if errors.Is(err, errors.ErrUnsupported) && t.outside != nil {
		t.skipped = fmt.Sprintf("the driver answers that it does not support %q", what)
		panic(abort{})
	}
	if errors.Is(err, errors.ErrUnsupported) {
		t.fatalf(RuleDriver, c, "the driver does not support %q: declare it in Lacks", what)
	}
	t.fatalf(RuleDriver, c, "%s: %v", what, err)
}

func (t *trial) lacks(a Ability) bool { return t.suite.lacks(a) }

// distinct drops failures that say the same, and what is too many.
func distinct(failures []Failure) []Failure {
	var kept []Failure
	for _, f := range failures {
		same := func(g Failure) bool { return g.Rule == f.Rule && g.Saw == f.Saw }
		if !slices.ContainsFunc(kept, same) && len(kept) < failuresMax {
			kept = append(kept, f)
		}
	}
	return kept
}
