package core

import (
	"slices"

	"github.com/pushcore/pushcore/sdk"
)

// Registry lists the plugins that are built in, by the name that `use` gives.
type Registry struct {
	Transports map[string]func() sdk.Transport
	MQs        map[string]func() sdk.MQ
}

// Names are all names, sorted.
func (r Registry) Names() []string {
	var names []string
	for name := range r.Transports {
		names = append(names, name)
	}
	for name := range r.MQs {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
