package main

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/pushcore/pushcore/core/config"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/nearest"
)

// letterBox is an instance whose dead letters can be read and whose input can be
// written to, with the options that a node gives it.
type letterBox struct {
	name  string
	box   sdk.LetterBox
	input *sdk.InputOptions     // nil: it takes nothing in
	all   map[string]*letterBox // the configuration's, by name: where letters came from
}

// openBoxes configures the instances of a configuration and returns those to read:
// one for each place that letters are kept in, for instances may share one.
func openBoxes(o *deadOptions) ([]*letterBox, error) {
	if o.file == "" {
		return nil, usage(errors.New("-c FILE is needed: it says where the letters are"))
	}
	c, err := loadConfig(o.file)
	if err != nil {
		return nil, err
	}
	inOrder, err := configureBoxes(c)
	if err != nil {
		return nil, withExit(exitConfig, err)
	}
	wanted, err := placesOf(inOrder, o.plugin)
	if err != nil {
		return nil, err
	}
	var boxes []*letterBox
	for _, b := range inOrder {
		if i := slices.Index(wanted, b.box.LetterPlace()); i >= 0 {
			wanted = slices.Delete(wanted, i, i+1)
			boxes = append(boxes, b)
		}
	}
	return boxes, nil
}

// configureBoxes configures what can keep letters, in the configuration's order.
func configureBoxes(c *config.Config) ([]*letterBox, error) {
	if err := c.CheckUse(builtIn.Names()); err != nil {
		return nil, err
	}
	var boxes []*letterBox
	var errs []error
	all := make(map[string]*letterBox)
	for i := range c.Plugins {
		p := &c.Plugins[i]
		newMQ := builtIn.MQs[p.Use]
		if newMQ == nil {
			continue
		}
		mq := newMQ()
		setup, faults := mq.Configure(p.Options)
		errs = append(errs, c.PluginErrors(p.Name, faults))
		if box, ok := mq.(sdk.LetterBox); ok && len(faults) == 0 {
			all[p.Name] = &letterBox{name: p.Name, box: box, input: setup.Input, all: all}
			boxes = append(boxes, all[p.Name])
		}
	}
	return boxes, errors.Join(errs...)
}

// placesOf are the places of all instances, or of the one that is named.
func placesOf(boxes []*letterBox, only string) ([]string, error) {
	var places, names []string
	for _, b := range boxes {
		names = append(names, b.name)
		if place := b.box.LetterPlace(); place != "" && (only == "" || only == b.name) && !slices.Contains(places, place) {
			places = append(places, place)
		}
	}
	switch {
	case len(places) > 0:
		return places, nil
	case only == "":
		return nil, withExit(exitConfig, errors.New("no instance has a dead_letter: there are no letters to read"))
	case slices.Contains(names, only):
		return nil, withExit(exitConfig, fmt.Errorf("instance %s has no dead_letter: see routes.dead_letter for who takes its letters", only))
	case nearest.Name(only, names) != "":
		return nil, usage(fmt.Errorf("--plugin: no instance that can keep letters is called %q (did you mean %s?)", only, nearest.Name(only, names)))
	}
	return nil, usage(fmt.Errorf("--plugin: no instance that can keep letters is called %q: there are %s", only, orDash(strings.Join(names, ", "))))
}

// brokerError tells a broker that is away from one that refuses.
func brokerError(instance string, err error) error {
	if err == nil {
		return nil
	}
	var network net.Error
	var chosen *exitError
	named := fmt.Errorf("%s: %w", instance, err)
	switch {
	case errors.As(err, &chosen):
		return named
	case errors.As(err, &network) && !network.Timeout():
		return withExit(exitUnreachable, named)
	}
	return named
}
