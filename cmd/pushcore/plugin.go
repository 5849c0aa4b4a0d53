package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pushcore/pushcore/core"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/nearest"
	"github.com/pushcore/pushcore/sdk/serve"
)

func newPlugin() *cobra.Command {
	cmd := &cobra.Command{Use: "plugin", Short: "List, look at and try plugins"}
	cmd.AddCommand(newPluginList(), newPluginInspect(), newPluginTest(), newPluginNew(), newPluginUpgrade(), newPluginDriver(), newPluginServe())
	return cmd
}

// newPluginServe is what a node starts for a built-in plugin in a process of its
// own.
func newPluginServe() *cobra.Command {
	return &cobra.Command{
		Use: "serve NAME", Short: "Serve a built-in plugin to the node that has started this process", Args: cobra.ExactArgs(1), Hidden: true,
		RunE: func(_ *cobra.Command, args []string) error {
			p, err := builtInPlugin(builtIn, args[0])
			if err != nil {
				return err
			}
			serve.Main(p)
			return nil
		},
	}
}

// builtInPlugin makes a plugin by its name.
func builtInPlugin(r core.Registry, name string) (sdk.Plugin, error) {
	if newTransport := r.Transports[name]; newTransport != nil {
		return newTransport(), nil
	}
	if newMQ := r.MQs[name]; newMQ != nil {
		return newMQ(), nil
	}
	text := fmt.Sprintf("no built-in plugin is called %q", name)
	if near := nearest.Name(name, r.Names()); near != "" {
		text += " (did you mean " + near + "?)"
	}
	return nil, usage(errors.New(text))
}
