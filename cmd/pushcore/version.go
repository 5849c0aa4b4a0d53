package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/pushcore/pushcore/core"
	"github.com/pushcore/pushcore/sdk"
)

// versionInfo is this program, as JSON.
type versionInfo struct {
	Version   string `json:"version"`
	PluginAPI string `json:"plugin_api"`
	Estate    int    `json:"estate"` // which version of what a node leaves to its successor it understands
	Go        string `json:"go"`
	OS        string `json:"os"`
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := versionInfo{version, sdk.APIVersion, core.EstateVersion, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
			if asJSON(cmd) {
				return printJSON(cmd.OutOrStdout(), v)
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "pushcore %s (plugin API %s, %s, %s)\n", v.Version, v.PluginAPI, v.Go, v.OS)
			return err
		},
	}
}
