package pluginrpc

import (
	"errors"
	"fmt"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// Transport is a transport behind its records: the runtime calls it on its loops
// as any other, and the plugin runs on loops of its own, one for each of the
// runtime's, with a poller of its own.
type Transport struct {
	plugin sdk.Transport
	host   sdk.Host
	links  []*link // by loop
}

var _ sdk.Transport = (*Transport)(nil)

// NewTransport puts a transport behind its records.
func NewTransport(plugin sdk.Transport) *Transport { return &Transport{plugin: plugin} }

// Info implements sdk.Plugin.
func (t *Transport) Info() sdk.Info { return info(t.plugin) }

// Configure implements sdk.Plugin.
func (t *Transport) Configure(options []byte) (sdk.Setup, []sdk.OptionError) {
	return configure(t.plugin, options)
}

// Open implements sdk.Transport.
func (t *Transport) Open(h sdk.Host) ([]sdk.Endpoint, error) {
	t.host = h
	there := &transportHost{log: h.Log()}
	for l := range sdk.Loop(h.Loops()) {
		k := newLink(h, l)
		s, err := newLoop(t.plugin, l, k, h.Log())
		if err != nil {
			t.stop()
			return nil, fmt.Errorf("open loop %d of the plugin: %w", l, err)
		}
		k.there = s
		t.links = append(t.links, k)
		there.loops = append(there.loops, s)
		go s.run()
	}
	a := call(func() (a opened) {
		endpoints, err := t.plugin.Open(there)
		a.Endpoints, a.Error = endpoints, text(err)
		return a
	})
	if a.Error != "" {
		t.stop()
		return nil, errors.New(a.Error)
	}
	for _, k := range t.links {
		k.there.engage(true)
	}
	return a.Endpoints, nil
}

// Deliver implements sdk.Transport.
func (t *Transport) Deliver(l sdk.Loop, b *sdk.Batch) { t.links[l].deliver(b) }

// Command implements sdk.Transport.
func (t *Transport) Command(l sdk.Loop, c []sdk.Command) { t.links[l].command(c) }

// Flush implements sdk.Transport.
func (t *Transport) Flush(l sdk.Loop) { t.links[l].flush() }

// Close implements sdk.Plugin. What the plugin emitted last is with the host when
// it returns, unless the host's loops do not run.
func (t *Transport) Close(deadline time.Time) error {
	for _, k := range t.links {
		k.there.engage(false)
	}
	err := closePlugin(t.plugin, deadline)
	t.stop()
	for _, k := range t.links {
		k.settle(deadline)
	}
	return err
}

// stop ends the loops of the plugin's side and waits for them.
func (t *Transport) stop() {
	for _, k := range t.links {
		k.there.stop()
	}
}
