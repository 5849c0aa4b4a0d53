package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"

	"github.com/pushcore/pushcore/sdk/pluginrpc/pluginpb"
)

// ErrNone means that there is no process to go on with: Start one.
var ErrNone = errors.New("no process to reattach to")

// protocol is what saved processes must speak.
const protocol = pluginProtocol

// Reattach goes on with the process of an earlier runtime, which was configured
// with the same options and serves as many loops. What does not fit any more, or
// does not answer, has ended when it returns ErrNone. The process is open already;
// Attach comes next.
func Reattach(ctx context.Context, cfg Config, options []byte, loops int) (*Process, error) {
	if cfg.DataDir == "" {
		return nil, ErrNone
	}
	path := cfg.savedPath()
	s, err := readSaved(path)
	if err != nil {
		cfg.Log.Warn("an earlier process of the plugin is not found again", "error", err)
	}
	if s == nil {
		return nil, ErrNone
	}
	if identity(s.PID) != s.Identity || s.Identity == "" {
		cfg.Log.Info("the plugin's process has ended while no runtime was here", "pid", s.PID)
		s.forget(path)
		return nil, ErrNone
	}
	a := &attached{child: newChild(), saved: s}
	a.follow()
	if reason := s.misfit(&cfg, options, loops); reason != "" {
		a.giveUp(cfg.Log, path, reason)
		return nil, ErrNone
	}
	p, err := a.meet(ctx, &cfg, path)
	if err != nil {
		a.giveUp(cfg.Log, path, err.Error())
		return nil, ErrNone
	}
	cfg.Log.Info("the plugin's process is taken over from an earlier runtime", "pid", s.PID)
	return p, nil
}

// misfit is why a process cannot be gone on with, or empty.
func (s *saved) misfit(c *Config, options []byte, loops int) string {
	switch {
	case s.Protocol != protocol:
		return fmt.Sprintf("it speaks version %d of the plugin protocol, this pushcore speaks %d", s.Protocol, protocol)
	case s.Fingerprint != c.fingerprint(options):
		return "its configuration has changed"
	case s.Loops != loops:
		return fmt.Sprintf("it serves %d loops, this node has %d", s.Loops, loops)
	case checkAddress(s.Dir, s.Network, s.Address) != nil:
		return "its address is not in its directory"
	}
	return ""
}

// attached is go-plugin's runner of a process that an earlier runtime has started.
type attached struct {
	child  *child
	saved  *saved
	client *plugin.Client // nil until meet
}

var _ runner.AttachedRunner = (*attached)(nil)

// follow notices the end of the process at once.
func (a *attached) follow() {
	s := a.saved
	a.child.started(s.PID)
	a.child.verify(func() bool { return identity(s.PID) == s.Identity })
	wait := watchEnd(s.PID)
	go func() {
		wait()
		if now := identity(s.PID); now == "" || now == s.Identity {
			a.child.killRest()
		}
		a.child.end(reapIfChild(s.PID))
	}()
}

// giveUp ends a process that cannot be gone on with.
func (a *attached) giveUp(log *slog.Logger, path, reason string) {
	log.Warn("the plugin's process cannot be taken over and is ended", "pid", a.saved.PID, "why", reason)
	a.child.kill(reason)
	<-a.child.ended
	if a.client != nil {
		a.client.Kill()
	}
	a.saved.forget(path)
}

// meet connects and asks the plugin what it is.
func (a *attached) meet(ctx context.Context, cfg *Config, path string) (*Process, error) {
	ctx, cancel := context.WithTimeout(ctx, cfg.startTimeout())
	defer cancel()
	late := context.AfterFunc(ctx, func() { a.child.kill("it did not answer") })
	defer late()
	var address net.Addr = savedAddress{a.saved.Network, a.saved.Address}
	a.client = plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: handshakeConfig, Plugins: plugin.PluginSet{controlName: controlPlugin{}},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, Logger: hclog.NewNullLogger(), GRPCDialOptions: dialOptions(),
		Reattach: &plugin.ReattachConfig{
			Protocol: plugin.ProtocolGRPC, ProtocolVersion: protocol, Addr: address, Pid: a.saved.PID,
			ReattachFunc: func() (runner.AttachedRunner, error) { return a, nil },
		},
	})
	conn, err := connect(a.client)
	if err != nil {
		return nil, err
	}
	control := pluginpb.NewPluginClient(conn)
	info, err := askInfo(ctx, cfg, control)
	if err != nil {
		return nil, err
	}
	p := &Process{
		cfg: *cfg, info: info, dir: a.saved.Dir, child: a.child, client: a.client, conn: conn, control: control,
		address: address, identity: a.saved.Identity, fingerprint: a.saved.Fingerprint, savedAt: path,
	}
	return p, p.begin(0)
}

// savedAddress is a control address that was written down.
type savedAddress struct{ network, address string }

// Network implements net.Addr.
func (a savedAddress) Network() string { return a.network }

// String implements net.Addr.
func (a savedAddress) String() string { return a.address }

// Wait implements runner.AttachedRunner, as the following do.
func (a *attached) Wait(context.Context) error {
	<-a.child.ended
	return nil
}

// Kill kills the process.
func (a *attached) Kill(context.Context) error {
	a.child.kill("it is of no use any more")
	return nil
}

// ID is the process id.
func (a *attached) ID() string { return strconv.Itoa(a.saved.PID) }

// PluginToHost changes nothing.
func (a *attached) PluginToHost(network, address string) (string, string, error) {
	return network, address, nil
}

// HostToPlugin changes nothing.
func (a *attached) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}

// pollEvery is how often the end of a process is looked for where the system does
// not tell.
const pollEvery = 100 * time.Millisecond

// pollEnd returns when the process has ended.
func pollEnd(pid int) {
	was := identity(pid)
	look := time.NewTicker(pollEvery)
	defer look.Stop()
	for was != "" && identity(pid) == was {
		<-look.C
	}
}
