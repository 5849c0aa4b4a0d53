package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/client"
)

// connectOptions are the flags of connect.
type connectOptions struct {
	user, token, device, platform string
	groups                        []string
	count                         int
	timeout                       string
	noAck                         bool
}

func newConnect() *cobra.Command {
	var o connectOptions
	cmd := &cobra.Command{
		Use:   "connect URL (--user USER | --token TOKEN)",
		Short: "Connect as a device and print messages as they come",
		Long: `Connect as a device and print messages as they come, each acked when it is printed.
Breaks are survived: the device reconnects and resumes. Changes of the connection go to standard error.

Ends with 0 after --count messages, 5 if --timeout is over before, 6 if no node could be reached until
then, 1 if the node closes the connection for good.`,
		Example: `  pushcore connect ws://127.0.0.1:7200/connect --user alice
  pushcore connect tcp://127.0.0.1:7100 --user alice --device till-7 --group news --count 1 --timeout 10s --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0]) },
	}
	f := cmd.Flags()
	f.StringVar(&o.user, "user", "", "the user; without a token only where auth is none")
	f.StringVar(&o.token, "token", "", "the device's token (PUSHCORE_TOKEN)")
	f.StringVar(&o.device, "device", "", "the device's lasting id; without it the session ends with the program")
	f.StringVar(&o.platform, "platform", "", "kind of device, such as ios")
	f.StringSliceVar(&o.groups, "group", nil, "groups to join, repeated or as a comma list")
	f.IntVar(&o.count, "count", 0, "end after so many messages; 0: never")
	f.StringVar(&o.timeout, "timeout", "", "end after this time, such as 30s")
	f.BoolVar(&o.noAck, "no-ack", false, "leave messages unacked: they come again to the next session")
	return cmd
}

func (o *connectOptions) run(cmd *cobra.Command, url string) error {
	ctx := cmd.Context()
	if o.timeout != "" {
		d, err := sdk.ParseDuration(o.timeout)
		if err != nil {
			return usage(fmt.Errorf("--timeout: %w", err))
		}
		limited, cancel := context.WithTimeout(ctx, time.Duration(d))
		defer cancel()
		ctx = limited
	}
	if o.token == "" {
		o.token = os.Getenv("PUSHCORE_TOKEN")
	}
	if o.user == "" && o.token == "" {
		return usage(errors.New("--user or --token is needed, such as --user alice"))
	}
	w := &watch{out: messagePrinter(cmd), states: cmd.ErrOrStderr(), count: o.count, enough: make(chan struct{})}
	c, err := client.New(client.Config{
		URLs: []string{url}, User: o.user, Token: o.token, Device: o.device, Platform: o.platform, Groups: o.groups,
		Name: "pushcore connect", Version: version, NoAck: o.noAck,
		Handler: w.message, OnState: w.state, OnJoined: w.joined,
	})
	if err != nil {
		return usage(err)
	}
	return w.wait(ctx, c)
}

// closePatience is how long a connection may take to end well.
const closePatience = 2 * time.Second

// wait waits until there is enough, the time is over or the node wants no more.
func (w *watch) wait(ctx context.Context, c *client.Client) error {
	var err error
	select {
	case <-w.enough:
	case <-c.Done():
		err = c.Err()
	case <-ctx.Done():
		err = w.unmet(ctx.Err())
	}
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), closePatience)
	defer cancel()
	if closing := c.Close(patience); err == nil && closing != nil {
		err = fmt.Errorf("the last messages may not be acked: %w", closing)
	}
	if w.failed != nil {
		return w.failed
	}
	return err
}

// unmet says why there was not enough: the time is over, or the user
// interrupts, which is how a watch without a count ends.
func (w *watch) unmet(why error) error {
	switch {
	case !errors.Is(why, context.DeadlineExceeded) && w.count == 0:
		return nil
	case !errors.Is(why, context.DeadlineExceeded):
		return fmt.Errorf("interrupted after %d of %d messages", w.printed.Load(), w.count)
	case w.reached.Load() && w.count == 0:
		return withExit(exitTimeout, fmt.Errorf("the time is over after %d messages", w.printed.Load()))
	case w.reached.Load():
		return withExit(exitTimeout, fmt.Errorf("the time is over after %d of %d messages", w.printed.Load(), w.count))
	}
	text := "no node could be reached in time"
	if last := w.lastError.Load(); last != nil {
		text += ": " + (*last).Error()
	}
	return withExit(exitUnreachable, errors.New(text))
}

// watch is what becomes of messages and states.
type watch struct {
	out    func(client.Message) error // of the handling goroutine
	states io.Writer
	count  int // 0: no end

	enough    chan struct{} // closed when count is reached, or printing failed
	failed    error         // of printing; read after the Client was closed
	printed   atomic.Int64
	reached   atomic.Bool // some node accepted the device
	lastError atomic.Pointer[error]
}

var errEnough = errors.New("enough messages for now")

func (w *watch) message(_ context.Context, m client.Message) error {
	if w.failed != nil || (w.count > 0 && int(w.printed.Load()) >= w.count) {
		return client.RetryAfter(errEnough, 0) // For the next session.
	}
	if err := w.out(m); err != nil {
		w.failed = fmt.Errorf("print: %w", err)
		close(w.enough)
		return client.RetryAfter(err, 0)
	}
	if n := w.printed.Add(1); int(n) == w.count {
		close(w.enough)
	}
	return nil
}

func (w *watch) state(s client.State) {
	text := ""
	switch s.Phase {
	case client.Connected:
		w.reached.Store(true)
		text = fmt.Sprintf("connected to %s as user %s", s.URL, s.User)
		if s.Device != "" {
			text += ", device " + s.Device
		}
		if s.Resumed {
			text += ", session resumed"
		}
	case client.Disconnected:
		w.lastError.Store(&s.Err)
		if w.count > 0 && int(w.printed.Load()) >= w.count {
			return // It is ours to end.
		}
		text = fmt.Sprintf("disconnected: %v; next attempt in %v", s.Err, s.RetryIn.Round(time.Millisecond))
	default:
		return
	}
	_, _ = fmt.Fprintln(w.states, escapeControls(text)) // There is nobody left to tell.
}

func (w *watch) joined(group string, joined client.Joined, err error) {
	text := ""
	switch {
	case err != nil:
		text = fmt.Sprintf("group %s: %v", group, err)
	case joined.Gap:
		text = fmt.Sprintf("group %s: a gap: some of what was missed is no longer in its history", group)
	default:
		return
	}
	_, _ = fmt.Fprintln(w.states, escapeControls(text)) // As above.
}
