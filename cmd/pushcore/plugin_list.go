package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/pushcore/pushcore/core/config"
)

// listedPlugin is a built-in plugin.
type listedPlugin struct {
	Name         string   `json:"name"`
	Kind         string   `json:"kind"`
	Version      string   `json:"version"`
	Capabilities []string `json:"capabilities"`
}

// listedInstance is an instance of a configuration.
type listedInstance struct {
	Name      string   `json:"name"`
	Use       string   `json:"use,omitempty"`
	Command   []string `json:"command,omitempty"`
	Placement string   `json:"placement"`
	Processes int      `json:"processes"`
}

func newPluginList() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "list [-c FILE]", Short: "List the built-in plugins and a configuration's instances", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			plugins, err := listPlugins()
			if err != nil {
				return err
			}
			instances := []listedInstance{}
			if file != "" {
				c, err := loadConfig(file)
				if err != nil {
					return err
				}
				instances = listInstances(c)
			}
			if asJSON(cmd) {
				return printJSON(cmd.OutOrStdout(), map[string]any{"built_in": plugins, "instances": instances})
			}
			return printPlugins(cmd.OutOrStdout(), plugins, instances)
		},
	}
	cmd.Flags().StringVarP(&file, "config", "c", "", "a configuration file, whose instances are listed too")
	return cmd
}

func listPlugins() ([]listedPlugin, error) {
	var list []listedPlugin
	for _, name := range builtIn.Names() {
		p, err := builtInPlugin(builtIn, name)
		if err != nil {
			return nil, err
		}
		i := p.Info()
		list = append(list, listedPlugin{i.Name, string(i.Kind), i.Version, append([]string{}, i.Capabilities...)})
	}
	return list, nil
}

func listInstances(c *config.Config) []listedInstance {
	list := []listedInstance{}
	for i := range c.Plugins {
		p := &c.Plugins[i]
		list = append(list, listedInstance{p.Name, p.Use, p.Command, p.Placement, p.Processes})
	}
	return list
}

func printPlugins(w io.Writer, plugins []listedPlugin, instances []listedInstance) error {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "BUILT-IN\tKIND\tVERSION\tCAPABILITIES")
	for _, p := range plugins {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", p.Name, p.Kind, p.Version, strings.Join(p.Capabilities, " "))
	}
	if len(instances) > 0 {
		fmt.Fprintln(table, "\nINSTANCE\tPLACEMENT\tPROCESSES\tPLUGIN")
	}
	for _, i := range instances {
		plugin, processes := i.Use, "-"
		if len(i.Command) > 0 {
			plugin = strings.Join(i.Command, " ")
		}
		if i.Placement == config.PlacementProcess {
			processes = fmt.Sprint(i.Processes)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", i.Name, i.Placement, processes, plugin)
	}
	return table.Flush()
}
