package wsconn

import "testing"

func TestOriginRules(t *testing.T) {
	for _, c := range []struct {
		name    string
		origins []string
		origin  string
		allowed bool
	}{
		{"listed", []string{"https://app.example"}, "https://app.example", true},
		{"listed, in another case", []string{"HTTPS://App.example"}, "https://app.EXAMPLE", true},
		{"listed with the default port", []string{"https://app.example:443"}, "https://app.example", true},
		{"other scheme", []string{"https://app.example"}, "http://app.example", false},
		{"other port", []string{"https://app.example"}, "https://app.example:8443", false},
		{"listed port", []string{"https://app.example:8443"}, "https://app.example:8443", true},
		{"subdomain of a listed one", []string{"https://app.example"}, "https://x.app.example", false},
		{"listed one as a prefix", []string{"https://app.example"}, "https://app.example.evil.example", false},
		{"same host, but a list is there", []string{"https://app.example"}, "http://server.example.com", false},
		{"any subdomain", []string{"https://*.app.example"}, "https://a.b.app.example", true},
		{"the domain itself is no subdomain", []string{"https://*.app.example"}, "https://app.example", false},
		{"end of another name", []string{"https://*.app.example"}, "https://evilapp.example", false},
		{"subdomain, other port", []string{"https://*.app.example"}, "https://a.app.example:1", false},
		{"second of two", []string{"https://a.example", "https://b.example"}, "https://b.example", true},
		{"null is not listed", []string{"https://app.example"}, "null", false},
		{"null is listed", []string{"null"}, "null", true},
		{"malformed is not null", []string{"null"}, "nonsense", false},
		{"extension", []string{"moz-extension://6a2f"}, "moz-extension://6a2f", true},
		{"all", []string{"*"}, "https://any.example", true},
		{"all, even null", []string{"*"}, "null", true},
		{"all, even nonsense", []string{"*"}, "nonsense", true},
	} {
		config := testConfig()
		config.Origins = c.origins
		got := handshake(t, newUpgrader(t, config), testPeer, request("Origin: "+c.origin), 1)
		if (got.req != nil) != c.allowed {
			t.Errorf("%s: %v", c.name, got.refusal)
		}
		if !c.allowed && got.refusal.Code != "origin_not_allowed" {
			t.Errorf("%s: %v", c.name, got.refusal)
		}
	}
}

func TestListenerWithoutAuthenticationAnswersToLoopbackOnly(t *testing.T) {
	for _, c := range []struct {
		name, host, origin string // No origin: not a web page.
		code               string // Empty: accepted.
	}{
		{"name", "localhost:7200", "", ""},
		{"name in another case", "LocalHost", "", ""},
		{"IPv4", "127.0.0.1:7200", "", ""},
		{"IPv4 elsewhere in the network", "127.8.9.1", "", ""},
		{"IPv6", "[::1]:7200", "", ""},
		{"IPv4 in IPv6", "[::ffff:127.0.0.1]:7200", "", ""},
		{"page of the same host", "localhost:7200", "http://localhost:7200", ""},
		{"page of a development server", "127.0.0.1:7200", "http://localhost:3000", ""},
		{"name that was bound anew", "evil.example:7200", "", "host_not_loopback"},
		{"name that begins with localhost", "localhost.evil.example", "", "host_not_loopback"},
		{"name that begins with an address", "127.0.0.1.evil.example", "", "host_not_loopback"},
		{"address of the machine", "192.0.2.1:7200", "", "host_not_loopback"},
		{"unspecified address", "0.0.0.0:7200", "", "host_not_loopback"},
		{"page of elsewhere", "localhost:7200", "https://evil.example", "origin_not_allowed"},
		{"page of a name that was bound anew", "evil.example:7200", "http://evil.example:7200", "host_not_loopback"},
		{"page without an origin of its own", "localhost:7200", "null", "origin_not_allowed"},
		{"port beyond all", "localhost:7200", "http://localhost:99999", "origin_not_allowed"},
		{"nonsense", "localhost:7200", "localhost", "origin_not_allowed"},
	} {
		config := testConfig()
		config.LoopbackOnly = true
		changes := []string{"Host: " + c.host}
		if c.origin != "" {
			changes = append(changes, "Origin: "+c.origin)
		}
		got := handshake(t, newUpgrader(t, config), testPeer, request(changes...), 1)
		code := ""
		if got.refusal != nil {
			code = got.refusal.Code
		}
		if code != c.code {
			t.Errorf("%s: %q, want %q", c.name, code, c.code)
		}
	}
}

func TestLoopbackRuleHoldsWhateverIsListed(t *testing.T) {
	for _, c := range []struct {
		listed, origin string
		allowed        bool
	}{
		{"*", "https://evil.example", false},
		{"https://evil.example", "https://evil.example", false},
		{"http://localhost:3000", "http://localhost:3000", true},
		{"http://localhost:3000", "http://localhost:4000", false},
	} {
		config := testConfig()
		config.LoopbackOnly, config.Origins = true, []string{c.listed}
		got := handshake(t, newUpgrader(t, config), testPeer, request("Host: localhost", "Origin: "+c.origin), 1)
		if (got.req != nil) != c.allowed {
			t.Errorf("%+v: %v", c, got.refusal)
		}
	}
}
