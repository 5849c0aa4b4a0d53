package brokers

import (
	"errors"
	"testing"
)

// broker is what a test does with a broker of either kind. What goes wrong ends the test, so that its methods are for the
// test's own goroutine, one call at a time.
type broker struct {
	t      testing.TB
	server *server
	shared bool
}

// Kill ends the broker with SIGKILL, as a crash would, and returns when it is gone. Its port stays reserved for Start.
func (b *broker) Kill() {
	b.t.Helper()
	b.disturb("Kill", (*server).kill)
}

// Stop shuts the broker down as its operator would (SIGTERM), and returns when it is gone.
func (b *broker) Stop() {
	b.t.Helper()
	b.disturb("Stop", (*server).stop)
}

// Start runs the broker again after Kill or Stop, on the same data and port, and returns when it serves.
func (b *broker) Start() {
	b.t.Helper()
	b.disturb("Start", (*server).start)
}

// Pause stops the broker's process where it is (SIGSTOP): its connections stay open, and from Pause's return nothing answers.
func (b *broker) Pause() {
	b.t.Helper()
	b.disturb("Pause", (*server).pause)
}

// Continue lets a paused broker go on (SIGCONT). It may take a moment to serve again: see WaitReady.
func (b *broker) Continue() {
	b.t.Helper()
	b.disturb("Continue", (*server).proceed)
}

// WaitReady returns when the broker answers a call of its protocol that needs all of it.
func (b *broker) WaitReady() {
	b.t.Helper()
	b.must("WaitReady", b.server.waitReady())
}

// PID is the process id of the broker's last run.
func (b *broker) PID() int { return b.server.process.cmd.Process.Pid }

// disturb does what other tests would notice, so not to a shared broker.
func (b *broker) disturb(what string, do func(*server) error) {
	b.t.Helper()
	if b.shared {
		b.t.Fatalf("%s of the shared %s would disturb other tests: start one for this test alone", what, b.server.name)
	}
	b.must(what, do(b.server))
}

func (b *broker) must(what string, err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatalf("%s %s: %v", what, b.server.name, err)
	}
}

// own makes the server end with the test.
func own(t testing.TB, s *server) {
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(s.logTail())
		}
		if err := s.close(); err != nil {
			t.Errorf("end %s: %v", s.name, err)
		}
	})
}

// orEnd ends the test if its broker could not be started.
func orEnd(t testing.TB, name string, err error) {
	t.Helper()
	if missing, ok := errors.AsType[*missingError](err); ok {
		skipOrFail(t, missing)
	}
	if err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
}
