package brokers

import (
	"fmt"
	"strings"
)

// What the node finds and leaves in its directory.
const (
	rabbitNode         = "rabbit@localhost"
	rabbitDataDir      = "mnesia"
	rabbitSettingsFile = "rabbitmq.conf"
	rabbitPluginsFile  = "enabled_plugins"
	rabbitEnvFile      = "rabbitmq-env.conf"
)

// rabbitSettings becomes a rabbitmq.conf.
type rabbitSettings struct {
	addr        string
	secureAddr  string // "" without Secure
	certificate certificate
	more        []string
}

func (s rabbitSettings) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "listeners.tcp.plain=%s\n", s.addr)
	fmt.Fprintf(&b, "default_user=%s\ndefault_pass=%s\n", Username, Password)
	b.WriteString("log.file=false\nlog.console=true\nlog.console.level=info\n")
	b.WriteString("disk_free_limit.absolute=1MB\n") // A nearly full disk is no reason to block a test's publisher.
	if s.secureAddr != "" {
		fmt.Fprintf(&b, "listeners.ssl.secure=%s\n", s.secureAddr)
		fmt.Fprintf(&b, "ssl_options.certfile=%s\nssl_options.keyfile=%s\n", s.certificate.certFile, s.certificate.keyFile)
		fmt.Fprintf(&b, "ssl_options.cacertfile=%s\nssl_options.verify=verify_none\n", s.certificate.certFile)
	}
	for _, line := range s.more {
		b.WriteString(line + "\n")
	}
	return b.String()
}
