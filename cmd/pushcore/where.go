package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushcore/pushcore/core/admin"
)

func newWhere() *cobra.Command {
	var user, source string
	var oldest bool
	cmd := &cobra.Command{
		Use:   "where [ID]",
		Short: "Say where a message is, or how it ended, for each receiver",
		Long: `Say where a message is, or how it ended, for each receiver.

A message is named by its id (push-id, or what the node answered or made), or by
where its record came from. What is pending is always found; what has ended as far
back as the node remembers (limits.history), in the present run. A message with more
than 64 receivers has totals, and rows for those who do not have it yet or never will.`,
		Example: `  pushcore where order-42-shipped
  pushcore where order-42-shipped --user alice
  pushcore where --source orders/push/3/1234
  pushcore where --oldest`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := apiOf(cmd)
			if err != nil {
				return err
			}
			if len(args)+count(source != "")+count(oldest) != 1 {
				return usage(errors.New("name one message by its id or by --source, or ask for --oldest"))
			}
			if oldest {
				return showOldest(cmd, a)
			}
			return showWhere(cmd, a, wherePath(args, user, source))
		},
	}
	cmd.Flags().StringVar(&user, "user", "", "only the receivers of this user")
	cmd.Flags().StringVar(&source, "source", "", "the message of the record at PLUGIN/SOURCE/OFFSET, such as orders/push/3/1234")
	cmd.Flags().BoolVar(&oldest, "oldest", false, "what the oldest open record of each instance waits for")
	addServerFlags(cmd)
	return cmd
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

func wherePath(args []string, user, source string) string {
	q := url.Values{}
	path := "/v1/messages"
	if source != "" {
		q.Set("source", source)
	} else {
		path += "/" + url.PathEscape(args[0])
	}
	if user != "" {
		q.Set("user", user)
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

func showWhere(cmd *cobra.Command, a *api, path string) error {
	var found admin.Whereabouts
	if err := a.call(cmd.Context(), http.MethodGet, path, nil, nil, &found); err != nil {
		return err
	}
	if asJSON(cmd) {
		return printJSON(cmd.OutOrStdout(), found)
	}
	return printWhere(cmd.OutOrStdout(), &found)
}

func printWhere(w io.Writer, found *admin.Whereabouts) error {
	var failed []error
	for i := range found.Records {
		_, err := fmt.Fprintln(w, recordLine(&found.Records[i]))
		failed = append(failed, err)
	}
	for i := range found.Messages {
		failed = append(failed, printMessage(w, &found.Messages[i]))
	}
	if found.Incomplete != "" {
		_, err := fmt.Fprintf(w, "\nThis is not all: %s.\n", found.Incomplete)
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// recordLine says what became of a record at admission.
func recordLine(r *admin.Record) string {
	line := fmt.Sprintf("%s  record %s", clock(r.At), r.Source.String())
	if r.ID != "" {
		line += " (" + r.ID + ")"
	}
	switch r.Outcome {
	case "open":
		return line + ": open, not settled yet"
	case "repeat":
		return line + ": a repeat; the message was settled before, and so is this"
	case "joined":
		return line + ": a repeat, settled together with the one that is open"
	case "nobody":
		return line + ": accepted; it reaches nobody on this node"
	}
	line += ": " + r.Outcome + " " + r.Reason + ": " + r.Detail
	if r.Source.Plugin == "http" {
		return line + "; its sender was told"
	}
	if r.DeadLetter == "" {
		return line + "; there is no dead-letter target"
	}
	return line + "; its dead letter went to " + r.DeadLetter
}

func printMessage(w io.Writer, m *admin.Message) error {
	fmt.Fprintf(w, "message %s in %s: %s", m.ID, m.Scope, m.Class)
	if m.Name != "" {
		fmt.Fprintf(w, ", %s", m.Name)
	}
	fmt.Fprintf(w, ", from %s, accepted %s\n%s\n", m.Source.String(), clock(m.AcceptedAt), totals(m))
	if len(m.Rows) == 0 {
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "  RECEIVER\tFATE\tWHEN\tATTEMPTS\tDETAIL")
	for i := range m.Rows {
		r := &m.Rows[i]
		fmt.Fprintf(table, "  %s\t%s\t%s\t%d\t%s\n", r.To, r.Fate, when(r), r.Attempts, detail(r))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if m.More {
		fmt.Fprintln(w, "  Receivers without a row are counted above.")
	}
	return nil
}

// totals says how many receivers there are and what of them.
func totals(m *admin.Message) string {
	text := "accepted before the time that the node remembers; since then"
	if m.Receivers != nil {
		text = strconv.Itoa(*m.Receivers) + " receivers"
		if *m.Receivers == 1 {
			text = "1 receiver"
		}
	}
	separator := ": "
	for _, fate := range slices.Sorted(maps.Keys(m.Totals)) {
		text += separator + strconv.Itoa(m.Totals[fate]) + " " + fate
		separator = ", "
	}
	return text
}

func when(r *admin.Receiver) string {
	if r.At == nil {
		return "-"
	}
	return clock(*r.At)
}

// waysOf say where what is pending is.
var waysOf = map[string]string{
	"queued": "queued for its session", "in_flight": "sent, no ack yet", "storing": "on its way to the store", "stored": "in the store",
}

func detail(r *admin.Receiver) string {
	var parts []string
	for _, part := range []string{r.Reason, waysOf[r.Where]} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if r.NextAt != nil {
		parts = append(parts, "again at "+clock(*r.NextAt))
	}
	if r.DeadLetter != "" {
		parts = append(parts, "letter to "+r.DeadLetter)
	}
	return strings.Join(parts, ", ")
}

func clock(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05.000") }

func showOldest(cmd *cobra.Command, a *api) error {
	var res struct {
		Oldest []admin.OldestOpen `json:"oldest"`
	}
	if err := a.call(cmd.Context(), http.MethodGet, "/v1/messages?oldest=true", nil, nil, &res); err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	if asJSON(cmd) {
		return printJSON(w, res)
	}
	if len(res.Oldest) == 0 {
		_, err := fmt.Fprintln(w, "No record is open.")
		return err
	}
	for i := range res.Oldest {
		o := &res.Oldest[i]
		age := (time.Duration(o.AgeMS) * time.Millisecond).Round(time.Millisecond)
		fmt.Fprintf(w, "%s: %d open, the oldest for %v: %s %s\n", o.Plugin, o.Open, age, o.Source.String(), o.ID)
		for k := range o.Waits {
			r := &o.Waits[k]
			fmt.Fprintf(w, "  waits for %s: %s, %d attempts\n", r.To, detail(r), r.Attempts)
		}
		if o.Detail != "" {
			fmt.Fprintf(w, "  waits for %s\n", o.Detail)
		}
	}
	return nil
}
