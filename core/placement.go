package core

import (
	"context"
	"fmt"
	"strings"

	"github.com/pushcore/pushcore/core/config"
	"github.com/pushcore/pushcore/core/host/process"
	"github.com/pushcore/pushcore/sdk"
)

// configure makes the plugin of an instance where it is to run, and has it check
// its options.
func (p *Prepared) configure(in *config.Plugin, plugins Registry) error {
	options := []byte(in.Options)
	if len(options) == 0 {
		options = []byte("{}")
	}
	switch {
	case len(in.Command) > 0 && p.options.NoExec:
		p.skipped = append(p.skipped, in.Name)
		return nil
	case len(in.Command) > 0:
		return p.configureCommand(in, options)
	case plugins.Transports[in.Use] != nil:
		return p.configureTransport(in, plugins.Transports[in.Use](), options)
	default:
		return p.configureMQ(in, plugins.MQs[in.Use](), options)
	}
}

// configureTransport prepares a built-in one. Where it is to run in a process of
// its own, that starts when it is opened; its options are checked here.
func (p *Prepared) configureTransport(in *config.Plugin, t sdk.Transport, options []byte) error {
	setup, faults := t.Configure(options)
	if err := p.cfg.PluginErrors(in.Name, faults); err != nil {
		return err
	}
	if in.Placement != config.PlacementProcess {
		p.transports = append(p.transports, transportInstance{name: in.Name, plugin: t, parts: 1, setup: setup})
		return nil
	}
	c, err := p.builtInProcess(in)
	if err != nil {
		return err
	}
	return p.addProcesses(in, setup, func(part int) *process.Plugin { return process.Later(c.ForPart(part), options) })
}

// addProcesses adds the processes of an instance, which share its addresses: the
// system cannot choose a port for all of them.
func (p *Prepared) addProcesses(in *config.Plugin, setup sdk.Setup, next func(part int) *process.Plugin) error {
	for _, address := range setup.Listen {
		if in.Processes > 1 && strings.HasSuffix(address, ":0") {
			return fmt.Errorf("%s: plugins.%s.processes: several processes cannot share %s: give it a port", p.cfg.Pos("plugins."+in.Name+".processes"), in.Name, address)
		}
	}
	for part := range in.Processes {
		p.transports = append(p.transports, transportInstance{name: in.Name, process: next(part), parts: in.Processes, setup: setup})
	}
	return nil
}

// checkMQ refuses what an MQ plugin cannot: its sources are one process's.
func (p *Prepared) checkMQ(in *config.Plugin) error {
	if in.Processes > 1 {
		return fmt.Errorf("%s: plugins.%s.processes: an MQ plugin has one process", p.cfg.Pos("plugins."+in.Name+".processes"), in.Name)
	}
	return nil
}

func (p *Prepared) configureMQ(in *config.Plugin, m sdk.MQ, options []byte) error {
	if err := p.checkMQ(in); err != nil {
		return err
	}
	setup, faults := m.Configure(options)
	if err := p.cfg.PluginErrors(in.Name, faults); err != nil {
		return err
	}
	if in.Placement == config.PlacementProcess {
		c, err := p.builtInProcess(in)
		if err != nil {
			return err
		}
		m = process.NewMQ(process.Later(c, options), m.Info(), setup, c.Log)
	}
	p.mqs = append(p.mqs, mqInstance{in.Name, m, setup})
	return nil
}

// configureCommand starts a third party's plugin as far as Configure.
func (p *Prepared) configureCommand(in *config.Plugin, options []byte) error {
	c := p.processConfig(in, in.Command)
	plugin, info, setup, faults, err := process.Prepare(context.Background(), c, options)
	if err != nil {
		return fmt.Errorf("%s: %w", p.cfg.Pos("plugins."+in.Name+".command"), err)
	}
	if err := p.cfg.PluginErrors(in.Name, faults); err != nil {
		return err
	}
	if info.Kind == sdk.KindMQ {
		p.mqs = append(p.mqs, mqInstance{in.Name, process.NewMQ(plugin, info, setup, c.Log), setup})
		return p.checkMQ(in)
	}
	err = p.addProcesses(in, setup, func(part int) *process.Plugin {
		if part == 0 {
			return plugin
		}
		return process.Later(c.ForPart(part), options)
	})
	if err != nil {
		plugin.Discard()
	}
	return err
}

func (p *Prepared) builtInProcess(in *config.Plugin) (process.Config, error) {
	command, err := process.BuiltIn(in.Use)
	c := p.processConfig(in, command)
	c.BuiltIn = in.Use
	return c, err
}

func (p *Prepared) processConfig(in *config.Plugin, command []string) process.Config {
	return process.Config{
		Instance: in.Name, Command: command, SHA256: in.SHA256, Env: in.Env, MemoryMax: int64(in.Limits.Memory),
		Shared: in.Processes > 1, DataDir: p.dataDir(), Runtime: p.options.Version, Log: p.options.Log.With("plugin", in.Name),
	}
}

// dataDir is where a later run finds the plugins' processes; a node that keeps
// nothing on disk has none.
func (p *Prepared) dataDir() string {
	if p.cfg.Store.Kind != config.StoreDisk {
		return ""
	}
	return p.cfg.Store.Path
}

// Discard ends what Prepare has started, if nothing of it is to be opened.
func (p *Prepared) Discard() {
	for i := range p.transports {
		if t := p.transports[i].process; t != nil {
			t.Discard()
		}
	}
	for i := range p.mqs {
		if m, ok := p.mqs[i].plugin.(*process.MQ); ok {
			m.Discard()
		}
	}
}
