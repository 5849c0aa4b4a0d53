package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set by the linker in release builds.
var version = "0.1.0-dev"

// execute runs one command line and returns the process's exit code.
func execute(args []string, in io.Reader, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	if text := err.Error(); text != "" {
		fmt.Fprintln(errOut, "pushcore:", strings.TrimSpace(text))
	}
	return exitCode(err)
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "pushcore",
		Short:         "Hold connections to devices and push messages to them",
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	root.PersistentFlags().Bool("json", false, "print results as JSON")
	root.AddCommand(commands()...)
	markUsageErrors(root)
	return root
}

// markUsageErrors lets wrong arguments and flags that exclude each other exit as a
// usage error. What only holds other commands takes no arguments: there a word is a
// misspelled command.
func markUsageErrors(cmd *cobra.Command) {
	if cmd.HasParent() && cmd.HasSubCommands() && cmd.RunE == nil && cmd.Run == nil {
		cmd.RunE = subcommandNeeded
	}
	if check := cmd.Args; check != nil {
		cmd.Args = func(c *cobra.Command, args []string) error { return usage(check(c, args)) }
	}
	if cmd.PreRunE == nil {
		cmd.PreRunE = func(c *cobra.Command, _ []string) error { return usage(c.ValidateFlagGroups()) }
	}
	for _, sub := range cmd.Commands() {
		markUsageErrors(sub)
	}
}

// subcommandNeeded shows what there is, or says that the word is none of it.
func subcommandNeeded(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	text := fmt.Sprintf("unknown command %q for %q", args[0], cmd.CommandPath())
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		text += "; did you mean " + near[0] + "?"
	}
	return usage(errors.New(text))
}
