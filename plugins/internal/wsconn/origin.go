package wsconn

import (
	"net/netip"
	"strconv"
	"strings"
)

// authority is a host and a port, as in Host: and in origins.
type authority struct {
	host string // Lower case; an IPv6 address without its brackets.
	port string // Empty: the scheme's.
}

// parseAuthority reads "host", "host:port", "[address]" or "[address]:port".
func parseAuthority(s string) (a authority, ok bool) {
	if inner, bracketed := strings.CutPrefix(s, "["); bracketed {
		address, port, closed := strings.Cut(inner, "]")
		parsed, err := netip.ParseAddr(address)
		if !closed || err != nil || !parsed.Is6() || port != "" && port[0] != ':' {
			return a, false
		}
		a = authority{parsed.String(), strings.TrimPrefix(port, ":")}
		return a, isPort(a.port)
	}
	host, port, _ := strings.Cut(s, ":")
	for i := range len(host) {
		if c := host[i]; !isAlphanumeric(c) && !strings.ContainsRune("-._~%!$&'()*+,;=", rune(c)) {
			return a, false
		}
	}
	return authority{strings.ToLower(host), port}, host != "" && isPort(port)
}

func isPort(s string) bool {
	if s == "" {
		return true
	}
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

// isLoopback reports whether a names this machine whatever a name server says.
func (a authority) isLoopback() bool {
	if a.host == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(a.host)
	return err == nil && address.Unmap().IsLoopback()
}

// portFor is a's port where the scheme is known.
func (a authority) portFor(scheme string) string {
	switch {
	case a.port != "":
		return a.port
	case scheme == "http" || scheme == "ws":
		return "80"
	case scheme == "https" || scheme == "wss":
		return "443"
	}
	return ""
}

func isWebScheme(s string) bool {
	s = strings.ToLower(s)
	return s == "http" || s == "https" || s == "ws" || s == "wss"
}

// origin is a parsed Origin; the one called null has no scheme.
type origin struct {
	scheme string
	authority
}

// parseOrigin reads an origin as browsers write it, scheme://host[:port] or
// null.
func parseOrigin(s string) (o origin, ok bool) {
	if s == "null" {
		return o, true
	}
	scheme, rest, found := strings.Cut(s, "://")
	if !found || scheme == "" {
		return o, false
	}
	o.scheme = strings.ToLower(scheme)
	o.authority, ok = parseAuthority(rest)
	return o, ok
}

// originRule is the list of origins that may connect.
type originRule struct {
	all     bool // Whatever Origin says, even nonsense.
	listed  []origin
	domains []origin // Any name under the host.
}

// add takes one entry of Config.Origins and reports whether it is one.
func (r *originRule) add(entry string) bool {
	if entry == "*" {
		r.all = true
		return true
	}
	exact := strings.Replace(entry, "://*.", "://", 1)
	o, ok := parseOrigin(exact)
	switch {
	case !ok || strings.Contains(o.host, "*"):
		return false
	case exact != entry:
		r.domains = append(r.domains, o)
	default:
		r.listed = append(r.listed, o)
	}
	return true
}

func (r *originRule) isEmpty() bool { return !r.all && len(r.listed) == 0 && len(r.domains) == 0 }

// allows reports whether pages of o may connect to a host, where not all may.
func (r *originRule) allows(o origin, host authority) bool {
	if r.isEmpty() {
		return isWebScheme(o.scheme) && o.host == host.host && o.portFor(o.scheme) == host.portFor(o.scheme)
	}
	for _, l := range r.listed {
		if l.scheme == o.scheme && l.host == o.host && l.portFor(o.scheme) == o.portFor(o.scheme) {
			return true
		}
	}
	for _, d := range r.domains {
		if d.scheme == o.scheme && strings.HasSuffix(o.host, "."+d.host) && d.portFor(o.scheme) == o.portFor(o.scheme) {
			return true
		}
	}
	return false
}

// quote makes a part of a request fit to be shown.
func quote(s string) string {
	const shown = 100
	if len(s) > shown {
		s = s[:shown] + "..."
	}
	return strconv.QuoteToASCII(s)
}
