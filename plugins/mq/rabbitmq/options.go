package rabbitmq

import (
	"fmt"
	"slices"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/pushcore/pushcore/plugins/mq/internal/options"
	"github.com/pushcore/pushcore/sdk"
)

// Options are the plugin's options.
type Options struct {
	URL string       `json:"url"` // required: amqp://user:password@host:5672/vhost, or amqps
	TLS *options.TLS `json:"tls"` // for amqps only

	Input      *Input  `json:"input"` // none: only outputs
	Uplink     *Output `json:"uplink"`
	Events     *Output `json:"events"`
	Fates      *Output `json:"fates"`
	Receipt    *Output `json:"receipt"`
	DeadLetter *Graves `json:"dead_letter"`
}

// Input is what is consumed.
type Input struct {
	Queues   []string `json:"queues"`   // required
	Prefetch int      `json:"prefetch"` // unacknowledged records of a queue; default 1000
	Declare  bool     `json:"declare"`  // declare missing queues; default false: wait for them
	sdk.InputOptions
}

// Output is where something is published.
type Output struct {
	Exchange string `json:"exchange"` // default: the default exchange, whose routing keys are queues' names
	// RoutingKey is required with the default exchange. With another one, none
	// means the record's key: the user for uplinks and receipts.
	RoutingKey string `json:"routing_key"`
}

// Graves is where dead letters are published.
type Graves struct {
	Output
	// Queue is the queue that they come to, for those who look at them. It is
	// needed with an exchange only: with the default one it is the routing key.
	Queue string `json:"queue"`
}

// queue is where letters are read, or empty.
func (g *Graves) queue() string {
	if g.Queue == "" && g.Exchange == "" {
		return g.RoutingKey
	}
	return g.Queue
}

const (
	prefetchDefault = 1000
	prefetchMost    = 65535 // the protocol's
)

// decode reads options and finds all faults.
func decode(raw []byte) (Options, []sdk.OptionError) {
	var o Options
	faults := options.Decode(raw, &o)
	faults = append(faults, o.checkURL()...)
	faults = append(faults, o.TLS.Check("/tls")...)
	faults = append(faults, o.Input.check()...)
	for _, out := range o.outputs() {
		faults = append(faults, o.checkOutput(out)...)
	}
	if g := o.DeadLetter; g != nil && g.Queue != "" && g.Exchange == "" && g.Queue != g.RoutingKey {
		faults = append(faults, fault("/dead_letter/queue", "is %s by the routing key; it is set only with an exchange", g.RoutingKey))
	}
	if o.Input != nil && o.Input.Prefetch == 0 {
		o.Input.Prefetch = prefetchDefault
	}
	return o, faults
}

func (o *Options) checkURL() []sdk.OptionError {
	if o.URL == "" {
		return []sdk.OptionError{fault("/url", "is missing; such as amqp://127.0.0.1:5672/")}
	}
	uri, err := amqp.ParseURI(o.URL)
	switch {
	case err != nil: // The error of the parser may quote the password.
		return []sdk.OptionError{fault("/url", "is no AMQP URL; such as amqp://user:password@127.0.0.1:5672/vhost")}
	case o.TLS != nil && uri.Scheme != "amqps":
		return []sdk.OptionError{fault("/url", "begins with amqps: where tls is set")}
	}
	return nil
}

type namedOutput struct {
	name sdk.Output
	*Output
}

func (o *Options) outputs() []namedOutput {
	all := []namedOutput{
		{sdk.OutputUplink, o.Uplink}, {sdk.OutputEvents, o.Events}, {sdk.OutputFates, o.Fates},
		{sdk.OutputReceipt, o.Receipt},
	}
	if o.DeadLetter != nil {
		all = append(all, namedOutput{sdk.OutputDeadLetter, &o.DeadLetter.Output})
	}
	return slices.DeleteFunc(all, func(out namedOutput) bool { return out.Output == nil })
}

func (o *Options) checkOutput(out namedOutput) []sdk.OptionError {
	at := "/" + string(out.name)
	switch {
	case out.Exchange == "" && out.RoutingKey == "":
		return []sdk.OptionError{fault(at+"/routing_key", "is missing; with the default exchange it is the queue's name")}
	case out.Exchange == "" && o.Input != nil && slices.Contains(o.Input.Queues, out.RoutingKey):
		return []sdk.OptionError{fault(at+"/routing_key", "%s is an input too: what is published there would come back", out.RoutingKey)}
	}
	return nil
}

func (in *Input) check() []sdk.OptionError {
	if in == nil {
		return nil
	}
	faults := options.Lists("/input/queues", "queue", in.Queues)
	for i, queue := range in.Queues {
		if in.Declare && strings.HasPrefix(queue, "amq.") {
			faults = append(faults, fault(fmt.Sprintf("/input/queues/%d", i), "cannot be declared: amq. is RabbitMQ's own"))
		}
	}
	if in.Prefetch < 0 || in.Prefetch > prefetchMost {
		faults = append(faults, fault("/input/prefetch", "is from 1 to %d", prefetchMost))
	}
	return append(faults, options.CheckInput("/input", &in.InputOptions)...)
}

func fault(pointer, format string, args ...any) sdk.OptionError {
	return sdk.OptionError{Pointer: pointer, Message: fmt.Sprintf(format, args...)}
}
