package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pushcore/pushcore/sdk/plugintest"
)

// tryReport tells what came of trials, as they are made.
type tryReport struct {
	out                     io.Writer
	json                    bool
	passed, failed, skipped int
}

func newTryReport(out io.Writer, json bool) *tryReport { return &tryReport{out: out, json: json} }

// triedJSON is a trial's line with --json.
type triedJSON struct {
	Placement string        `json:"placement"`
	Trial     string        `json:"trial"`
	Result    string        `json:"result"` // passed, failed or skipped
	Reason    string        `json:"reason,omitempty"`
	TookMS    int64         `json:"took_ms"`
	Failures  []failureJSON `json:"failures,omitempty"`
	Notes     []string      `json:"notes,omitempty"`
}

type failureJSON struct {
	Rule  string   `json:"rule"`
	Text  string   `json:"text"`
	Why   string   `json:"why"`
	Saw   string   `json:"saw"`
	Trace []string `json:"trace,omitempty"`
}

// outcome counts a result and says what it is.
func (t *tryReport) outcome(r *plugintest.Result) string {
	switch {
	case len(r.Failures) > 0:
		t.failed++
		return "failed"
	case r.Skipped != "":
		t.skipped++
		return "skipped"
	}
	t.passed++
	return "passed"
}

// trial tells a result.
func (t *tryReport) trial(r *plugintest.Result, took time.Duration) error {
	outcome := t.outcome(r)
	if t.json {
		line := triedJSON{Placement: r.Placement, Trial: r.Trial, Result: outcome, Reason: r.Skipped, TookMS: took.Milliseconds(), Notes: r.Notes}
		for _, f := range r.Failures {
			line.Failures = append(line.Failures, failureJSON{f.Rule.Name, f.Rule.Text, f.Rule.Why, f.Saw, f.Trace})
		}
		return printJSON(t.out, line)
	}
	var b strings.Builder
	switch name := r.Placement + "/" + r.Trial; outcome {
	case "passed":
		fmt.Fprintf(&b, "ok    %s (%.2fs)\n", name, took.Seconds())
	case "skipped":
		fmt.Fprintf(&b, "skip  %s: %s\n", name, r.Skipped)
	default:
		fmt.Fprintf(&b, "FAIL  %s (%.2fs)\n", name, took.Seconds())
		for _, note := range r.Notes {
			fmt.Fprintf(&b, "      %s\n", note)
		}
		for _, f := range r.Failures {
			fmt.Fprintf(&b, "      %s\n", strings.ReplaceAll(f.String(), "\n", "\n      "))
		}
		if r.Skipped != "" {
			fmt.Fprintf(&b, "      and not tried to its end: %s\n", r.Skipped)
		}
	}
	_, err := io.WriteString(t.out, b.String())
	return err
}

// end tells the sum.
func (t *tryReport) end() error {
	if t.json {
		return printJSON(t.out, map[string]int{"passed": t.passed, "failed": t.failed, "skipped": t.skipped})
	}
	_, err := fmt.Fprintf(t.out, "%d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped)
	return err
}
