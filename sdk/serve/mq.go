package serve

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/pluginrpc"
	"github.com/pushcore/pushcore/sdk/pluginrpc/pluginpb"
)

// mqRunner runs an MQ plugin, which ends with its runtime: what it has taken of
// the broker's is of no use to another.
type mqRunner struct {
	plugin sdk.MQ
	log    *slog.Logger
	exit   func(reason string)
	links  *links
	linked chan struct{} // closed when the link is there

	mu     sync.Mutex // guards the rest
	broker *pluginrpc.Broker
	opened bool
	closed bool
}

func newMQRunner(p sdk.MQ, dir string, log *slog.Logger, exit func(string)) (*mqRunner, error) {
	r := &mqRunner{plugin: p, log: log, exit: exit, linked: make(chan struct{})}
	var err error
	r.links, err = newLinks(dir, r, log)
	return r, err
}

// Attach implements runner, as the following do.
func (r *mqRunner) Attach(*pluginpb.AttachRequest) (*pluginpb.AttachReply, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return &pluginpb.AttachReply{LinkAddress: r.links.address(), Tokens: r.links.issue(1), Opened: r.opened, Loops: 1}, nil
}

func (r *mqRunner) Open(ctx context.Context) (*pluginpb.OpenReply, error) {
	select {
	case <-r.linked:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	r.mu.Lock()
	b := r.broker
	r.mu.Unlock()
	if err := b.Open(); err != nil {
		return &pluginpb.OpenReply{Error: err.Error()}, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.opened = true
	return &pluginpb.OpenReply{}, nil
}

// Close closes the plugin; what it reports last leaves before the link ends.
func (r *mqRunner) Close(deadline time.Time) error {
	r.mu.Lock()
	b, opened := r.broker, r.opened
	r.closed = true
	r.mu.Unlock()
	r.links.close()
	switch {
	case b == nil || !opened:
		return nil
	default:
		return b.Close(deadline)
	}
}

func (r *mqRunner) Register(s grpc.ServiceRegistrar) { r.links.Register(s) }

var errOneRuntime = errors.New("an MQ plugin serves one runtime, once")

// takeConn implements seat, as the following does.
func (r *mqRunner) takeConn(_ sdk.Loop, c *net.UnixConn) error {
	_, err := r.takePipe(0, pluginrpc.NewConnPipe(c))
	return err
}

func (r *mqRunner) takePipe(_ sdk.Loop, p pluginrpc.Pipe) (<-chan struct{}, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broker != nil || r.closed {
		return nil, errOneRuntime
	}
	r.broker = pluginrpc.NewBroker(r.plugin, p, r.log, r.linkGone)
	close(r.linked)
	return r.broker.Gone(), nil
}

func (r *mqRunner) linkGone(err error) {
	r.mu.Lock()
	closed := r.closed
	r.mu.Unlock()
	if !closed {
		r.exit("the runtime's link has ended: " + err.Error())
	}
}

var errNoHandOver = errors.New("an MQ plugin has no connections to hand over")

func (r *mqRunner) TakeOver(context.Context, *pluginpb.TakeOverRequest) (*pluginpb.TakeOverReply, error) {
	return nil, errNoHandOver
}

func (r *mqRunner) HandOver(context.Context, *pluginpb.HandOverRequest) (*pluginpb.HandOverReply, error) {
	return nil, errNoHandOver
}
