package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/plugintest"
	"github.com/pushcore/pushcore/sdk/plugintest/driver"
)

// trySuite is what is to be tried, and what has to be ended after it.
type trySuite struct {
	trials []plugintest.Trial
	driver *driver.Process // nil: a built-in one
}

func (s *trySuite) close() {
	if s.driver != nil {
		s.driver.Close()
	}
}

// newTrySuite finds the plugin, and starts the driver.
func (o *tryOptions) newTrySuite(ctx context.Context, plugin []string, log *slog.Logger) (*trySuite, error) {
	subject, err := findSubject(ctx, plugin, o.placement, log)
	if err != nil {
		return nil, err
	}
	s := &trySuite{}
	if o.driver != "" {
		if s.driver, err = driver.Start([]string{"/bin/sh", "-c", o.driver}, o.patience); err != nil {
			return nil, withExit(exitPlugin, fmt.Errorf("--driver: %w", err))
		}
	}
	if subject.kind == sdk.KindMQ {
		err = o.addMQ(s, subject)
	} else {
		err = o.addTransport(s, subject)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (o *tryOptions) addTransport(s *trySuite, subject *subject) error {
	options, err := o.optionsJSON(`{"listen":"127.0.0.1:0"}`)
	if err != nil {
		return err
	}
	suite := plugintest.TransportSuite{
		New: subject.newTransport, Portable: true, Options: options, Placements: subject.transports, TraceDir: o.trace, Seed: o.seed, Patience: o.patience,
	}
	switch own := builtInDrivers[subject.name]; {
	case s.driver != nil:
		suite.Driver, suite.Lacks = s.driver, s.driver.Lacks()
	case own != nil:
		suite.Driver = own()
	default:
		return usage(errors.New("--driver is needed: the kit does not speak the plugin's protocol, see docs/plugin-driver.md"))
	}
	s.trials = plugintest.TransportTrials(suite)
	return nil
}

func (o *tryOptions) addMQ(s *trySuite, subject *subject) error {
	options, err := o.optionsJSON("{}")
	if err != nil {
		return err
	}
	if s.driver == nil {
		return usage(errors.New("--driver is needed: it makes places in the broker for the trials, see docs/plugin-driver.md"))
	}
	s.trials = plugintest.MQTrials(plugintest.MQSuite{
		New: subject.newMQ, Placements: subject.mqs, TraceDir: o.trace, Patience: o.patience,
		Broker: func() (plugintest.Broker, error) { return s.driver.Broker(options) },
		Driver: s.driver, Lacks: s.driver.Lacks(), Contiguous: s.driver.Contiguous(),
	})
	return nil
}
