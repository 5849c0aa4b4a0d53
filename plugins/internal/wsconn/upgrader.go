package wsconn

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// HeadBytesMaxDefault bounds an upgrade request where Config names no bound.
const HeadBytesMaxDefault = 8 << 10

// headBytesMaxMin leaves room for the least request that can be accepted.
const headBytesMaxMin = 512

// Config says which upgrade requests are accepted.
type Config struct {
	// HeadBytesMax bounds a request up to the empty line at its end; a longer
	// one is refused with 431. 0 means HeadBytesMaxDefault, the least is 512.
	HeadBytesMax int

	// Path is the only path that is accepted, compared after percent-decoding.
	// Others are refused with 404. Empty accepts every path.
	Path string

	// Subprotocols are those that this side speaks. The first in the client's
	// order that is among them is chosen; a client that offers none of them is
	// refused with 400. Empty: none is negotiated.
	Subprotocols []string

	// Origins lists the web pages that may connect, as origins
	// ("https://app.example", "https://app.example:8443"), with any subdomain
	// ("https://*.app.example"), "null" or "*" for all. Empty allows pages of
	// the host and port that the request is for. A request without Origin does
	// not come from a web page and is always allowed; the rest gets 403.
	Origins []string

	// LoopbackOnly is the rule of listeners without authentication: Host must
	// be a loopback address or localhost, and so must Origin if there is one
	// (and be in Origins, if these are listed). It keeps a web page that the
	// user happens to look at from talking to his node.
	LoopbackOnly bool

	// TrustedProxies are the networks of proxies whose word on a client's
	// address (X-Forwarded-For, Forwarded) is taken.
	TrustedProxies []netip.Prefix
}

// ConfigError is a mistake in a Config, told in parts so that a plugin can
// point at the key of its own configuration.
type ConfigError struct {
	Field   string // Of Config.
	Index   int    // Of the element where Field is a list, else -1.
	Problem string
}

func (e *ConfigError) Error() string {
	if e.Index < 0 {
		return e.Field + ": " + e.Problem
	}
	return fmt.Sprintf("%s[%d]: %s", e.Field, e.Index, e.Problem)
}

// Validate returns the first mistake in c, a *ConfigError.
func (c *Config) Validate() error {
	_, err := NewUpgrader(*c)
	return err
}

// Upgrader decides on upgrade requests. It is immutable: any goroutine may use
// it, and all connections of a listener share one.
type Upgrader struct {
	headBytesMax int
	path         string
	subprotocols []string
	origins      originRule
	loopbackOnly bool
	proxies      []netip.Prefix
}

// NewUpgrader checks c and makes it ready for use. It keeps nothing of c. An
// error is a *ConfigError.
func NewUpgrader(c Config) (*Upgrader, error) {
	u := &Upgrader{
		headBytesMax: c.HeadBytesMax,
		path:         c.Path,
		subprotocols: slices.Clone(c.Subprotocols),
		loopbackOnly: c.LoopbackOnly,
	}
	if u.headBytesMax == 0 {
		u.headBytesMax = HeadBytesMaxDefault
	}
	if u.headBytesMax < headBytesMaxMin {
		return nil, &ConfigError{"HeadBytesMax", -1, fmt.Sprintf("%d is below %d", u.headBytesMax, headBytesMaxMin)}
	}
	if u.path != "" && !strings.HasPrefix(u.path, "/") {
		return nil, &ConfigError{"Path", -1, fmt.Sprintf("%q does not begin with /", u.path)}
	}
	for i, name := range u.subprotocols {
		if !isToken(name) || slices.Contains(u.subprotocols[:i], name) {
			return nil, &ConfigError{"Subprotocols", i, fmt.Sprintf("%q is no token or listed twice", name)}
		}
	}
	for i, s := range c.Origins {
		if !u.origins.add(s) {
			return nil, &ConfigError{"Origins", i, fmt.Sprintf("%q is not of the form scheme://host or scheme://host:port", s)}
		}
	}
	for i, proxy := range c.TrustedProxies {
		if !proxy.IsValid() {
			return nil, &ConfigError{"TrustedProxies", i, "not a network"}
		}
		u.proxies = append(u.proxies, proxy.Masked())
	}
	return u, nil
}
