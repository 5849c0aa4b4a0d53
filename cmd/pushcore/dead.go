package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushcore/pushcore/sdk"
)

func newDead() *cobra.Command {
	cmd := &cobra.Command{Use: "dead", Short: "List dead letters and push them again"}
	cmd.AddCommand(newDeadList(), newDeadReplay())
	return cmd
}

// deadOptions are the flags that both commands have.
type deadOptions struct {
	file      string
	plugin    string
	reason    string
	since     string
	fromStart bool
}

func (o *deadOptions) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&o.file, "config", "c", "", "the configuration file of the node")
	cmd.Flags().StringVar(&o.plugin, "plugin", "", "only the letters at this instance's dead_letter")
	cmd.Flags().StringVar(&o.reason, "reason", "", "only letters with this reason, such as refused or bad_record")
	cmd.Flags().StringVar(&o.since, "since", "", "only letters that are younger, such as 2d")
	cmd.Flags().BoolVar(&o.fromStart, "from-start", false, "also letters that were replayed before, where the broker keeps them (Kafka)")
}

// filter is what of the flags chooses letters.
func (o *deadOptions) filter(now time.Time) (letterFilter, error) {
	f := letterFilter{reason: o.reason}
	if o.since != "" {
		d, err := sdk.ParseDuration(o.since)
		if err != nil {
			return f, usage(fmt.Errorf("--since: %w", err))
		}
		f.since = now.Add(-time.Duration(d))
	}
	return f, nil
}

func newDeadList() *cobra.Command {
	var o deadOptions
	var limit int
	cmd := &cobra.Command{
		Use: "list -c FILE", Short: "List dead letters, without taking any away", Args: cobra.NoArgs,
		Example: `  pushcore dead list -c node.yaml --reason refused
  pushcore dead list -c node.yaml --json | jq -r .payload`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 {
				return usage(errors.New("--limit is at least 1"))
			}
			return listDead(cmd, &o, limit)
		},
	}
	o.addFlags(cmd)
	cmd.Flags().IntVar(&limit, "limit", 100, "list at most this many")
	return cmd
}

func listDead(cmd *cobra.Command, o *deadOptions, limit int) error {
	boxes, err := openBoxes(o)
	if err != nil {
		return err
	}
	filter, err := o.filter(time.Now())
	if err != nil {
		return err
	}
	list := &deadLister{cmd: cmd, filter: filter, left: limit, table: tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)}
	if !asJSON(cmd) {
		fmt.Fprintln(list.table, "LETTER\tREASON\tID\tTO\tSOURCE\tAT\tBYTES\tDETAIL")
	}
	for _, b := range boxes {
		if err := b.each(cmd.Context(), o.fromStart, list.take); err != nil {
			return errors.Join(list.table.Flush(), err)
		}
	}
	if err := list.table.Flush(); err != nil {
		return err
	}
	if list.more {
		fmt.Fprintf(cmd.ErrOrStderr(), "pushcore: there are more than these %d letters; --limit shows more\n", limit)
	}
	return nil
}

// deadLister prints letters up to a number.
type deadLister struct {
	cmd    *cobra.Command
	filter letterFilter
	table  *tabwriter.Writer
	left   int
	more   bool // than were to be printed
}

var errListed = errors.New("as many letters as asked for were seen")

func (d *deadLister) take(_ context.Context, _ sdk.Letters, found []*letter) error {
	for _, l := range found {
		if !d.filter.takes(l) {
			continue
		}
		if d.left == 0 {
			d.more = true
			return errListed
		}
		d.left--
		if err := d.print(l); err != nil {
			return err
		}
	}
	return nil
}

func (d *deadLister) print(l *letter) error {
	if l.warning != "" {
		fmt.Fprintf(d.cmd.ErrOrStderr(), "pushcore: letter %s: %s\n", l.name, l.warning)
	}
	if asJSON(d.cmd) {
		return printJSON(d.cmd.OutOrStdout(), l.row(true))
	}
	r := l.row(false)
	_, err := fmt.Fprintf(d.table, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", escapeControls(r.Letter), escapeControls(r.Reason), orDash(escapeControls(r.ID)), orDash(escapeControls(r.To)),
		escapeControls(r.Source), r.At, r.Bytes, escapeControls(r.Detail))
	return err
}

// each calls do with the letters that are there, some at a time, until the last
// or an error; errListed is none.
func (b *letterBox) each(ctx context.Context, taken bool, do func(context.Context, sdk.Letters, []*letter) error) error {
	letters, err := b.box.Letters(ctx, sdk.LetterOptions{Taken: taken})
	if err != nil {
		return brokerError(b.name, err)
	}
	for err == nil {
		var found []sdk.Letter
		if found, err = letters.Next(ctx); err != nil {
			break
		}
		read := make([]*letter, len(found))
		for i := range found {
			read[i] = readLetter(b, &found[i])
		}
		err = do(ctx, letters, read)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, errListed) {
		err = nil
	}
	return brokerError(b.name, errors.Join(err, letters.Close()))
}
