package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"

	"github.com/pushcore/pushcore/sdk/pluginrpc"
	"github.com/pushcore/pushcore/sdk/pluginrpc/pluginpb"
)

// Start starts a plugin's process and returns when it has said what it is. Its
// error is a *Failure; nothing is left of the process then. The end of ctx ends
// the start only.
func Start(ctx context.Context, cfg Config) (*Process, error) {
	e, err := cfg.find()
	if err != nil {
		return nil, cfg.asFailure(err)
	}
	dir, err := newPrivateDir(cfg.DataDir)
	if err != nil {
		e.close()
		return nil, cfg.asFailure(err)
	}
	l, err := newLaunch(&cfg, e, dir)
	if err != nil {
		e.close()
		_ = os.RemoveAll(dir)
		return nil, cfg.asFailure(err)
	}
	p, err := l.start(ctx)
	l.close()
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, cfg.asFailure(err)
	}
	return p, nil
}

// start brings the process up; if it fails the process has ended.
func (l *launch) start(ctx context.Context) (*Process, error) {
	began := time.Now()
	client := plugin.NewClient(l.clientConfig())
	p, err := l.meet(ctx, client, began.Add(l.cfg.startTimeout()))
	if err == nil {
		return p, nil
	}
	if l.child.id() != 0 {
		l.child.kill("it did not start")
		<-l.child.ended
		client.Kill()
	}
	return nil, err
}

// pluginProtocol is the version of the plugin protocol.
const pluginProtocol = pluginrpc.Protocol

var handshakeConfig = plugin.HandshakeConfig{
	ProtocolVersion: pluginProtocol, MagicCookieKey: pluginrpc.CookieKey, MagicCookieValue: pluginrpc.CookieValue,
}

// clientConfig tells go-plugin what it may do; docs/decisions/0007 says why the
// rest is ours.
func (l *launch) clientConfig() *plugin.ClientConfig {
	return &plugin.ClientConfig{
		HandshakeConfig:  handshakeConfig,
		Plugins:          plugin.PluginSet{controlName: controlPlugin{}},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		SkipHostEnv:      true,
		StartTimeout:     l.cfg.startTimeout() + time.Minute, // The bound is ours, see meet.
		Logger:           hclog.NewNullLogger(),
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: l.dir},
		GRPCDialOptions:  dialOptions(),
		RunnerFunc: func(_ hclog.Logger, spec *exec.Cmd, _ string) (runner.Runner, error) {
			l.prepare(spec.Env)
			return l, nil
		},
	}
}

// meet goes from the start to the answer to Info.
func (l *launch) meet(ctx context.Context, client *plugin.Client, deadline time.Time) (*Process, error) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	late := context.AfterFunc(ctx, func() { l.child.kill("it took too long to start") })
	defer late()
	address, err := client.Start()
	if err != nil {
		return nil, l.diagnose(ctx, err)
	}
	conn, err := connect(client)
	if err != nil {
		return nil, l.diagnose(ctx, err)
	}
	control := pluginpb.NewPluginClient(conn)
	info, err := askInfo(ctx, l.cfg, control)
	if err != nil {
		return nil, l.diagnose(ctx, err)
	}
	p := &Process{
		cfg: *l.cfg, info: info, dir: l.dir, child: l.child, client: client, conn: conn, control: control,
		address: address, identity: identity(l.child.id()), fingerprint: l.cfg.fingerprint(nil),
	}
	return p, p.begin(int64(len(l.first.text()) + 1))
}

// diagnose makes one clear line of whatever kept the process from starting.
func (l *launch) diagnose(ctx context.Context, err error) error {
	var told *Failure
	if l.child.id() == 0 || errors.As(err, &told) {
		return err
	}
	line := l.first.text()
	if errors.Is(ctx.Err(), context.Canceled) {
		return l.cfg.failure("was not started: the start was given up", "")
	}
	deadline, _ := ctx.Deadline()
	timedOut := time.Until(deadline) < nearly
	if fault, advice := handshakeFault(line); line != "" && fault != "" {
		return l.cfg.failure(fault, advice)
	}
	if errors.Is(err, errForeignSocket) {
		return l.cfg.failure("wants to be called at an address that is not its own: "+err.Error(), "it is to listen in "+pluginrpc.SocketDirKey)
	}
	l.child.kill("it did not start")
	<-l.child.ended
	what := "did not say what it is"
	if line == "" {
		what = "made no handshake"
	}
	if timedOut {
		return l.cfg.failure(fmt.Sprintf("%s within %v%s", what, l.cfg.startTimeout(), l.quote()), "is it a plugin of pushcore?")
	}
	if status := l.child.ownEnd(); status != "" {
		return l.cfg.failure(fmt.Sprintf("%s: it %s%s", what, status, l.quote()), "see what it says when it is started with `pushcore plugin inspect`")
	}
	return l.cfg.failure(fmt.Sprintf("%s: %v%s", what, err, l.quote()), "is it a plugin of pushcore?")
}

// nearly is how close to the deadline a call may fail for it: the other side has
// a clock of its own.
const nearly = 50 * time.Millisecond

// quote is what the process wrote last, for an error.
func (l *launch) quote() string {
	words := lastWordsOf(l.stderr)
	if words == "" {
		return ""
	}
	return "; it last wrote: " + words
}

// begin starts what a running process needs.
func (p *Process) begin(handshakeLength int64) error {
	p.gate = &gate{}
	if err := p.follow(handshakeLength); err != nil {
		for _, f := range p.files {
			_ = f.Close()
		}
		return err
	}
	p.done = make(chan struct{})
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	p.working.Add(1)
	go p.receiveLogs(ctx)
	go p.tend()
	return nil
}

// follow opens what the process writes to.
func (p *Process) follow(handshakeLength int64) error {
	for _, o := range []struct {
		name   string
		offset int64
		output **output
	}{{stdoutName, handshakeLength, &p.stdout}, {stderrName, 0, &p.stderr}} {
		file, err := openOutput(p.dir, o.name)
		if err != nil {
			return err
		}
		p.files = append(p.files, file)
		if *o.output, err = followOutput(file, o.offset, p.gate, p.cfg.Log); err != nil {
			return err
		}
	}
	return nil
}

// dialOptions bound what the plugin can send and keep the connection when nothing
// is called for long.
func dialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithIdleTimeout(0),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(replyMax)),
	}
}

// replyMax bounds an answer of the plugin, in bytes.
const replyMax = 16 << 20
