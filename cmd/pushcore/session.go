package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushcore/pushcore/core/admin"
)

func newSession() *cobra.Command {
	cmd := &cobra.Command{Use: "session", Short: "List and end sessions"}
	cmd.AddCommand(newSessionList(), newSessionKick())
	return cmd
}

func newSessionList() *cobra.Command {
	var q admin.SessionQuery
	cmd := &cobra.Command{
		Use: "list", Short: "List sessions", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := apiOf(cmd)
			if err != nil {
				return err
			}
			return listSessions(cmd, a, q)
		},
	}
	cmd.Flags().StringVar(&q.User, "user", "", "only this user's")
	cmd.Flags().StringVar(&q.Plugin, "plugin", "", "only this transport instance's")
	cmd.Flags().IntVar(&q.Limit, "limit", 1000, "list at most this many")
	addServerFlags(cmd)
	return cmd
}

// sessionsPage is what the node returns at most in one answer.
const sessionsPage = 1000

func listSessions(cmd *cobra.Command, a *api, q admin.SessionQuery) error {
	table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
	if !asJSON(cmd) {
		fmt.Fprintln(table, "SESSION\tUSER\tDEVICE\tPLATFORM\tPLUGIN\tSTATE\tSINCE\tQUEUED\tUNACKED")
	}
	for left := q.Limit; left > 0; {
		var page struct {
			Sessions []admin.Session
			Next     string
		}
		if err := a.call(cmd.Context(), http.MethodGet, "/v1/sessions?"+sessionParameters(q, left), nil, nil, &page); err != nil {
			return err
		}
		for _, s := range page.Sessions {
			if asJSON(cmd) {
				if err := printJSON(cmd.OutOrStdout(), s); err != nil {
					return err
				}
				continue
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\n", s.ID, s.User, s.Device, s.Platform, s.Plugin, s.State,
				s.Since.Local().Format(time.DateTime), s.Queued, s.Unacked)
		}
		left -= len(page.Sessions)
		if q.After = page.Next; page.Next == "" {
			break
		}
	}
	return table.Flush()
}

func sessionParameters(q admin.SessionQuery, left int) string {
	v := url.Values{"limit": {strconv.Itoa(min(left, sessionsPage))}}
	for name, value := range map[string]string{"user": q.User, "plugin": q.Plugin, "after": q.After} {
		if value != "" {
			v.Set(name, value)
		}
	}
	return v.Encode()
}

func newSessionKick() *cobra.Command {
	cmd := &cobra.Command{
		Use: "kick USER", Short: "Close all sessions of a user, for good", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := apiOf(cmd)
			if err != nil {
				return err
			}
			var res struct {
				Kicked int `json:"kicked"`
			}
			if err := a.call(cmd.Context(), http.MethodDelete, "/v1/users/"+url.PathEscape(args[0])+"/sessions", nil, nil, &res); err != nil {
				return err
			}
			if asJSON(cmd) {
				return printJSON(cmd.OutOrStdout(), res)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d sessions closed\n", res.Kicked)
			return err
		},
	}
	addServerFlags(cmd)
	return cmd
}
