package config

import (
	"slices"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/nearest"
)

// checkRoutes reports routes to instances that do not exist.
func (c *Config) checkRoutes(at place) {
	for _, route := range c.routes() {
		if route.instance == "" || route.instance == Source || c.Plugin(route.instance) != nil {
			continue
		}
		here := at.key(route.key)
		if near := nearest.Name(route.instance, append(c.pluginNames(), Source)); near != "" {
			here.fail("no instance is called %q (did you mean %s?)", route.instance, near)
		} else {
			here.fail("no instance is called %q: there are %s", route.instance, listWords(c.pluginNames()))
		}
	}
}

type route struct {
	key      string
	output   sdk.Output
	instance string
}

func (c *Config) routes() []route {
	return []route{
		{"uplink", sdk.OutputUplink, c.Routes.Uplink},
		{"events", sdk.OutputEvents, c.Routes.Events},
		{"fates", sdk.OutputFates, c.Routes.Fates},
		{"receipt", sdk.OutputReceipt, c.Routes.Receipt},
		{"dead_letter", sdk.OutputDeadLetter, c.Routes.DeadLetter},
	}
}

// CheckOutputs checks the routes against what the instances can publish to
// (sdk.Setup.Outputs of each, by its name) and gives the one that takes the
// uplink, "" if none does.
func (c *Config) CheckOutputs(outputs map[string][]sdk.Output) (uplink string, err error) {
	at := c.checks()
	for _, r := range c.routes() {
		if r.instance != "" && r.instance != Source && !slices.Contains(outputs[r.instance], r.output) {
			at.key("routes").key(r.key).fail("%s has no `%s` in its config to take it", r.instance, r.output)
		}
	}
	uplink = c.Routes.Uplink
	if uplink == "" {
		uplink = c.onlyUplink(at, outputs)
	}
	return uplink, at.faults.Sorted()
}

// onlyUplink is the one instance that can take the uplink; two are a fault.
func (c *Config) onlyUplink(at place, outputs map[string][]sdk.Output) string {
	only := ""
	for _, name := range c.pluginNames() {
		switch {
		case !slices.Contains(outputs[name], sdk.OutputUplink):
		case only == "":
			only = name
		default:
			second := at.key("plugins").key(name).key("config").key("uplink")
			second.fail("%s and %s can both take what devices send: say which with routes.uplink", only, name)
		}
	}
	return only
}
