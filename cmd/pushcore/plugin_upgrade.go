package main

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/pushcore/pushcore/core/admin"
)

func newPluginUpgrade() *cobra.Command {
	var sum string
	cmd := &cobra.Command{
		Use:   "upgrade NAME",
		Short: "Replace the process of a running node's plugin by what its file is now, and cut nobody off",
		Long: `Replace the process of a running node's plugin by what its file is now. A plugin that can hand over its
connections (capability handover, see pushcore plugin inspect) cuts nobody off; another one is closed and started
again, and its devices reconnect and resume. If the new one does not start, the old one goes on.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := apiOf(cmd)
			if err != nil {
				return err
			}
			path := "/v1/plugins/" + url.PathEscape(args[0]) + "/upgrade"
			if sum != "" {
				path += "?sha256=" + url.QueryEscape(sum)
			}
			var u admin.PluginUpgrade
			if err := a.call(cmd.Context(), http.MethodPost, path, nil, nil, &u); err != nil {
				return err
			}
			return showUpgrade(cmd, &u)
		},
	}
	cmd.Flags().StringVar(&sum, "sha256", "", "the checksum of the new file, where the configuration names that of the old one")
	addServerFlags(cmd)
	return cmd
}

func showUpgrade(cmd *cobra.Command, u *admin.PluginUpgrade) error {
	if asJSON(cmd) {
		return printJSON(cmd.OutOrStdout(), u)
	}
	for _, p := range u.Processes {
		if p.Way == admin.Restarted {
			fmt.Fprintf(cmd.OutOrStdout(), "%s was closed and started again: it cannot hand over connections\n", u.Plugin)
			continue
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s %s took over from %s: %d connections, a pause of %.1f ms\n", u.Plugin, p.To, p.From, p.Connections, p.PauseMS)
	}
	return nil
}
