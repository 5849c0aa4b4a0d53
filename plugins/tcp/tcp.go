// Package tcp is the transport for devices on plain TCP: frames of sdk/wire, each
// behind its length. Sockets, timing and memory are plugins/internal/sockets'.
package tcp

import (
	"github.com/pushcore/pushcore/plugins/internal/sockets"
	"github.com/pushcore/pushcore/sdk"
)

// Transport is the plugin. Its zero value is ready for Configure.
type Transport struct {
	sockets.Transport
}

var _ sdk.Freezer = (*Transport)(nil)

// New makes the plugin.
func New() *Transport { return &Transport{} }

// Info implements sdk.Plugin.
func (*Transport) Info() sdk.Info {
	return sdk.Info{Name: "tcp", Kind: sdk.KindTransport, Version: "1.0.0", APIVersion: sdk.APIVersion, Capabilities: []string{sdk.CapHandover}, Schema: schema}
}

// options are the plugin's own; see docs/config.md.
type options struct {
	sockets.Options
}

var known = []string{"listen", "max_frame", "tls"}

var schema = []byte(`{"type":"object","required":["listen"],"additionalProperties":false,"properties":{` +
	`"listen":{"description":"IP:PORT to listen on, or a list of them; port 0 takes a free one","oneOf":[{"type":"string"},{"type":"array","items":{"type":"string"}}]},` +
	`"max_frame":{"description":"longest frame of a device, such as 1MiB","type":["string","integer"]}}}`)

// Configure implements sdk.Plugin.
func (t *Transport) Configure(raw []byte) (sdk.Setup, []sdk.OptionError) {
	var o options
	errs := sockets.Decode(raw, &o, known)
	if len(errs) == 0 {
		errs = o.Check()
	}
	if len(errs) > 0 {
		return sdk.Setup{}, errs
	}
	t.Use(protocol{}, sockets.Config{Listen: o.Listen, FrameBytesMax: int(o.MaxFrame)})
	return sdk.Setup{Listen: o.Listen}, nil
}
