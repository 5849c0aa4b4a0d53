// Package ws is the transport for devices on WebSocket: one frame of sdk/wire a
// message, binary on the subprotocol pushcore.v1, JSON text on pushcore.v1.json.
// Sockets, timing and memory are plugins/internal/sockets', the WebSocket
// protocol is plugins/internal/wsconn's.
package ws

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/pushcore/pushcore/plugins/internal/sockets"
	"github.com/pushcore/pushcore/plugins/internal/wsconn"
	"github.com/pushcore/pushcore/sdk"
)

// The subprotocols.
const (
	Binary = "pushcore.v1"
	JSON   = "pushcore.v1.json"
)

// pathDefault is where devices connect unless the options say otherwise.
const pathDefault = "/connect"

// Transport is the plugin. Its zero value is ready for Configure.
type Transport struct {
	sockets.Transport
}

var _ sdk.Freezer = (*Transport)(nil)

// New makes the plugin.
func New() *Transport { return &Transport{} }

// Info implements sdk.Plugin.
func (*Transport) Info() sdk.Info {
	return sdk.Info{Name: "ws", Kind: sdk.KindTransport, Version: "1.0.0", APIVersion: sdk.APIVersion, Capabilities: []string{sdk.CapHandover}, Schema: schema}
}

// options are the plugin's own; see docs/config.md.
type options struct {
	sockets.Options
	Path           string   `json:"path,omitempty"`
	Origins        []string `json:"origins,omitempty"`
	TrustedProxies []string `json:"trusted_proxies,omitempty"`
}

var known = []string{"listen", "max_frame", "tls", "path", "origins", "trusted_proxies"}

var schema = []byte(`{"type":"object","required":["listen"],"additionalProperties":false,"properties":{` +
	`"listen":{"description":"IP:PORT to listen on, or a list of them; port 0 takes a free one","oneOf":[{"type":"string"},{"type":"array","items":{"type":"string"}}]},` +
	`"max_frame":{"description":"longest frame of a device, such as 1MiB","type":["string","integer"]},` +
	`"path":{"description":"where devices connect, /connect by default","type":"string"},` +
	`"origins":{"description":"web origins whose pages may connect; none listed: those of the same host","type":"array","items":{"type":"string"}},` +
	`"trusted_proxies":{"description":"networks of proxies whose word on a client's address is taken","type":"array","items":{"type":"string"}}}}`)

// Configure implements sdk.Plugin.
func (t *Transport) Configure(raw []byte) (sdk.Setup, []sdk.OptionError) {
	o := options{Path: pathDefault}
	errs := sockets.Decode(raw, &o, known)
	if len(errs) > 0 {
		return sdk.Setup{}, errs
	}
	errs = o.Check()
	up, upErrs := o.upgrader(false)
	guarded, _ := o.upgrader(true) // It fails where the other one does.
	if errs = append(errs, upErrs...); len(errs) > 0 {
		return sdk.Setup{}, errs
	}
	t.Use(&protocol{up, guarded, o.Path}, sockets.Config{Listen: o.Listen, FrameBytesMax: int(o.MaxFrame)})
	return sdk.Setup{Listen: o.Listen}, nil
}

// upgrader makes the judge of upgrade requests from the options.
func (o *options) upgrader(loopbackOnly bool) (*wsconn.Upgrader, []sdk.OptionError) {
	c := wsconn.Config{Path: o.Path, Subprotocols: []string{Binary, JSON}, Origins: o.Origins, LoopbackOnly: loopbackOnly}
	for i, text := range o.TrustedProxies {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, []sdk.OptionError{{Pointer: fmt.Sprintf("/trusted_proxies/%d", i), Message: "a network is written like 10.0.0.0/8"}}
		}
		c.TrustedProxies = append(c.TrustedProxies, prefix)
	}
	up, err := wsconn.NewUpgrader(c)
	var wrong *wsconn.ConfigError
	if errors.As(err, &wrong) {
		return nil, []sdk.OptionError{{Pointer: pointerOf(wrong), Message: wrong.Problem}}
	}
	return up, nil
}

func pointerOf(e *wsconn.ConfigError) string {
	pointer := map[string]string{"Path": "/path", "Origins": "/origins", "TrustedProxies": "/trusted_proxies"}[e.Field]
	if e.Index >= 0 {
		return fmt.Sprintf("%s/%d", pointer, e.Index)
	}
	return pointer
}
