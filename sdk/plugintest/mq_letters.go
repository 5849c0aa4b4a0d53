package plugintest

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/pushcore/pushcore/sdk"
)

// lettersMany is above what a look returns at once, as far as anybody would guess.
const lettersMany = 150

// letters tries a LetterBox: what is looked at stays, what is taken is gone, and
// what is written to the input comes in. It is called on a plugin of its own that
// is not open, beside the one that is.
func (t *mqRun) letters() {
	box, ok := t.placement.New().(sdk.LetterBox)
	if !ok {
		t.skipped = "the plugin has no LetterBox in this placement"
		return
	}
	if _, faults := box.(sdk.Plugin).Configure(t.broker.Options()); len(faults) > 0 || box.LetterPlace() == "" {
		t.skipped = "the suite's options have no dead_letter"
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*t.suite.Patience)
	defer cancel()
	t.bury(lettersMany)
	first := t.look(ctx, box, nil)
	if len(first) != lettersMany || !slices.Equal(first, t.look(ctx, box, nil)) {
		t.fatalf(RuleLetters, "", "%d of %d letters were there, in the second look %d, or in another order", len(first), lettersMany, len(t.look(ctx, box, nil)))
	}
	some := func(i int) bool { return i == 3 || i >= 70 && i < 80 || i == lettersMany-1 }
	t.look(ctx, box, some)
	var want []string
	for i, body := range first {
		if !some(i) {
			want = append(want, body)
		}
	}
	if left := t.look(ctx, box, nil); !slices.Equal(left, want) {
		t.failf(RuleLetters, "", "%d letters are left, or in another order; %d were there and %d were taken", len(left), len(first), len(first)-len(want))
	}
	t.look(ctx, box, func(int) bool { return true })
	t.bury(1)
	if left := t.look(ctx, box, nil); len(left) != 1 {
		t.failf(RuleLetters, "", "%d letters are there, all were taken and one came", len(left))
	}
	t.writes(ctx, box)
}

// bury publishes dead letters.
func (t *mqRun) bury(n int) {
	bodies := t.publishTo(sdk.OutputDeadLetter, n)
	t.awaitAnswers(bodies)
	for id := range bodies {
		if r := t.result(id); r.Error != "" {
			t.fatalf(RulePublished, "", "a dead letter was answered with %q, and the broker is there", r.Error)
		}
	}
}

// look returns the bodies of the letters and takes some of them.
func (t *mqRun) look(ctx context.Context, box sdk.LetterBox, take func(i int) bool) (bodies []string) {
	letters, err := box.Letters(ctx, sdk.LetterOptions{})
	if err != nil {
		t.fatalf(RuleLetters, "", "Letters returned %v", err)
	}
	for {
		found, err := letters.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.fatalf(RuleLetters, "", "Letters.Next returned %v", err)
		}
		var taken []sdk.Letter
		for _, l := range found {
			if take != nil && take(len(bodies)) {
				taken = append(taken, l)
			}
			bodies = append(bodies, string(l.Record.Body))
		}
		if len(taken) == 0 {
			continue
		}
		if err := letters.Take(ctx, taken); err != nil {
			t.failf(RuleLetters, "", "Letters.Take returned %v", err)
		}
	}
	if err := letters.Close(); err != nil {
		t.failf(RuleLetters, "", "Letters.Close returned %v", err)
	}
	return bodies
}

// writes tries the way back into the input.
func (t *mqRun) writes(ctx context.Context, box sdk.LetterBox) {
	in, err := box.Input(ctx)
	if err != nil {
		t.fatalf(RuleLetters, "", "Input returned %v", err)
	}
	for _, s := range t.broker.Sources() {
		const body = "written again"
		header := sdk.Header{Name: "push-to", Value: []byte("user:alice")}
		for _, err := range in.Write(ctx, []sdk.InputRecord{{Source: s, Body: []byte(body), Headers: []sdk.Header{header}}}) {
			if err != nil {
				t.failf(RuleLetters, s, "InputWriter.Write returned %v", err)
			}
		}
		came := func() bool {
			return slices.ContainsFunc(t.host.source(s).records, func(r taken) bool { return string(r.Body) == body })
		}
		if !t.await(came) {
			t.failf(RuleLetters, s, "what was written for this source has not come from it")
		}
	}
	if err := in.Close(); err != nil {
		t.failf(RuleLetters, "", "InputWriter.Close returned %v", err)
	}
}
