package brokers

import "fmt"

// Option changes how a broker is set up.
type Option func(*options)

type options struct {
	secure   bool
	settings []string // lines of the broker's own configuration file, after ours
}

func optionsOf(list []Option) options {
	var o options
	for _, apply := range list {
		apply(&o)
	}
	return o
}

// Secure adds a listener with TLS and a password, beside the plain one: see SecureAddr and SecureURL.
func Secure() Option {
	return func(o *options) { o.secure = true }
}

// Setting adds a line to the broker's configuration (server.properties, rabbitmq.conf); it wins over the package's own.
func Setting(key, value string) Option {
	return func(o *options) { o.settings = append(o.settings, fmt.Sprintf("%s=%s", key, value)) }
}

// Username and Password are accepted by the secure listeners.
const (
	Username = "pushcore"
	Password = "not-a-secret"
)
