package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pushcore/pushcore/core/host/process"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/pluginrpc"
	"github.com/pushcore/pushcore/sdk/plugintest"
)

// subject is the plugin to be tried.
type subject struct {
	name string // of a built-in one
	kind sdk.Kind

	// In the kit's own process; nil: it is not tried there.
	newTransport func() sdk.Transport
	newMQ        func() sdk.MQ

	// In processes of their own; nil: the kit's own.
	transports []plugintest.TransportPlacement
	mqs        []plugintest.MQPlacement
}

// findSubject finds the plugin that a command line names, and how it is to be
// reached.
func findSubject(ctx context.Context, plugin []string, placement string, log *slog.Logger) (*subject, error) {
	s := &subject{kind: sdk.KindTransport}
	if len(plugin) == 1 {
		s.newTransport, s.newMQ = builtIn.Transports[plugin[0]], builtIn.MQs[plugin[0]]
	}
	if s.newMQ != nil {
		s.kind = sdk.KindMQ
	}
	isBuiltIn := s.newTransport != nil || s.newMQ != nil
	if isBuiltIn {
		s.name = plugin[0]
	}
	if placement == "" {
		placement = map[bool]string{true: "core", false: "process"}[isBuiltIn]
	}
	switch {
	case placement != "core" && placement != "process" && placement != "portable":
		return nil, usage(fmt.Errorf("--placement %q is not core, process or portable", placement))
	case placement == "core" && !isBuiltIn:
		return nil, usage(errors.New("--placement core is for built-in plugins: others run in processes of their own"))
	case placement == "core":
		return s, nil
	}
	return s, s.outside(ctx, plugin, placement, log)
}

// outside has the plugin run in processes of its own, over the carrier that the
// placement stands for.
func (s *subject) outside(ctx context.Context, command []string, placement string, log *slog.Logger) error {
	c := process.Config{Instance: "tried", Command: command, Runtime: version, Log: log, Env: map[string]string{}}
	if placement == "portable" {
		c.Env[pluginrpc.CarrierKey] = pluginrpc.CarrierPortable
	}
	if s.name == "" {
		p, err := process.Start(ctx, c)
		if err != nil {
			return withExit(exitPlugin, err)
		}
		s.kind = p.Info().Kind
		if err := p.Close(time.Now().Add(inspectClose)); err != nil {
			return withExit(exitPlugin, err)
		}
	} else {
		var err error
		if c.Command, err = process.BuiltIn(s.name); err != nil {
			return err
		}
	}
	made := &begun{}
	if s.kind == sdk.KindMQ {
		s.mqs = []plugintest.MQPlacement{{Name: placement, Done: made.discard, New: func() sdk.MQ {
			return add(made, process.NewAloneMQ(c))
		}}}
		return nil
	}
	s.transports = []plugintest.TransportPlacement{{Name: placement, Done: made.discard, New: func() sdk.Transport {
		return add(made, process.NewAloneTransport(c))
	}}}
	return nil
}

// begun are the processes of one trial.
type begun struct{ list []discarder }

type discarder interface{ Discard() error }

// add notes a plugin whose process is to be ended after the trial.
func add[P discarder](b *begun, p P) P {
	b.list = append(b.list, p)
	return p
}

// discard ends what is left and says what went wrong with any of them.
func (b *begun) discard() error {
	var err error
	for _, p := range b.list {
		err = errors.Join(err, p.Discard())
	}
	b.list = nil
	return err
}
