package plugintest

import (
	"slices"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// TransportSuite says what to try.
type TransportSuite struct {
	New     func() sdk.Transport // a new transport, not configured
	Options []byte               // its options; listeners on loopback, ports 0
	Driver  Driver
	Lacks   []Ability // what the protocol cannot do

	Placements []TransportPlacement // how to reach it; default: direct, and by both carriers of links in the same process, made from New

	Loops    int           // of the host; default 3
	Seed     uint64        // of the churn; default: a new one each time, which is told
	Patience time.Duration // how long to wait for what must happen; default 10 s
	Quiet    time.Duration // how long to wait for what must not happen; default 30 ms
	Portable bool          // without Placements: also through pipes, as over the portable carrier
	TraceDir string        // where to write what happened in each trial, see docs/plugin-driver.md; empty: nowhere
}

// TransportPlacement is a way in which a transport is reached.
type TransportPlacement struct {
	Name string
	New  func() sdk.Transport // a new transport that is reached in this way, not configured
	// Done is called after each trial: it ends what New has begun and nobody has
	// closed, and returns what went wrong with the way itself, such as a process that
	// has ended. It may be nil.
	Done func() error

	direct bool // calls reach the plugin at once, on the host's own loops
}

// TestTransport tries a transport: each trial in each placement is a subtest. T is
// *testing.T, or whatever else runs and reports in its way.
func TestTransport[T Tester[T]](t T, s TransportSuite) { test(t, TransportTrials(s)) }

// CheckTransport tries everything and returns what came of it.
func CheckTransport(s TransportSuite) []Result { return check(TransportTrials(s)) }

// TransportTrials lists all trials of a suite, in the order in which to make them.
func TransportTrials(s TransportSuite) []Trial {
	s.defaults()
	var trials []Trial
	for _, p := range s.Placements {
		for _, c := range transportTrials {
			trials = append(trials, Trial{p.Name, c.name, func() Result { return s.run(p, c) }})
		}
	}
	return trials
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
	if s.Placements == nil {
		make := s.New
		s.Placements = []TransportPlacement{{Name: "direct", New: make, direct: true}}
		for _, c := range carriers {
			if c.name == "portable" && !s.Portable && len(carriers) > 1 {
				continue
			}
			s.Placements = append(s.Placements, TransportPlacement{Name: c.name, New: func() sdk.Transport { return c.place(make()) }})
		}
	}
}

func (s *TransportSuite) lacks(a Ability) bool { return slices.Contains(s.Lacks, a) }
