package kafka

import (
	"fmt"
	"net"
	"slices"

	"github.com/pushcore/pushcore/plugins/mq/internal/options"
	"github.com/pushcore/pushcore/sdk"
)

// Options are the plugin's options. What stands without a default is left out or
// required as said.
type Options struct {
	Brokers []string     `json:"brokers"` // required: host:port of some brokers of the cluster
	TLS     *options.TLS `json:"tls"`     // none: no TLS
	SASL    *SASL        `json:"sasl"`    // none: no authentication

	Input      *Input  `json:"input"` // none: only outputs
	Uplink     *Output `json:"uplink"`
	Events     *Output `json:"events"`
	Fates      *Output `json:"fates"`
	Receipt    *Output `json:"receipt"`
	DeadLetter *Output `json:"dead_letter"`
}

// SASL is how the plugin authenticates.
type SASL struct {
	Mechanism string `json:"mechanism"` // plain, scram-sha-256 or scram-sha-512
	Username  string `json:"username"`
	Password  string `json:"password"`
}

// Input is what is consumed.
type Input struct {
	Topics []string `json:"topics"` // required
	Group  string   `json:"group"`  // required: the consumer group
	// OffsetReset is where the group begins in a topic that it has no offsets of:
	// earliest or latest. Without it that is the earliest, but a new group more
	// than 10,000 records behind stops and asks.
	OffsetReset string `json:"offset_reset"`
	sdk.InputOptions
}

// The values of OffsetReset.
const (
	earliest = "earliest"
	latest   = "latest"
)

// Output is where something is published.
type Output struct {
	Topic string `json:"topic"` // required
}

// decode reads options and finds all faults.
func decode(raw []byte) (Options, []sdk.OptionError) {
	var o Options
	faults := options.Decode(raw, &o)
	faults = append(faults, options.Lists("/brokers", "broker", o.Brokers)...)
	for i, broker := range o.Brokers {
		if _, _, err := net.SplitHostPort(broker); err != nil && broker != "" {
			faults = append(faults, fault(fmt.Sprintf("/brokers/%d", i), "%q is not host:port", broker))
		}
	}
	faults = append(faults, o.TLS.Check("/tls")...)
	faults = append(faults, o.SASL.check()...)
	faults = append(faults, o.Input.check()...)
	for _, out := range o.outputs() {
		faults = append(faults, o.checkOutput(out)...)
	}
	return o, faults
}

type namedOutput struct {
	name sdk.Output
	*Output
}

// outputs are those that are there, in the order of surface.
func (o *Options) outputs() []namedOutput {
	all := []namedOutput{
		{sdk.OutputUplink, o.Uplink}, {sdk.OutputEvents, o.Events}, {sdk.OutputFates, o.Fates},
		{sdk.OutputReceipt, o.Receipt}, {sdk.OutputDeadLetter, o.DeadLetter},
	}
	return slices.DeleteFunc(all, func(out namedOutput) bool { return out.Output == nil })
}

func (o *Options) checkOutput(out namedOutput) []sdk.OptionError {
	at := "/" + string(out.name)
	switch {
	case out.Topic == "":
		return []sdk.OptionError{fault(at+"/topic", "is missing")}
	case o.Input != nil && slices.Contains(o.Input.Topics, out.Topic):
		return []sdk.OptionError{fault(at+"/topic", "%s is an input too: what is published there would come back", out.Topic)}
	}
	return nil
}

func (s *SASL) check() []sdk.OptionError {
	if s == nil {
		return nil
	}
	faults := options.OneOf("/sasl/mechanism", s.Mechanism, "plain", "scram-sha-256", "scram-sha-512")
	if s.Username == "" {
		faults = append(faults, fault("/sasl/username", "is missing"))
	}
	return faults
}

func (in *Input) check() []sdk.OptionError {
	if in == nil {
		return nil
	}
	faults := options.Lists("/input/topics", "topic", in.Topics)
	if in.Group == "" {
		faults = append(faults, fault("/input/group", "is missing; it names the consumer group, such as pushcore"))
	}
	if in.OffsetReset != "" {
		faults = append(faults, options.OneOf("/input/offset_reset", in.OffsetReset, earliest, latest)...)
	}
	return append(faults, options.CheckInput("/input", &in.InputOptions)...)
}

func fault(pointer, format string, args ...any) sdk.OptionError {
	return sdk.OptionError{Pointer: pointer, Message: fmt.Sprintf(format, args...)}
}
