package core

import (
	"errors"
	"fmt"
	"slices"

	"github.com/pushcore/pushcore/core/config"
	"github.com/pushcore/pushcore/sdk"
)

// Prepared is a configuration whose plugins have accepted their options. Nothing
// is open yet.
type Prepared struct {
	cfg        *config.Config
	insecure   bool
	transports []transportInstance
	mqs        []mqInstance
	listeners  []config.Listener
	uplink     string // instance that takes the uplink, or empty
}

type transportInstance struct {
	name   string
	plugin sdk.Transport
	setup  sdk.Setup
}

type mqInstance struct {
	name   string
	plugin sdk.MQ
	setup  sdk.Setup
}

// Prepare makes and configures the plugins that a configuration names, and checks
// what only they can tell: outputs, routes, and that no listener beyond loopback
// is open to everybody, unless that is what insecure asks for. The error lists all
// faults with their places.
func Prepare(cfg *config.Config, plugins Registry, insecure bool) (*Prepared, error) {
	if err := cfg.CheckUse(plugins.Names()); err != nil {
		return nil, err
	}
	p := &Prepared{cfg: cfg, insecure: insecure}
	var errs []error
	for i := range cfg.Plugins {
		errs = append(errs, p.configure(&cfg.Plugins[i], plugins))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return p, p.check()
}

func (p *Prepared) configure(in *config.Plugin, plugins Registry) error {
	var setup sdk.Setup
	var faults []sdk.OptionError
	options := []byte(in.Options)
	if len(options) == 0 {
		options = []byte("{}")
	}
	if in.Placement == config.PlacementProcess {
		return fmt.Errorf("plugins.%s: plugins in processes of their own are not in this version", in.Name)
	}
	if newTransport := plugins.Transports[in.Use]; newTransport != nil {
		t := newTransport()
		setup, faults = t.Configure(options)
		p.transports = append(p.transports, transportInstance{in.Name, t, setup})
	} else {
		m := plugins.MQs[in.Use]()
		setup, faults = m.Configure(options)
		p.mqs = append(p.mqs, mqInstance{in.Name, m, setup})
	}
	return p.cfg.PluginErrors(in.Name, faults)
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
	uplink, err := p.cfg.CheckOutputs(outputs)
	p.uplink = uplink
	return errors.Join(err, p.cfg.CheckExposure(p.listeners, p.insecure), p.checkInputs())
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
	lines = append(lines, describeStore(p.cfg))
	if p.cfg.Delivery.Settle == "memory" {
		lines = append(lines, "records are settled on acceptance (delivery.settle: memory): a crash loses what is open")
	}
	return lines
}
