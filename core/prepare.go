package core

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/pushcore/pushcore/core/config"
	"github.com/pushcore/pushcore/core/host/process"
	"github.com/pushcore/pushcore/sdk"
)

// Prepared is a configuration whose plugins have accepted their options. Nothing
// is open yet, but processes of third parties' plugins are up: Discard ends them.
type Prepared struct {
	cfg        *config.Config
	options    PrepareOptions
	skipped    []string // instances that were not looked at
	transports []transportInstance
	mqs        []mqInstance
	listeners  []config.Listener
	uplink     string // instance that takes the uplink, or empty
}

// transportInstance is a transport in the core, or one process of a transport.
type transportInstance struct {
	name    string
	plugin  sdk.Transport   // in the core
	process *process.Plugin // in a process of its own
	parts   int             // processes that share the instance's bounds
	setup   sdk.Setup
}

type mqInstance struct {
	name   string
	plugin sdk.MQ
	setup  sdk.Setup
}

// PrepareOptions says how a configuration is prepared.
type PrepareOptions struct {
	Insecure bool   // accept listeners beyond loopback that are open to everybody
	NoExec   bool   // start no third parties' executables: what they would say stays unknown
	Version  string // of this program, for the plugins' logs
	// Preflight says why the program's file, as it is now, cannot take this node's
	// place; nil: the node is not upgraded.
	Preflight func(context.Context) error
	Estate    *Estate // of the program before, in this process; or nil
	Log       *slog.Logger
}

// Prepare makes and configures the plugins that a configuration names, and checks
// what only they can tell: outputs, routes, and that no listener beyond loopback
// is open to everybody, unless that is what is asked for. The error lists all
// faults with their places.
func Prepare(cfg *config.Config, plugins Registry, o PrepareOptions) (*Prepared, error) {
	if err := cfg.CheckUse(plugins.Names()); err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	p := &Prepared{cfg: cfg, options: o}
	var errs []error
	for i := range cfg.Plugins {
		errs = append(errs, p.configure(&cfg.Plugins[i], plugins))
	}
	err := errors.Join(errs...)
	if err == nil {
		err = p.check()
	}
	if err != nil {
		p.Discard()
		return nil, err
	}
	return p, nil
}

func (p *Prepared) check() error {
	outputs := map[string][]sdk.Output{}
	for _, m := range p.mqs {
		outputs[m.name] = m.setup.Outputs
	}
	listen := map[string][]string{}
	for _, t := range p.transports {
		listen[t.name] = t.setup.Listen
	}
	p.listeners = p.cfg.Listeners(listen)
	if len(p.skipped) > 0 {
		return errors.Join(p.cfg.CheckExposure(p.listeners, p.options.Insecure), p.checkInputs()) // They may have outputs.
	}
	uplink, err := p.cfg.CheckOutputs(outputs)
	p.uplink = uplink
	return errors.Join(err, p.cfg.CheckExposure(p.listeners, p.options.Insecure), p.checkInputs())
}

// checkInputs reads the options that admission gives a meaning to.
func (p *Prepared) checkInputs() error {
	var errs []error
	for _, m := range p.mqs {
		if m.setup.Input == nil {
			continue
		}
		if _, err := inputPolicy(p.cfg, m.name, m.setup.Input); err != nil {
			errs = append(errs, p.cfg.PluginErrors(m.name, []sdk.OptionError{{Pointer: "/input", Message: err.Error()}}))
		}
	}
	return errors.Join(errs...)
}

// exposed says whether an instance listens beyond loopback.
func (p *Prepared) exposed(instance string) bool {
	return slices.ContainsFunc(p.listeners, func(l config.Listener) bool { return l.Name == instance && !l.Loopback() })
}

// Open says whether devices need not prove who they are.
func (p *Prepared) Open() bool { return p.cfg.Auth.Open() }

// Describe says in a line for each what is open to whom, for the start and `check`.
func (p *Prepared) Describe() []string {
	var lines []string
	if p.cfg.Auth.Open() {
		lines = append(lines, "devices need not prove who they are (auth is none)")
	}
	if len(p.cfg.HTTP.Keys) == 0 {
		lines = append(lines, fmt.Sprintf("whoever reaches http (%s) may push and control: no keys are configured", p.cfg.HTTP.Listen))
	}
	for _, name := range p.skipped {
		lines = append(lines, fmt.Sprintf("plugins.%s was not started: its options, and routes to it, are not checked", name))
	}
	lines = append(lines, describeStore(p.cfg))
	if p.cfg.Delivery.Settle == "memory" {
		lines = append(lines, "records are settled on acceptance (delivery.settle: memory): a crash loses what is open")
	}
	return lines
}
