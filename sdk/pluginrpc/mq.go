package pluginrpc

import (
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// MQ is an MQ plugin behind its records: what the runtime calls reaches the
// plugin on another goroutine, and so does what the plugin calls.
type MQ struct {
	plugin sdk.MQ
	*mqLink
	there *broker
}

var _ sdk.MQ = (*MQ)(nil)

// NewMQ puts an MQ plugin behind its records.
func NewMQ(plugin sdk.MQ) *MQ { return &MQ{plugin: plugin} }

// Info implements sdk.Plugin.
func (m *MQ) Info() sdk.Info { return info(m.plugin) }

// Configure implements sdk.Plugin.
func (m *MQ) Configure(options []byte) (sdk.Setup, []sdk.OptionError) {
	return configure(m.plugin, options)
}

// Open implements sdk.MQ.
func (m *MQ) Open(h sdk.MQHost) error {
	m.there = newBroker(m.plugin, h.Log())
	m.mqLink = newMQLink(h)
	m.up = &stream{wake: m.arrived}
	m.down = &stream{wake: m.there.arrived}
	m.there.up, m.there.down = m.up, m.down
	go m.run()
	go m.there.run()
	a := call(func() opened { return opened{Error: text(m.plugin.Open(m.there))} })
	if a.Error != "" {
		m.stop()
	}
	return crossed(a.Error)
}

// Close implements sdk.Plugin. What the plugin reported last is with the host
// when it returns.
func (m *MQ) Close(deadline time.Time) error {
	m.there.settle()
	err := closePlugin(m.plugin, deadline)
	m.stop()
	return err
}

// stop ends the goroutines of both sides and waits for them.
func (m *MQ) stop() {
	m.up.close()
	m.mqLink.stop()
	m.there.stop()
}
