package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/pluginrpc/pluginpb"
)

// controlName is what go-plugin calls the one service.
const controlName = "plugin"

// controlPlugin gives the connection that go-plugin has made.
type controlPlugin struct{ plugin.NetRPCUnsupportedPlugin }

var _ plugin.GRPCPlugin = controlPlugin{}

// GRPCServer implements plugin.GRPCPlugin; this side serves nothing.
func (controlPlugin) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error { return nil }

// GRPCClient implements plugin.GRPCPlugin.
func (controlPlugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return conn, nil
}

// connect makes the control connection.
func connect(client *plugin.Client) (*grpc.ClientConn, error) {
	protocol, err := client.Client()
	if err != nil {
		return nil, err
	}
	conn, err := protocol.Dispense(controlName)
	if err != nil {
		return nil, err
	}
	return conn.(*grpc.ClientConn), nil
}

// askInfo asks the plugin what it is and checks that this runtime can run it.
func askInfo(ctx context.Context, cfg *Config, control pluginpb.PluginClient) (sdk.Info, error) {
	r, err := control.Info(ctx, &pluginpb.InfoRequest{})
	if status.Code(err) == codes.Unimplemented {
		return sdk.Info{}, cfg.failure("does not serve pushcore.plugin.v1.Plugin", "it may be a plugin of another program")
	}
	if err != nil {
		return sdk.Info{}, plain(err)
	}
	info := sdk.Info{
		Name: r.GetName(), Kind: sdk.Kind(r.GetKind()), Version: r.GetVersion(), APIVersion: r.GetApiVersion(),
		Capabilities: r.GetCapabilities(), Schema: r.GetSchema(),
	}
	return info, cfg.checkInfo(&info)
}

// checkInfo refuses what cannot be run.
func (c *Config) checkInfo(i *sdk.Info) error {
	if major(i.APIVersion) != major(sdk.APIVersion) {
		return c.failure(fmt.Sprintf("%s %s was made for version %s of the plugin interface, this pushcore serves %s.x",
			cut(i.Name, 80), cut(i.Version, 40), cut(i.APIVersion, 20), major(sdk.APIVersion)),
			"use a release of the plugin that was made for it")
	}
	if i.Kind != sdk.KindTransport && i.Kind != sdk.KindMQ {
		return c.failure(fmt.Sprintf("says that it is a %q", cut(string(i.Kind), 40)), "a plugin is a transport or an mq")
	}
	if len(i.Schema) > 0 && !json.Valid(i.Schema) {
		return c.failure("describes its options with something that is no JSON", "tell its author")
	}
	return nil
}

func major(version string) string {
	m, _, _ := strings.Cut(version, ".")
	return m
}

// Configure hands the options to the plugin and returns its faults. The error is
// a *Failure: the plugin has not answered.
func (p *Process) Configure(ctx context.Context, options []byte) (sdk.Setup, []sdk.OptionError, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := p.control.Configure(ctx, &pluginpb.ConfigureRequest{Options: options})
	if err != nil {
		return sdk.Setup{}, nil, p.failed("was not configured", err)
	}
	p.mu.Lock()
	p.fingerprint = p.cfg.fingerprint(options)
	p.mu.Unlock()
	setup := sdk.Setup{Listen: r.GetListen()}
	for _, o := range r.GetOutputs() {
		setup.Outputs = append(setup.Outputs, sdk.Output(o))
	}
	if in := r.GetInput(); in != nil {
		setup.Input = &sdk.InputOptions{}
		if err := json.Unmarshal(in.GetOptions(), setup.Input); err != nil {
			return sdk.Setup{}, nil, p.cfg.failure("answers Configure with an input that cannot be read: "+err.Error(), "tell its author")
		}
	}
	var faults []sdk.OptionError
	for _, f := range r.GetErrors() {
		faults = append(faults, sdk.OptionError{Pointer: f.GetPointer(), Message: f.GetMessage()})
	}
	return setup, faults, nil
}

// Attach makes this runtime the plugin's, with a link for each of its loops. grace
// is how long the process lives on when the runtime goes away; in that time
// Reattach finds it. Where none could find it, for want of a data directory, it
// ends with the runtime.
func (p *Process) Attach(ctx context.Context, loops int, grace time.Duration) (*pluginpb.AttachReply, error) {
	reply, err := p.attachHeir(ctx, loops, grace)
	if err != nil || grace == 0 || !p.findable() {
		return reply, err
	}
	return reply, p.save(loops)
}

// attachHeir is Attach for a process that is to take another's place: Reattach
// finds the other until the heir is saved.
func (p *Process) attachHeir(ctx context.Context, loops int, grace time.Duration) (*pluginpb.AttachReply, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if !p.findable() {
		grace = 0
	}
	reply, err := p.control.Attach(ctx, &pluginpb.AttachRequest{
		Instance: p.cfg.Instance, Loops: uint32(loops), GraceMs: uint64(grace.Milliseconds()),
		Runtime: p.cfg.Runtime, ApiVersion: sdk.APIVersion,
	})
	if err != nil {
		return nil, p.failed("was not attached", err)
	}
	return reply, nil
}

// Open opens the plugin. What keeps it from opening is the error.
func (p *Process) Open(ctx context.Context) ([]sdk.Endpoint, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	r, err := p.control.Open(ctx, &pluginpb.OpenRequest{})
	if err != nil {
		return nil, p.failed("was not opened", err)
	}
	if text := r.GetError(); text != "" {
		return nil, errors.New(text)
	}
	endpoints := make([]sdk.Endpoint, len(r.GetEndpoints()))
	for i, url := range r.GetEndpoints() {
		endpoints[i] = sdk.Endpoint{URL: url}
	}
	return endpoints, nil
}

// Check says why the plugin does not serve as it was told to, nil if it does.
func (p *Process) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := p.control.Check(ctx, &pluginpb.CheckRequest{})
	if err != nil {
		return p.failed("does not say whether it serves", err)
	}
	if text := r.GetFault(); text != "" {
		return errors.New(text)
	}
	return nil
}

// closeSpare is how long after the deadline a process is waited for.
const closeSpare = 2 * time.Second

// Close closes the plugin and returns when the process has ended; what does not
// end by itself soon after the deadline is killed.
func (p *Process) Close(deadline time.Time) error {
	ctx, cancel := context.WithDeadline(context.Background(), deadline.Add(closeSpare))
	defer cancel()
	within := max(time.Until(deadline), 0)
	r, err := p.control.Close(ctx, &pluginpb.CloseRequest{WithinMs: uint64(within.Milliseconds())})
	select {
	case <-p.done:
	case <-ctx.Done():
		p.Kill("it did not end by the deadline")
		return p.cfg.failure("did not close by the deadline and was killed", "")
	}
	if err != nil {
		return p.failed("was not closed", err)
	}
	if text := r.GetError(); text != "" {
		return errors.New(text)
	}
	return nil
}

// failed makes a Failure of a call that has no answer: if the process has ended,
// or is about to, that is the reason.
func (p *Process) failed(what string, err error) error {
	if c := status.Code(err); c == codes.Unavailable || c == codes.Canceled {
		select {
		case <-p.done:
		case <-time.After(endSoon):
		}
	}
	select {
	case <-p.done:
		return p.cfg.failure(what+": it "+p.ExitText(), "")
	default:
	}
	if status.Code(err) == codes.DeadlineExceeded {
		return p.cfg.failure(what+": it does not answer", "")
	}
	return p.cfg.failure(what+": "+plain(err).Error(), "")
}

// endSoon is how long after its connection a process may end.
const endSoon = 2 * time.Second

// plain is an error of a call without gRPC's words.
func plain(err error) error {
	if s, ok := status.FromError(err); ok && s.Code() != codes.OK {
		return errors.New(s.Message())
	}
	return err
}
