package kafka

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// Kafka is the plugin. The zero value is ready for Configure.
type Kafka struct {
	options Options // the last that Configure took; constant from Open on

	// Everything following is set by Open.
	host     sdk.MQHost
	cluster  *cluster
	consumer *consumer // nil without input
	outputs  map[sdk.Output]*output
	stop     context.CancelFunc
	running  sync.WaitGroup // the consumer and the outputs
}

var _ sdk.MQ = (*Kafka)(nil)

// New returns a plugin to be configured.
func New() *Kafka { return new(Kafka) }

// Info describes the plugin.
func (k *Kafka) Info() sdk.Info {
	return sdk.Info{
		Name: "kafka", Kind: sdk.KindMQ, Version: "1.0.0", APIVersion: sdk.APIVersion, Capabilities: []string{sdk.CapLetters},
	}
}

// Configure checks options and keeps them for Open.
func (k *Kafka) Configure(raw []byte) (sdk.Setup, []sdk.OptionError) {
	options, faults := decode(raw)
	if len(faults) > 0 {
		return sdk.Setup{}, faults
	}
	k.options = options
	var setup sdk.Setup
	if options.Input != nil {
		setup.Input = &options.Input.InputOptions
	}
	for _, out := range options.outputs() {
		setup.Outputs = append(setup.Outputs, out.name)
	}
	return setup, nil
}

// Open looks at the cluster for a few seconds and fails if it refuses us, if an
// output is missing, or if a new group is far behind without an offset_reset. A
// cluster that does not answer is tried again in the background.
func (k *Kafka) Open(h sdk.MQHost) error {
	cluster, err := newCluster(&k.options, h.Log())
	if err != nil {
		return err
	}
	if err := cluster.probe(&k.options); err != nil {
		cluster.close()
		if final(err) {
			return err
		}
		h.Status(false, err.Error())
	}
	ctx, stop := context.WithCancel(context.Background())
	k.host, k.cluster, k.stop = h, cluster, stop
	k.outputs = make(map[sdk.Output]*output)
	for _, out := range k.options.outputs() {
		o := newOutput(out.Topic, cluster, h)
		k.outputs[out.name] = o
		k.running.Go(func() { o.run(ctx) })
	}
	if k.options.Input != nil {
		k.consumer = newConsumer(k.options.Input, cluster, h)
		k.running.Go(func() { k.consumer.run(ctx) })
	} else {
		k.running.Go(func() { cluster.watch(ctx, h) })
	}
	return nil
}

// Settle notes what became of records; what is contiguous is committed soon.
func (k *Kafka) Settle(s []sdk.Settlement) {
	if k.consumer != nil {
		k.consumer.settle(s)
	}
}

// Publish queues records for their outputs.
func (k *Kafka) Publish(r []sdk.Outgoing) {
	now := time.Now()
	for i := range r {
		out := k.outputs[r[i].Output]
		if out == nil {
			k.host.Published([]sdk.PublishResult{{ID: r[i].ID, Error: "no output " + string(r[i].Output), Final: true}})
			continue
		}
		out.put(&r[i], now)
	}
}

// Pause stops fetching from a source.
func (k *Kafka) Pause(source string) {
	if k.consumer != nil {
		k.consumer.gate(source).Close()
	}
}

// Resume fetches from it again.
func (k *Kafka) Resume(source string) {
	if k.consumer != nil {
		k.consumer.gate(source).Open()
	}
}

// Close commits what is settled and leaves the group. At the deadline it cuts the
// connections, after which all ends at once.
func (k *Kafka) Close(deadline time.Time) error {
	if k.stop == nil {
		return nil
	}
	k.stop()
	inTime := k.cluster.dial.Await(&k.running, deadline)
	k.cluster.close()
	if !inTime {
		return errLate
	}
	return nil
}

var errLate = errors.New("the cluster did not answer in time: the last offsets may not be committed and are delivered again")
