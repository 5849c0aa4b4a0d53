package plugintest

// Reporter is told of the result of a trial. *testing.T is one.
type Reporter interface {
	Helper()
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Skip(args ...any)
}

// Tester runs trials under names. *testing.T is one.
type Tester[T any] interface {
	Reporter
	Run(name string, f func(T)) bool
}

// Trial is one thing to try with a plugin that is reached in one way.
type Trial struct {
	Placement string // such as direct
	Name      string // such as acks
	run       func() Result
}

// Run makes the trial, with a plugin of its own.
func (t Trial) Run() Result { return t.run() }

// Result is what came of a trial.
type Result struct {
	Placement string
	Trial     string
	Skipped   string // why it was not tried, or not to its end; empty if it was
	Failures  []Failure
	Notes     []string // such as the seed
}

// test runs trials as subtests of their placements.
func test[T Tester[T]](t T, trials []Trial) {
	for len(trials) > 0 {
		placement, n := trials[0].Placement, 0
		for n < len(trials) && trials[n].Placement == placement {
			n++
		}
		mine := trials[:n]
		trials = trials[n:]
		t.Run(placement, func(t T) {
			for _, c := range mine {
				t.Run(c.Name, func(t T) { tell(t, c.Run()) })
			}
		})
	}
}

func check(trials []Trial) []Result {
	var results []Result
	for _, c := range trials {
		results = append(results, c.Run())
	}
	return results
}

// tell reports a result: all failures, not only the first.
func tell(t Reporter, r Result) {
	t.Helper()
	for _, note := range r.Notes {
		t.Logf("%s", note)
	}
	for _, f := range r.Failures {
		t.Errorf("%s", f)
	}
	if r.Skipped != "" {
		t.Skip(r.Skipped)
	}
}
