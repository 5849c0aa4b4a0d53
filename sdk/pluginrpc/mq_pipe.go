package pluginrpc

import (
	"log/slog"
	"sync"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// MQLink is the runtime's end of the link to an MQ plugin in another process.
// Settle, Publish, Pause and Resume are those of sdk.MQ.
type MQLink struct {
	*mqLink
	pump *pump
}

// NewMQLink begins a link over a pipe. ended is told once, on a goroutine of the
// link, why nothing follows.
func NewMQLink(token []byte, p Pipe, h sdk.MQHost, ended func(error)) *MQLink {
	k := &MQLink{mqLink: newMQLink(h)}
	var once sync.Once
	end := func(err error) { once.Do(func() { ended(err) }) }
	k.broken = func(err error) {
		end(err)
		k.pump.end()
	}
	k.pump = newPump(p, k.arrived, end)
	k.up, k.down = k.pump.in, k.pump.out
	k.down.put(AppendHello(nil, token, 0))
	k.pump.start()
	go k.run()
	return k
}

// Close ends the link: what the plugin has reported is with the host when it
// returns.
func (k *MQLink) Close() {
	k.pump.end()
	k.pump.wait.Wait()
	k.stop()
}

// Broker runs an MQ plugin on the plugin's side of its link: it is the host that
// the plugin sees. Methods may be called by one goroutine at a time.
type Broker struct {
	*broker
	pump *pump
}

// NewBroker begins a link over a pipe, from which Hello was received. ended is
// told once why nothing follows.
func NewBroker(plugin sdk.MQ, p Pipe, log *slog.Logger, ended func(error)) *Broker {
	b := &Broker{broker: newBroker(plugin, log)}
	b.pump = newPump(p, b.arrived, ended)
	b.up, b.down = b.pump.out, b.pump.in
	b.pump.start()
	go b.run()
	return b
}

// Gone is closed when the link has ended.
func (b *Broker) Gone() <-chan struct{} { return b.pump.gone }

// Open opens the plugin.
func (b *Broker) Open() error { return b.plugin.Open(b.broker) }

// Close closes the plugin when it was called with all that is on the link, and
// ends the link when what the plugin reported last has left.
func (b *Broker) Close(deadline time.Time) error {
	b.settle()
	err := b.plugin.Close(deadline)
	b.stop()
	b.pump.close()
	late := time.AfterFunc(time.Until(deadline), b.pump.end)
	defer late.Stop()
	b.pump.wait.Wait()
	return err
}
