package pluginrpc

import (
	"errors"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// Transport is a transport behind its records: the runtime calls it on its loops
// as any other, and the plugin runs on loops of its own, one for each of the
// runtime's, with a poller of its own.
type Transport struct {
	plugin sdk.Transport
	host   sdk.Host
	links  []*innerLink // by loop
	open   func(h sdk.Host, l sdk.Loop, there *Loops) (*innerLink, error)
	there  *Loops
}

var _ sdk.Transport = (*Transport)(nil)

// NewTransport puts a transport behind its records, which go by memory.
func NewTransport(plugin sdk.Transport) *Transport {
	return &Transport{plugin: plugin, open: newStreamLink}
}

// NewPipedTransport puts a transport behind its records, which go through pipes:
// as over the portable carrier.
func NewPipedTransport(plugin sdk.Transport) *Transport {
	return &Transport{plugin: plugin, open: newPipedLink}
}

// Info implements sdk.Plugin.
func (t *Transport) Info() sdk.Info { return info(t.plugin) }

// Configure implements sdk.Plugin.
func (t *Transport) Configure(options []byte) (sdk.Setup, []sdk.OptionError) {
	return configure(t.plugin, options)
}

// Open implements sdk.Transport.
func (t *Transport) Open(h sdk.Host) ([]sdk.Endpoint, error) {
	t.host = h
	there, err := NewLoops(t.plugin, LoopsConfig{Loops: h.Loops(), Log: h.Log()})
	if err != nil {
		return nil, err
	}
	t.there = there
	for l := range sdk.Loop(h.Loops()) {
		k, err := t.open(h, l, there)
		if err != nil {
			there.Stop()
			return nil, err
		}
		t.links = append(t.links, k)
	}
	a := call(func() (a opened) {
		endpoints, err := there.Open()
		a.Endpoints, a.Error = endpoints, text(err)
		return a
	})
	if a.Error != "" {
		there.Stop()
		return nil, errors.New(a.Error)
	}
	return a.Endpoints, nil
}

// Deliver implements sdk.Transport.
func (t *Transport) Deliver(l sdk.Loop, b *sdk.Batch) { t.links[l].Deliver(b) }

// Command implements sdk.Transport.
func (t *Transport) Command(l sdk.Loop, c []sdk.Command) { t.links[l].Command(c) }

// Flush implements sdk.Transport.
func (t *Transport) Flush(l sdk.Loop) { t.links[l].Flush() }

// Close implements sdk.Plugin. What the plugin emitted last is with the host when
// it returns, unless the host's loops do not run.
func (t *Transport) Close(deadline time.Time) error {
	a := call(func() closed { return closed{text(t.there.Close(deadline))} })
	t.there.Stop()
	for _, k := range t.links {
		k.settle(deadline)
	}
	return crossed(a.Error)
}
