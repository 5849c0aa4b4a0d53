package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushcore/pushcore/core"
	"github.com/pushcore/pushcore/core/admin"
)

// preflightTime bounds each look at the new program.
const preflightTime = 20 * time.Second

// preflight says why a program cannot take over a node with this configuration.
func preflight(program, file string) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, preflightTime)
		defer cancel()
		out, err := exec.CommandContext(ctx, program, "version", "--json").Output()
		if err != nil {
			return fmt.Errorf("%s version: %w", program, err)
		}
		var v versionInfo
		if err := json.Unmarshal(out, &v); err != nil || v.Estate != core.EstateVersion {
			return fmt.Errorf("%s understands version %d of what a node leaves, this one leaves %d: drain and restart", program, v.Estate, core.EstateVersion)
		}
		if file == "" {
			return nil
		}
		if out, err := exec.CommandContext(ctx, program, "check", "--no-exec", "--insecure", "-c", file).CombinedOutput(); err != nil {
			return fmt.Errorf("%s check: %s", program, strings.TrimSpace(string(out)))
		}
		return nil
	}
}

func newUpgrade() *cobra.Command {
	var timeout time.Duration
	cmd := &cobra.Command{
		Use: "upgrade", Short: "Replace a running node's program by what its file is now, and cut nobody off", Args: cobra.NoArgs,
		Long: `Replace a running node's program by what its file is now: put the new file in the old one's place first. The
node keeps its process id and all connections, those of plugins in processes of their own too. The new program is
looked at before anything is given up: one that does not start, or does not like the configuration, changes nothing.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := apiOf(cmd)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			var before, now admin.About
			if err := a.call(ctx, http.MethodPost, "/v1/node/upgrade", nil, nil, &before); err != nil {
				return err
			}
			if now, err = otherRun(ctx, a, before.Run); err != nil {
				return err
			}
			if asJSON(cmd) {
				return printJSON(cmd.OutOrStdout(), now)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s runs %s now (was %s)\n", now.Name, now.Version, before.Version)
			return err
		},
	}
	cmd.Flags().DurationVar(&timeout, "timeout", time.Minute, "wait at most this long for the new program")
	addServerFlags(cmd)
	return cmd
}

// otherRun waits until another run of the node answers.
func otherRun(ctx context.Context, a *api, before string) (now admin.About, err error) {
	for {
		err = a.call(ctx, http.MethodGet, "/v1/node", nil, nil, &now)
		if err == nil && now.Run != before {
			return now, nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return now, errors.Join(errors.New("the new program does not answer; see the node's log"), err)
		}
	}
}

// replaceProgram leaves the node to the program's file as it is now. It returns only
// if that fails; then left says that nothing of the node runs any more.
func replaceProgram(node *core.Runtime, timeout time.Duration) (left bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	program, err := os.Executable()
	if err != nil {
		return false, err
	}
	e, err := node.Leave(ctx)
	if err != nil {
		return false, err
	}
	err = become(program, e)
	e.Close()
	return true, err
}
