package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushcore/pushcore/core/host/process"
	"github.com/pushcore/pushcore/sdk"
)

// inspectedPlugin is what a plugin says of itself.
type inspectedPlugin struct {
	Name         string          `json:"name"`
	Kind         string          `json:"kind"`
	Version      string          `json:"version"`
	APIVersion   string          `json:"api_version"`
	Capabilities []string        `json:"capabilities"`
	Schema       json.RawMessage `json:"schema"`
}

func newPluginInspect() *cobra.Command {
	return &cobra.Command{
		Use: "inspect NAME | -- COMMAND [ARGUMENT…]", Short: "Show what a plugin is, what it can do and which options it takes",
		Long: "Show what a built-in plugin is, or start an executable and show what it says it is.",
		RunE: func(cmd *cobra.Command, args []string) error {
			info, err := inspect(cmd, args)
			if err != nil {
				return err
			}
			return printInfo(cmd, info)
		},
	}
}

// inspect asks the plugin. What it writes meanwhile goes to standard error.
func inspect(cmd *cobra.Command, args []string) (sdk.Info, error) {
	if cmd.ArgsLenAtDash() != 0 {
		if len(args) != 1 {
			return sdk.Info{}, usage(errors.New("say the NAME of a built-in plugin, or -- and a command"))
		}
		p, err := builtInPlugin(builtIn, args[0])
		if err != nil {
			return sdk.Info{}, err
		}
		return p.Info(), nil
	}
	if len(args) == 0 {
		return sdk.Info{}, usage(errors.New("a command has to follow --"))
	}
	p, err := process.Start(cmd.Context(), process.Config{
		Instance: "inspected", Command: args, Runtime: version, Log: slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil)),
	})
	if err != nil {
		return sdk.Info{}, withExit(exitPlugin, err)
	}
	info := p.Info()
	if err := p.Close(time.Now().Add(inspectClose)); err != nil {
		return info, withExit(exitPlugin, err)
	}
	return info, nil
}

// inspectClose is how long a plugin that was only asked has to end.
const inspectClose = 5 * time.Second

func printInfo(cmd *cobra.Command, i sdk.Info) error {
	if asJSON(cmd) {
		return printJSON(cmd.OutOrStdout(), inspectedPlugin{
			i.Name, string(i.Kind), i.Version, i.APIVersion, append([]string{}, i.Capabilities...), rawOrNull(i.Schema)})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "name:         %s\nkind:         %s\nversion:      %s\nplugin API:   %s\ncapabilities: %s\n",
		i.Name, i.Kind, i.Version, i.APIVersion, orNone(strings.Join(i.Capabilities, ", ")))
	if len(i.Schema) > 0 {
		var indented bytes.Buffer
		if err := json.Indent(&indented, i.Schema, "", "  "); err != nil {
			return withExit(exitPlugin, fmt.Errorf("the schema of the plugin's options is no JSON: %w", err))
		}
		fmt.Fprintf(&b, "options:\n%s\n", indented.String())
	}
	_, err := io.WriteString(cmd.OutOrStdout(), b.String())
	return err
}

func rawOrNull(b []byte) json.RawMessage {
	if len(b) == 0 {
		return json.RawMessage("null")
	}
	return b
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
