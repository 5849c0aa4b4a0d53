package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushcore/pushcore/core/admin"
	"github.com/pushcore/pushcore/sdk"
)

func newDrain() *cobra.Command {
	var noWait bool
	var timeout string
	cmd := &cobra.Command{
		Use: "drain", Short: "Send a node's devices elsewhere, and wait until nothing is left to do but to stop it", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := apiOf(cmd)
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			if timeout != "" {
				d, err := sdk.ParseDuration(timeout)
				if err != nil {
					return usage(fmt.Errorf("--timeout: %w", err))
				}
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, time.Duration(d))
				defer cancel()
			}
			return drainNode(ctx, cmd, a, !noWait)
		},
	}
	cmd.Flags().BoolVar(&noWait, "no-wait", false, "begin, and do not wait for the end")
	cmd.Flags().StringVar(&timeout, "timeout", "", "wait at most this long, such as 30s; the node goes on by itself")
	addServerFlags(cmd)
	return cmd
}

// drainNode begins, and asks once a second how far it is.
func drainNode(ctx context.Context, cmd *cobra.Command, a *api, wait bool) error {
	for {
		var d admin.Drain
		if err := a.call(ctx, http.MethodPost, "/v1/node/drain", nil, nil, &d); err != nil {
			return err
		}
		if err := showDrain(cmd, d); err != nil {
			return err
		}
		if !wait || d.State == admin.Drained {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

func showDrain(cmd *cobra.Command, d admin.Drain) error {
	if asJSON(cmd) {
		return printJSON(cmd.OutOrStdout(), d)
	}
	if d.State == admin.Drained {
		fmt.Fprintln(cmd.OutOrStdout(), "drained: stopping the process interrupts nobody")
		return nil
	}
	fmt.Fprintf(cmd.OutOrStdout(), "draining, %d devices left\n", d.Devices)
	return nil
}
