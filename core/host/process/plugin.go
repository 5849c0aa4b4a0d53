package process

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pushcore/pushcore/sdk"
)

// Plugin is a configured plugin that runs in a process of its own. It becomes an
// [Instance] or an [MQ] when it is opened. One goroutine uses it at a time.
type Plugin struct {
	cfg     Config
	options []byte
	proc    *Process // up and configured; nil: it is started when it is opened
}

// Later is a plugin whose options are known to be good, of this same program: its
// process starts when it is opened.
func Later(cfg Config, options []byte) *Plugin { return &Plugin{cfg: cfg, options: options} }

// Prepare starts a plugin's process and gives it its options. With faults in
// these there is no plugin.
func Prepare(ctx context.Context, cfg Config, options []byte) (*Plugin, sdk.Info, sdk.Setup, []sdk.OptionError, error) {
	proc, err := Start(ctx, cfg)
	if err != nil {
		return nil, sdk.Info{}, sdk.Setup{}, nil, err
	}
	setup, faults, err := proc.Configure(ctx, options)
	if err != nil || len(faults) > 0 {
		proc.Kill("it was only to be configured")
		return nil, proc.Info(), setup, faults, err
	}
	return &Plugin{cfg: cfg, options: options, proc: proc}, proc.Info(), setup, nil, nil
}

// Discard ends the process of a plugin that is not opened.
func (p *Plugin) Discard() {
	if p.proc != nil {
		p.proc.Kill("it was only to be configured")
		p.proc = nil
	}
}

// kept returns the process that an earlier runtime has left behind, attached to by
// nobody yet, or nil.
func (p *Plugin) kept(ctx context.Context, loops int) *Process {
	proc, err := Reattach(ctx, p.cfg, p.options, loops)
	if err != nil {
		return nil // ErrNone; why is logged.
	}
	return proc
}

// up returns a process that is up and configured, the one of Prepare the first
// time.
func (p *Plugin) up(ctx context.Context) (*Process, error) {
	if proc := p.proc; proc != nil {
		p.proc = nil
		return proc, nil
	}
	proc, err := Start(ctx, p.cfg)
	if err != nil {
		return nil, err
	}
	_, faults, err := proc.Configure(ctx, p.options)
	if err == nil && len(faults) > 0 {
		err = faultsError(faults)
	}
	if err != nil {
		proc.Kill("it could not be configured")
		return nil, err
	}
	return proc, nil
}

func faultsError(faults []sdk.OptionError) error {
	var lines []string
	for _, f := range faults {
		lines = append(lines, fmt.Sprintf("%s: %s", f.Pointer, f.Message))
	}
	return errors.New("the plugin does not take options that it took before: " + strings.Join(lines, "; "))
}
