package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushcore/pushcore/sdk/plugintest"
)

// tryOptions say how to try a plugin.
type tryOptions struct {
	driver, options, run, placement, trace string
	seed                                   uint64
	patience                               time.Duration
}

func newPluginTest() *cobra.Command {
	var o tryOptions
	cmd := &cobra.Command{
		Use:   "test [--driver COMMAND] [--options JSON|@FILE] -- PLUGIN…",
		Short: "Try a plugin against the contract",
		Long: `Try a plugin against the contract, rule by rule.

PLUGIN is the command that starts the plugin's executable, or the name of a
built-in plugin. The driver is a small program of yours that speaks the plugin's
protocol, see docs/plugin-driver.md; built-in transports bring their own.

The exit code is 4 if a rule is broken. A failure names the rule and why it is
there, says what was seen, and shows what had happened until then.`,
		Example: `  pushcore plugin test -- tcp
  pushcore plugin test --driver "python3 driver.py" --options '{"listen":"127.0.0.1:0"}' -- ./my-transport
  pushcore plugin test --run acks --trace traces -- ws`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.try(cmd, args)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.driver, "driver", "", "command that starts the driver, run by the shell")
	f.StringVar(&o.options, "options", "", "options of the plugin as JSON, or @FILE; for an MQ plugin what the driver is told of the broker")
	f.StringVar(&o.run, "run", "", "only trials whose PLACEMENT/NAME matches this regular expression")
	f.StringVar(&o.placement, "placement", "", "core (default of built-in plugins), process (default of others) or portable")
	f.StringVar(&o.trace, "trace", "", "directory for a record of each trial")
	f.DurationVar(&o.patience, "patience", 0, "how long to wait for what must happen (default 10s, for MQ plugins 30s)")
	f.Uint64Var(&o.seed, "seed", 0, "of the churn, to repeat it")
	return cmd
}

// try makes the trials.
func (o *tryOptions) try(cmd *cobra.Command, args []string) (err error) {
	only, err := regexp.Compile(o.run)
	if err != nil {
		return usage(fmt.Errorf("--run: %w", err))
	}
	log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	s, err := o.newTrySuite(cmd.Context(), args, log)
	if err != nil {
		return err
	}
	defer s.close()
	var chosen []plugintest.Trial
	for _, t := range s.trials {
		if only.MatchString(t.Placement + "/" + t.Name) {
			chosen = append(chosen, t)
		}
	}
	if len(chosen) == 0 {
		return usage(fmt.Errorf("--run: no trial matches %q", o.run))
	}
	return tryAll(cmd.Context(), chosen, newTryReport(cmd.OutOrStdout(), asJSON(cmd)))
}

// tryAll makes the trials one by one.
func tryAll(ctx context.Context, trials []plugintest.Trial, report *tryReport) error {
	for _, t := range trials {
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		began := time.Now()
		r := t.Run()
		if err := report.trial(&r, time.Since(began)); err != nil {
			return err
		}
	}
	if err := report.end(); err != nil {
		return err
	}
	if n := report.failed; n > 0 {
		return withExit(exitPlugin, fmt.Errorf("%d of %d trials failed", n, len(trials)))
	}
	return nil
}

// optionsJSON is what --options says, or the default of a kind of plugin.
func (o *tryOptions) optionsJSON(otherwise string) ([]byte, error) {
	text := []byte(o.options)
	if name, isFile := strings.CutPrefix(o.options, "@"); isFile {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, usage(fmt.Errorf("--options: %w", err))
		}
		text = b
	}
	if len(text) == 0 {
		return []byte(otherwise), nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(text, &object); err != nil {
		return nil, usage(fmt.Errorf("--options: not a JSON object: %w", err))
	}
	return text, nil
}
