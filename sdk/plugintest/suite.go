package plugintest

import (
	"slices"
	"testing"
	"time"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/pluginrpc"
)

// TransportSuite says what to try.
type TransportSuite struct {
	New     func() sdk.Transport // a new transport, not configured
	Options []byte               // its options; listeners on loopback, ports 0
	Driver  Driver
	Lacks   []Ability // what the protocol cannot do

	Loops    int           // of the host; default 3
	Seed     uint64        // of the churn; default: a new one each time, which is told
	Patience time.Duration // how long to wait for what must happen; default 10 s
	Quiet    time.Duration // how long to wait for what must not happen; default 30 ms
}

// Result is what came of one trial in one placement.
type Result struct {
	Placement string // direct or bytes
	Trial     string // such as acks
	Skipped   string // why it was not tried; empty if it was
	Failures  []Failure
	Notes     []string // such as the seed
}

// placement is a way in which a plugin is reached.
type placement struct {
	name string
	wrap func(sdk.Transport) sdk.Transport
}

var placements = []placement{
	{"direct", func(t sdk.Transport) sdk.Transport { return t }},
	{"bytes", func(t sdk.Transport) sdk.Transport { return pluginrpc.NewTransport(t) }},
}

// TestTransport tries a transport: each trial in each placement is a subtest.
func TestTransport(t *testing.T, s TransportSuite) {
	s.defaults()
	for _, p := range placements {
		t.Run(p.name, func(t *testing.T) {
			for _, c := range transportTrials {
				t.Run(c.name, func(t *testing.T) { tell(t, s.run(p, c)) })
			}
		})
	}
}

// CheckTransport is TestTransport without package testing's machinery: it tries
// everything and returns what came of it.
func CheckTransport(s TransportSuite) []Result {
	s.defaults()
	var results []Result
	for _, p := range placements {
		for _, c := range transportTrials {
			results = append(results, s.run(p, c))
		}
	}
	return results
}

// tell reports a result: all failures, not only the first.
func tell(t testing.TB, r Result) {
	t.Helper()
	for _, note := range r.Notes {
		t.Log(note)
	}
	for _, f := range r.Failures {
		t.Errorf("%s", f)
	}
	if r.Skipped != "" {
		t.Skip(r.Skipped)
	}
}

func (s *TransportSuite) defaults() {
	if s.Loops == 0 {
		s.Loops = 3
	}
	if s.Seed == 0 {
		s.Seed = uint64(time.Now().UnixNano())
	}
	if s.Patience == 0 {
		s.Patience = 10 * time.Second
	}
	if s.Quiet == 0 {
		s.Quiet = 30 * time.Millisecond
	}
	if len(s.Options) == 0 {
		s.Options = []byte("{}")
	}
}

func (s *TransportSuite) lacks(a Ability) bool { return slices.Contains(s.Lacks, a) }
