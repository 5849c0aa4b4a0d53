//go:build unix

package plugintest

import (
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/pluginrpc"
)

// carriers are the ways in which a transport's records can go: through a socket, as
// to a process of its own, and through pipes, as over the portable carrier.
var carriers = []struct {
	name  string
	place func(sdk.Transport) sdk.Transport
}{
	{"socket", func(t sdk.Transport) sdk.Transport { return pluginrpc.NewSocketTransport(t) }},
	{"portable", func(t sdk.Transport) sdk.Transport { return pluginrpc.NewPipedTransport(t) }},
}
