//go:build !unix

package plugintest

import (
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/pluginrpc"
)

// carriers are the ways in which a transport's records can go: here only through
// pipes, as over the portable carrier.
var carriers = []struct {
	name  string
	place func(sdk.Transport) sdk.Transport
}{
	{"portable", func(t sdk.Transport) sdk.Transport { return pluginrpc.NewPipedTransport(t) }},
}
