package rabbitmq

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/pushcore/pushcore/plugins/mq/internal/outbox"
	"github.com/pushcore/pushcore/sdk"
)

// RabbitMQ is the plugin. The zero value is ready for Configure.
type RabbitMQ struct {
	options Options // the last that Configure took; constant from Open on

	// Everything following is set by Open.
	host      sdk.MQHost
	broker    *broker
	queues    map[string]*queue // by source
	publisher *publisher        // nil without outputs
	stop      context.CancelFunc
	running   sync.WaitGroup // the links
}

var _ sdk.MQ = (*RabbitMQ)(nil)

// New returns a plugin to be configured.
func New() *RabbitMQ { return new(RabbitMQ) }

// Info describes the plugin.
func (r *RabbitMQ) Info() sdk.Info {
	return sdk.Info{
		Name: "rabbitmq", Kind: sdk.KindMQ, Version: "1.0.0", APIVersion: sdk.APIVersion, Capabilities: []string{sdk.CapLetters},
	}
}

// Configure checks options and keeps them for Open.
func (r *RabbitMQ) Configure(raw []byte) (sdk.Setup, []sdk.OptionError) {
	options, faults := decode(raw)
	if len(faults) > 0 {
		return sdk.Setup{}, faults
	}
	r.options = options
	var setup sdk.Setup
	if options.Input != nil {
		setup.Input = &options.Input.InputOptions
	}
	for _, out := range options.outputs() {
		setup.Outputs = append(setup.Outputs, out.name)
	}
	return setup, nil
}

// Open looks at the broker for a few seconds and fails if it refuses us or if an
// output is missing. A broker that does not answer is tried again in the
// background.
func (r *RabbitMQ) Open(h sdk.MQHost) error {
	b, err := newBroker(&r.options, h)
	if err != nil {
		return err
	}
	if err := b.probe(&r.options); err != nil {
		if final(err) {
			b.dialer.Cut()
			return err
		}
		h.Status(false, err.Error())
	}
	ctx, stop := context.WithCancel(context.Background())
	r.host, r.broker, r.stop = h, b, stop
	if in := r.options.Input; in != nil {
		r.queues = make(map[string]*queue)
		for _, name := range in.Queues {
			r.queues[name] = newQueue(name, in, b)
		}
		r.running.Go(func() { b.supervise(ctx, "consuming", r.consume) })
	}
	if outputs := r.options.outputs(); len(outputs) > 0 {
		r.publisher = newPublisher(outputs, b)
		r.running.Go(func() {
			b.supervise(ctx, "publishing", r.publisher.serve)
			r.publisher.end()
		})
	}
	return nil
}

// Settle queues acknowledgements.
func (r *RabbitMQ) Settle(s []sdk.Settlement) {
	for i := range s {
		if q := r.queues[s[i].Source]; q != nil {
			q.settle(&s[i])
		}
	}
}

// Publish queues records for their outputs.
func (r *RabbitMQ) Publish(records []sdk.Outgoing) {
	deadline := time.Now().Add(outbox.Timeout)
	for i := range records {
		if r.publisher == nil || !r.publisher.put(outbox.Pending{Record: records[i], Deadline: deadline}) {
			r.host.Published([]sdk.PublishResult{{ID: records[i].ID, Error: "no output " + string(records[i].Output), Final: true}})
		}
	}
}

// Pause stops taking from a source; what the broker sent already waits here.
func (r *RabbitMQ) Pause(source string) {
	if q := r.queues[source]; q != nil {
		q.gate.Close()
	}
}

// Resume takes from it again.
func (r *RabbitMQ) Resume(source string) {
	if q := r.queues[source]; q != nil {
		q.gate.Open()
	}
}

// Close acknowledges what is settled and leaves. At the deadline it cuts the
// connections, after which all ends at once.
func (r *RabbitMQ) Close(deadline time.Time) error {
	if r.stop == nil {
		return nil
	}
	r.stop()
	inTime := r.broker.dialer.Await(&r.running, deadline)
	r.broker.dialer.Cut()
	if !inTime {
		return errLate
	}
	return nil
}

var errLate = errors.New("the broker did not answer in time: the last records may not be acknowledged and are delivered again")
