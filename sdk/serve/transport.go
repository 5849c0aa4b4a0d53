package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/pluginrpc"
	"github.com/pushcore/pushcore/sdk/pluginrpc/pluginpb"
)

// transportRunner runs a transport: its loops, and links to them.
type transportRunner struct {
	plugin sdk.Transport
	log    *slog.Logger
	exit   func(reason string)
	links  *links
	frozen chan handedLoop // loops → HandOver; made with the loops

	mu        sync.Mutex // guards the rest
	loops     *pluginrpc.Loops
	opened    bool
	endpoints []string
}

func newTransportRunner(p sdk.Transport, dir string, log *slog.Logger, exit func(string)) (*transportRunner, error) {
	r := &transportRunner{plugin: p, log: log, exit: exit}
	var err error
	r.links, err = newLinks(dir, r, log)
	return r, err
}

// Attach implements runner, as the following do.
func (r *transportRunner) Attach(q *pluginpb.AttachRequest) (*pluginpb.AttachReply, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if q.GetLoops() < 1 {
		return nil, errors.New("a transport needs a loop")
	}
	if r.loops == nil {
		loops, err := pluginrpc.NewLoops(r.plugin, pluginrpc.LoopsConfig{
			Loops: int(q.GetLoops()), Keep: q.GetGraceMs() > 0, Log: r.log, Shared: os.Getenv(pluginrpc.SharedKey) != "", Gone: r.linkGone, Handed: r.handed,
		})
		if err != nil {
			return nil, err
		}
		r.loops, r.frozen = loops, make(chan handedLoop, loops.Loops())
	}
	return &pluginpb.AttachReply{
		LinkAddress: r.links.address(), Tokens: r.links.issue(r.loops.Loops()),
		Opened: r.opened, Endpoints: r.endpoints, Loops: uint32(r.loops.Loops()),
	}, nil
}

func (r *transportRunner) linkGone(l sdk.Loop, err error) {
	r.log.Info("the runtime's link has ended", "loop", int(l), "error", err)
}

func (r *transportRunner) Open(context.Context) (*pluginpb.OpenReply, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.loops == nil {
		return nil, errNotAttached
	}
	endpoints, err := r.loops.Open()
	if err != nil {
		return &pluginpb.OpenReply{Error: err.Error()}, nil
	}
	r.open(endpoints)
	return &pluginpb.OpenReply{Endpoints: r.endpoints}, nil
}

// open notes that the plugin is open.
func (r *transportRunner) open(endpoints []sdk.Endpoint) {
	r.opened = true
	for _, e := range endpoints {
		r.endpoints = append(r.endpoints, e.URL)
	}
}

var errNotAttached = errors.New("no runtime is attached")

// Close closes the plugin; what it emits last leaves with the loops' end.
func (r *transportRunner) Close(deadline time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.links.close()
	if r.loops == nil {
		return nil
	}
	var err error
	if r.opened {
		err = r.loops.Close(deadline)
	}
	r.loops.Stop()
	return err
}

func (r *transportRunner) Register(s grpc.ServiceRegistrar) { r.links.Register(s) }

// takePipe implements seat.
func (r *transportRunner) takePipe(l sdk.Loop, p pluginrpc.Pipe) (<-chan struct{}, error) {
	loops, table, err := r.attached(l)
	if err != nil {
		return nil, err
	}
	return loops.AttachPipe(l, p, table), nil
}

func (r *transportRunner) attached(l sdk.Loop) (loops *pluginrpc.Loops, table bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.loops == nil || int(l) >= r.loops.Loops() {
		return nil, false, fmt.Errorf("there is no loop %d", l)
	}
	return r.loops, r.opened, nil
}
