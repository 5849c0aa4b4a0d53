package pluginrpc

// What a runtime and the executable of a plugin know of each other before the
// first call. The runtime sets CookieKey to CookieValue in the environment; the
// plugin listens on a unix socket in the directory that SocketDirKey names and
// prints one line on its standard output, before anything else:
//
//	1|PROTOCOL|unix|PATH OF THE SOCKET|grpc
//
// It is the handshake of hashicorp/go-plugin, whose version 1 comes first.
const (
	CookieKey    = "PUSHCORE_PLUGIN"
	CookieValue  = "b8c1f1d0-plugin-of-pushcore" // no secret: it tells a mistake, not an attack
	SocketDirKey = "PLUGIN_UNIX_SOCKET_DIR"
	// LogLevelKey names debug, info, warn or error: what the runtime would not
	// log need not cross.
	LogLevelKey = "PUSHCORE_LOG_LEVEL"
	// CarrierKey set to CarrierPortable has the plugin accept links over gRPC only.
	CarrierKey      = "PUSHCORE_CARRIER"
	CarrierPortable = "portable"
	// SharedKey is set if other processes of the instance listen on the same addresses.
	SharedKey = "PUSHCORE_SHARED"
	// Protocol is the version of pluginpb and of the links. It changes when they
	// cannot understand each other any more; Info's API version tells the rest.
	Protocol = 1
)
