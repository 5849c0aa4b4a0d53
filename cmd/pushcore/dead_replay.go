package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushcore/pushcore/sdk"
)

func newDeadReplay() *cobra.Command {
	var o deadOptions
	r := replayer{}
	var all bool
	cmd := &cobra.Command{
		Use:   "replay -c FILE (--id ID | --reason REASON | --all)",
		Short: "Write dead letters to the input that their records came from",
		Long: `Write dead letters to the input that their records came from, without what was added to them, and then take them away.
A letter of one receiver goes to that receiver alone. Each gets a new push-id, the same one if the command is repeated
after it was broken off, so that nothing is pushed twice.`,
		Example: `  pushcore dead replay -c node.yaml --id order-42-shipped
  pushcore dead replay -c node.yaml --reason refused --dry-run`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !all && r.filter.id == "" && o.reason == "" {
				return usage(errors.New("one of --id, --reason and --all is needed"))
			}
			return r.run(cmd, &o)
		},
	}
	o.addFlags(cmd)
	cmd.Flags().StringVar(&r.filter.id, "id", "", "the letters with this push-id, this source (orders/push/3/1234) or this name, as `dead list` prints them")
	cmd.Flags().BoolVar(&all, "all", false, "all letters")
	cmd.Flags().BoolVar(&r.sameID, "same-id", false, "keep the push-id: within delivery.dedupe_window a node may take it for a repeat or a conflict")
	cmd.Flags().BoolVar(&r.dryRun, "dry-run", false, "only say what would be replayed")
	cmd.MarkFlagsMutuallyExclusive("id", "reason", "all")
	return cmd
}

// replayer writes letters to inputs.
type replayer struct {
	cmd    *cobra.Command
	filter letterFilter
	sameID bool
	dryRun bool

	fromStart bool
	sure      bool   // replay also what may have been replayed before
	salt      string // makes new ids of letters that were replayed before

	inputs           map[*letterBox]sdk.InputWriter
	replayed, failed int
	fruitless        int // writes in succession of which the broker took nothing
}

// fruitlessMax is how many writes may fail as a whole before the rest is left.
const fruitlessMax = 3

func (r *replayer) run(cmd *cobra.Command, o *deadOptions) (err error) {
	boxes, err := openBoxes(o)
	if err != nil {
		return err
	}
	chosen, err := o.filter(time.Now())
	if err != nil {
		return err
	}
	r.filter.reason, r.filter.since = chosen.reason, chosen.since
	r.cmd, r.inputs, r.fromStart = cmd, map[*letterBox]sdk.InputWriter{}, o.fromStart
	r.sure = o.fromStart || o.since != "" || r.filter.id != ""
	if o.fromStart {
		r.salt = rand.Text()
	}
	defer func() { err = errors.Join(err, r.close()) }()
	for _, b := range boxes {
		if err := b.each(cmd.Context(), o.fromStart, r.take); err != nil {
			return err
		}
	}
	return r.conclude()
}

// conclude says how many there were.
func (r *replayer) conclude() error {
	if !asJSON(r.cmd) {
		verb := "replayed"
		if r.dryRun {
			verb = "would be replayed"
		}
		fmt.Fprintf(r.cmd.OutOrStdout(), "%d letters %s\n", r.replayed, verb)
	}
	switch {
	case r.failed > 0:
		return fmt.Errorf("%d letters were not replayed; they stay where they are", r.failed)
	case r.replayed == 0 && r.filter.id != "":
		return fmt.Errorf("there is no letter with the id, source or name %q", r.filter.id)
	}
	return nil
}

func (r *replayer) close() error {
	var errs []error
	for b, in := range r.inputs {
		errs = append(errs, brokerError(b.name, in.Close()))
	}
	return errors.Join(errs...)
}

// take replays what is chosen of some letters. They are taken away only when the
// broker has their records: who is broken off in between finds them again.
func (r *replayer) take(ctx context.Context, letters sdk.Letters, found []*letter) error {
	var done []sdk.Letter
	byInput := map[*letterBox][]*revived{}
	var order []*letterBox
	for _, l := range found {
		if !r.filter.takes(l) {
			continue
		}
		if l.Unsure && !r.sure {
			return fmt.Errorf("letter %s may have been replayed before: %s; say --since 1d to replay what is younger, or --from-start to replay all", l.name, l.Warning)
		}
		v, err := r.revive(l)
		switch {
		case err != nil:
			r.tell(v, err)
		case r.dryRun:
			r.tell(v, nil)
		default:
			if byInput[v.input] == nil {
				order = append(order, v.input)
			}
			byInput[v.input] = append(byInput[v.input], v)
		}
	}
	for _, b := range order {
		written, err := r.write(ctx, b, byInput[b])
		if err != nil {
			return err
		}
		done = append(done, written...)
	}
	if len(done) == 0 {
		return nil
	}
	// What is written is taken away also by one who is told to stop.
	if err := letters.Take(context.WithoutCancel(ctx), done); err != nil {
		return fmt.Errorf("%d letters were replayed, but not taken away, so that a further replay repeats them: %w", len(done), err)
	}
	return nil
}

// write writes records to an instance's input and returns the letters of those
// that the broker has.
func (r *replayer) write(ctx context.Context, b *letterBox, list []*revived) ([]sdk.Letter, error) {
	in := r.inputs[b]
	if in == nil {
		var err error
		if in, err = b.box.Input(ctx); err != nil {
			return nil, brokerError(b.name, err)
		}
		r.inputs[b] = in
	}
	records := make([]sdk.InputRecord, len(list))
	for i, v := range list {
		records[i] = v.record
	}
	var written []sdk.Letter
	for i, err := range in.Write(ctx, records) {
		r.tell(list[i], err)
		if err == nil {
			written = append(written, list[i].letter.Letter)
		}
	}
	if r.fruitless++; len(written) > 0 {
		r.fruitless = 0
	}
	if r.fruitless == fruitlessMax {
		return nil, fmt.Errorf("%s takes nothing: giving up", b.name)
	}
	return written, nil
}

// replayRow is how a replayed letter is printed.
type replayRow struct {
	Letter string `json:"letter"`
	Plugin string `json:"plugin"`
	Reason string `json:"reason"`
	ID     string `json:"id,omitempty"`
	NewID  string `json:"new_id,omitempty"`
	To     string `json:"to,omitempty"`
	Source string `json:"source"`
	Input  string `json:"input,omitempty"` // the instance that it was written to
	DryRun bool   `json:"dry_run,omitempty"`
	Error  string `json:"error,omitempty"`
}

// tell counts and prints what became of a letter.
func (r *replayer) tell(v *revived, err error) {
	l := v.letter
	row := replayRow{Letter: l.name, Plugin: l.box.name, Reason: l.reason, ID: l.id, NewID: v.newID, To: l.to, Source: l.source, DryRun: r.dryRun}
	if v.input != nil {
		row.Input = v.input.name
	}
	if err == nil {
		r.replayed++
	} else {
		r.failed++
		row.Error = err.Error()
	}
	switch {
	case asJSON(r.cmd):
		_ = printJSON(r.cmd.OutOrStdout(), row) // What became of the letter matters more than who reads of it.
	case err != nil:
		fmt.Fprintf(r.cmd.ErrOrStderr(), "pushcore: letter %s: %s\n", l.name, err)
	default:
		fmt.Fprintf(r.cmd.OutOrStdout(), "%s  %s → %s\n", l.name, orDash(l.id), orDash(v.newID))
	}
}
