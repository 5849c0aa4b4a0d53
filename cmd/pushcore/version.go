package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/pushcore/pushcore/sdk"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := struct {
				Version   string `json:"version"`
				PluginAPI string `json:"plugin_api"`
				Go        string `json:"go"`
				OS        string `json:"os"`
			}{version, sdk.APIVersion, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
			if asJSON(cmd) {
				return printJSON(cmd.OutOrStdout(), v)
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "pushcore %s (plugin API %s, %s, %s)\n", v.Version, v.PluginAPI, v.Go, v.OS)
			return err
		},
	}
}
