package wsconn

import (
	"net/netip"
	"testing"
)

func TestForwardedAddressIsTheLastUntrustedHop(t *testing.T) {
	config := testConfig()
	config.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	u := newUpgrader(t, config)
	for _, c := range []struct {
		name, peer string
		fields     []string
		want       string // Empty: only the peer is known.
	}{
		{"peer is no proxy", "192.0.2.1", []string{"X-Forwarded-For: 198.51.100.1"}, ""},
		{"no field", "10.0.0.1", nil, ""},
		{"one hop", "10.0.0.1", []string{"X-Forwarded-For: 198.51.100.1"}, "198.51.100.1"},
		{"peer as IPv4 in IPv6", "::ffff:10.0.0.1", []string{"X-Forwarded-For: 198.51.100.1"}, "198.51.100.1"},
		{"what the client wrote itself", "10.0.0.1", []string{"X-Forwarded-For: 1.1.1.1, 198.51.100.1"}, "198.51.100.1"},
		{"two proxies", "10.0.0.1", []string{"X-Forwarded-For: 1.1.1.1, 198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
		{"two fields", "10.0.0.1", []string{"X-Forwarded-For: 198.51.100.1", "+X-Forwarded-For: 10.0.0.2"}, "198.51.100.1"},
		{"all trusted", "10.0.0.1", []string{"X-Forwarded-For: 10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"hop that is unknown", "10.0.0.1", []string{"X-Forwarded-For: 198.51.100.1, unknown, 10.0.0.2"}, "10.0.0.2"},
		{"nonsense", "10.0.0.1", []string{"X-Forwarded-For: nonsense"}, ""},
		{"empty", "10.0.0.1", []string{"X-Forwarded-For: "}, ""},
		{"only commas", "10.0.0.1", []string{"X-Forwarded-For: ,,"}, ""},
		{"port", "10.0.0.1", []string{"X-Forwarded-For: 198.51.100.1:1234"}, "198.51.100.1"},
		{"IPv6", "fd00::1", []string{"X-Forwarded-For: 2001:db8::1"}, "2001:db8::1"},
		{"IPv6 with a port", "10.0.0.1", []string{"X-Forwarded-For: [2001:db8::1]:1234"}, "2001:db8::1"},
		{"IPv4 in IPv6", "10.0.0.1", []string{"X-Forwarded-For: ::ffff:198.51.100.1"}, "198.51.100.1"},
		{"standard field", "10.0.0.1", []string{"Forwarded: for=198.51.100.1;proto=https;by=10.0.0.1"}, "198.51.100.1"},
		{"standard, quoted, with a port", "10.0.0.1", []string{`Forwarded: proto=https; For="[2001:db8::1]:4711"`}, "2001:db8::1"},
		{"standard, two proxies", "10.0.0.1", []string{"Forwarded: for=1.1.1.1, for=198.51.100.1", "+Forwarded: for=10.0.0.2"}, "198.51.100.1"},
		{"standard, hidden", "10.0.0.1", []string{"Forwarded: for=198.51.100.1, for=_hidden"}, ""},
		{"standard, without for", "10.0.0.1", []string{"Forwarded: proto=https"}, ""},
		{"both agree", "10.0.0.1", []string{"Forwarded: for=198.51.100.1", "X-Forwarded-For: 198.51.100.1"}, "198.51.100.1"},
		{"both disagree: one is the client's", "10.0.0.1", []string{"Forwarded: for=1.1.1.1", "X-Forwarded-For: 198.51.100.1"}, ""},
		{"one is unusable", "10.0.0.1", []string{"Forwarded: for=_hidden", "X-Forwarded-For: 198.51.100.1"}, ""},
	} {
		got := handshake(t, u, netip.MustParseAddr(c.peer), request(c.fields...), 1)
		if got.req == nil {
			t.Errorf("%s: %v", c.name, got.refusal)
			continue
		}
		address := ""
		if got.req.Forwarded.IsValid() {
			address = got.req.Forwarded.String()
		}
		if address != c.want {
			t.Errorf("%s: %q, want %q", c.name, address, c.want)
		}
	}
}
