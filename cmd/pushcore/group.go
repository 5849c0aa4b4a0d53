package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pushcore/pushcore/core/admin"
)

func newGroup() *cobra.Command {
	cmd := &cobra.Command{Use: "group", Short: "Show groups and their members, join and leave users"}
	cmd.AddCommand(newGroupShow(),
		newMembership("join", "Make users members of a group, also while they are away", http.MethodPut),
		newMembership("leave", "End users' membership in a group", http.MethodDelete))
	return cmd
}

func newGroupShow() *cobra.Command {
	cmd := &cobra.Command{
		Use: "show GROUP", Short: "Show a group's member users, joined sessions and history", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := apiOf(cmd)
			if err != nil {
				return err
			}
			var g admin.Group
			if err := a.call(cmd.Context(), http.MethodGet, "/v1/groups/"+url.PathEscape(args[0]), nil, nil, &g); err != nil {
				return err
			}
			if asJSON(cmd) {
				return printJSON(cmd.OutOrStdout(), g)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d members, %d joined sessions%s\n%s",
				len(g.Members), g.Joined, historyText(g.History), lines(g.Members))
			return err
		},
	}
	addServerFlags(cmd)
	return cmd
}

func historyText(h *admin.History) string {
	if h == nil {
		return ""
	}
	return fmt.Sprintf(", %d messages kept, position %d", h.Messages, h.Position)
}

func lines(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return strings.Join(list, "\n") + "\n"
}

func newMembership(verb, short, method string) *cobra.Command {
	cmd := &cobra.Command{
		Use: verb + " GROUP USER...", Short: short, Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := apiOf(cmd)
			if err != nil {
				return err
			}
			for _, user := range args[1:] {
				path := "/v1/groups/" + url.PathEscape(args[0]) + "/members/" + url.PathEscape(user)
				if err := a.call(cmd.Context(), method, path, nil, nil, nil); err != nil {
					return fmt.Errorf("user %s: %w", user, err)
				}
			}
			return nil
		},
	}
	addServerFlags(cmd)
	return cmd
}
