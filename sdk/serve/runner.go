package serve

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"google.golang.org/grpc"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/pluginrpc/pluginpb"
)

// runner runs the plugin between Attach and Close: its loops and links. The
// server calls Attach, Open, Close, TakeOver and HandOver one at a time, but
// Close also while one of the others has not returned.
type runner interface {
	// Attach makes the caller the runtime: links of an earlier one end.
	Attach(*pluginpb.AttachRequest) (*pluginpb.AttachReply, error)
	// Open opens the plugin. What keeps it from opening goes into the reply.
	Open(context.Context) (*pluginpb.OpenReply, error)
	// Close closes the plugin and the links, at the latest at the deadline.
	Close(deadline time.Time) error
	TakeOver(context.Context, *pluginpb.TakeOverRequest) (*pluginpb.TakeOverReply, error)
	HandOver(context.Context, *pluginpb.HandOverRequest) (*pluginpb.HandOverReply, error)
	// Register adds services of its own: the portable carrier.
	Register(grpc.ServiceRegistrar)
}

// newRunner makes the runner of a plugin. dir is the process's private directory,
// exit ends the process.
func newRunner(p sdk.Plugin, dir string, log *slog.Logger, exit func(reason string)) (runner, error) {
	switch p := p.(type) {
	case sdk.Transport:
		return newTransportRunner(p, dir, log, exit)
	case sdk.MQ:
		return newMQRunner(p, dir, log, exit)
	}
	return nil, errNeither
}

// errNeither is a plugin that implements half of what it must.
var errNeither = errors.New("the plugin is neither an sdk.Transport nor an sdk.MQ")
