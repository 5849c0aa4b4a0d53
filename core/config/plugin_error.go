package config

import (
	"github.com/pushcore/pushcore/core/config/internal/tree"
	"github.com/pushcore/pushcore/sdk"
)

// PluginErrors gives the faults that an instance found in its options the places
// where those were written. It is nil if there are none.
func (c *Config) PluginErrors(instance string, faults []sdk.OptionError) error {
	at := c.checks()
	options := c.root.Get("plugins").Get(instance).Get("config")
	for _, fault := range faults {
		here := at.key("plugins").key(instance).key("config")
		here.path = tree.FromPointer(options, here.path, fault.Pointer)
		at.faults.Add(here.position(), here.path, fault.Message)
	}
	return at.faults.Sorted()
}
