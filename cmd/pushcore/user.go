package main

import (
	"fmt"
	"net/http"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushcore/pushcore/core/admin"
)

func newUser() *cobra.Command {
	cmd := &cobra.Command{Use: "user", Short: "Show a user, forget a device, erase all of a user"}
	cmd.AddCommand(newUserShow(),
		newEnding("forget USER DEVICE", "Forget a device: its session ends, and what is pending for it", 2,
			func(a []string) string {
				return "/v1/users/" + url.PathEscape(a[0]) + "/devices/" + url.PathEscape(a[1])
			}),
		newEnding("erase USER", "Erase a user: sessions, devices, memberships and mailbox", 1,
			func(a []string) string { return "/v1/users/" + url.PathEscape(a[0]) }))
	return cmd
}

func newUserShow() *cobra.Command {
	cmd := &cobra.Command{
		Use: "show USER", Short: "Show a user's devices, sessions, groups and what waits for him", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := apiOf(cmd)
			if err != nil {
				return err
			}
			var u admin.User
			if err := a.call(cmd.Context(), http.MethodGet, "/v1/users/"+url.PathEscape(args[0]), nil, nil, &u); err != nil {
				return err
			}
			if asJSON(cmd) {
				return printJSON(cmd.OutOrStdout(), u)
			}
			return printUser(cmd, &u)
		},
	}
	addServerFlags(cmd)
	return cmd
}

func printUser(cmd *cobra.Command, u *admin.User) error {
	table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "%d devices, %d sessions, %d groups, %d messages wait\n", len(u.Devices), len(u.Sessions), len(u.Groups), u.Mailbox.Messages)
	for _, d := range u.Devices {
		fmt.Fprintf(table, "device\t%s\t%s\tlast login %s\n", d.ID, orDash(d.Platform), d.Seen.Local().Format(time.DateTime))
	}
	for _, s := range u.Sessions {
		fmt.Fprintf(table, "session\t%s\t%s\t%s by %s\n", s.ID, orDash(s.Device), s.State, s.Plugin)
	}
	for _, g := range u.Groups {
		fmt.Fprintf(table, "group\t%s\t\t\n", g)
	}
	return table.Flush()
}

// newEnding is a command that ends what is pending, and says for how many receivers.
func newEnding(use, short string, args int, path func([]string) string) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.ExactArgs(args),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := apiOf(cmd)
			if err != nil {
				return err
			}
			var res struct {
				Ended int `json:"ended"`
			}
			if err := a.call(cmd.Context(), http.MethodDelete, path(args), nil, nil, &res); err != nil {
				return err
			}
			if asJSON(cmd) {
				return printJSON(cmd.OutOrStdout(), res)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d pending messages ended\n", res.Ended)
			return err
		},
	}
	addServerFlags(cmd)
	return cmd
}
