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

// errNoLinks is what a runner without links says.
var errNoLinks = errors.New("this version does not open links")

// linkless is a runner without links: enough to describe and configure a plugin.
type linkless struct{ plugin sdk.Plugin }

// newRunner makes the runner of a plugin. exit ends the process.
func newRunner(p sdk.Plugin, _ *slog.Logger, _ func(reason string)) runner { return &linkless{p} }

func (r *linkless) Attach(*pluginpb.AttachRequest) (*pluginpb.AttachReply, error) {
	return &pluginpb.AttachReply{}, nil
}

func (r *linkless) Open(context.Context) (*pluginpb.OpenReply, error) {
	return &pluginpb.OpenReply{Error: errNoLinks.Error()}, nil
}

func (r *linkless) Close(deadline time.Time) error { return r.plugin.Close(deadline) }

func (r *linkless) TakeOver(context.Context, *pluginpb.TakeOverRequest) (*pluginpb.TakeOverReply, error) {
	return nil, errNoLinks
}

func (r *linkless) HandOver(context.Context, *pluginpb.HandOverRequest) (*pluginpb.HandOverReply, error) {
	return nil, errNoLinks
}

func (r *linkless) Register(grpc.ServiceRegistrar) {}
