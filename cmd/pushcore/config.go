package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/pushcore/pushcore/core"
	"github.com/pushcore/pushcore/core/config"
)

// loadConfig reads the file, or gives the embedded defaults without one.
func loadConfig(file string) (*config.Config, error) {
	c, err := config.Load(file, os.Environ())
	return c, withExit(exitConfig, err)
}

func newCheck() *cobra.Command {
	var file string
	var insecure, noExec bool
	cmd := &cobra.Command{
		Use: "check -c FILE", Short: "Check a configuration without starting anything", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if file == "" {
				return usage(errors.New("-c FILE is needed"))
			}
			c, err := loadConfig(file)
			if err != nil {
				return err
			}
			p, err := core.Prepare(c, builtIn, core.PrepareOptions{Insecure: insecure, NoExec: noExec, Log: newLog(cmd.ErrOrStderr(), c)})
			if err != nil {
				return withPrepareExit(err)
			}
			defer p.Discard()
			notes := warnings(c)
			notes = append(notes, p.Describe()...)
			if asJSON(cmd) {
				return printJSON(cmd.OutOrStdout(), map[string]any{"ok": true, "notes": notes})
			}
			for _, n := range notes {
				fmt.Fprintln(cmd.OutOrStdout(), "note:", n)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is good\n", file)
			return err
		},
	}
	cmd.Flags().StringVarP(&file, "config", "c", "", "the configuration file")
	cmd.Flags().BoolVar(&insecure, "insecure", false, "accept listeners beyond loopback that are open to everybody")
	cmd.Flags().BoolVar(&noExec, "no-exec", false, "start no third parties' plugins: what only they can tell is not checked")
	return cmd
}

func warnings(c *config.Config) []string {
	var out []string
	for _, w := range c.Warnings {
		out = append(out, w.Error())
	}
	return out
}

func newConfig() *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Write a starter configuration, print the one in force, or its schema"}
	cmd.AddCommand(
		&cobra.Command{
			Use: "init", Short: "Print a commented starter configuration", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error { return config.WriteStarter(cmd.OutOrStdout()) },
		},
		&cobra.Command{
			Use: "schema", Short: "Print the JSON Schema of the configuration", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error { return config.WriteSchema(cmd.OutOrStdout()) },
		},
		newConfigPrint(),
	)
	return cmd
}

func newConfigPrint() *cobra.Command {
	var file string
	var origins bool
	cmd := &cobra.Command{
		Use: "print [-c FILE]", Short: "Print the configuration in force, secrets masked", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := loadConfig(file)
			if err != nil {
				return err
			}
			return c.Print(cmd.OutOrStdout(), origins)
		},
	}
	cmd.Flags().StringVarP(&file, "config", "c", "", "the configuration file; without one, the defaults")
	cmd.Flags().BoolVar(&origins, "origins", false, "say where each value comes from")
	return cmd
}
