package config

import (
	"net"
	"net/url"
	"strconv"
	"strings"
)

// HTTP is the section `http`.
type HTTP struct {
	// The address of the HTTP interface, HOST:PORT. Port 0 takes a free one. An
	// address beyond loopback needs keys.
	Listen string `key:"listen"`
	// Encryption of the HTTP interface.
	//
	//	tls: { cert_file: tls/node.pem, key_file: tls/node.key }
	TLS *TLS `key:"tls"`
	// Who may use the interface. Without keys everybody may, from loopback only.
	//
	//	keys:
	//	  - { name: orders, sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef, scopes: [push] }
	Keys []HTTPKey `key:"keys"`
	// What may have been pushed by HTTP and is neither ended nor stored yet.
	// Beyond it a push gets 503 with Retry-After. One push above a bound is
	// taken alone.
	MaxOpen MaxOpen `key:"max_open"`
	// Origins of web pages whose scripts may call the interface, such as
	// https://admin.example. Such a page has all rights of the key it uses.
	CORSOrigins []string `key:"cors_origins"`
}

// MaxOpen bounds what is open, as `input.max_open` of a broker's plugin does.
type MaxOpen struct {
	// The pushes.
	Records int `key:"records" min:"1" max:"100000000"`
	// The (message, receiver) pairs: a push to a group of 10,000 has as many.
	Pairs int `key:"pairs" min:"1" max:"2000000000"`
	// The bytes of their payloads.
	Bytes Size `key:"bytes" min:"64KiB" max:"1TiB"`
}

// HTTPKey is one key of `http.keys`; several are valid at once, so that a key
// can be replaced without a gap.
type HTTPKey struct {
	// A name for logs.
	Name string `key:"name" need:"yes"`
	// The key's SHA-256 in hexadecimal: `printf %s KEY | sha256sum`. The key itself
	// never stands in a file.
	SHA256 string `key:"sha256" need:"yes"`
	// What the key opens: push publishes, control changes (groups, kicking,
	// withdrawing), read looks (sessions, groups, metrics), admin is for the
	// process itself (profiles).
	Scopes []string `key:"scopes" need:"yes" oneof:"push control read admin"`
}

// TLS is the encryption of a listener, in one shape everywhere.
type TLS struct {
	// A PEM file with the certificate and its chain.
	CertFile string `key:"cert_file" need:"yes" path:"file"`
	// A PEM file with the private key.
	KeyFile string `key:"key_file" need:"yes" path:"file"`
	// A PEM file with the authorities whose client certificates are asked for.
	// Empty: none are.
	ClientCAFile string `key:"client_ca_file" path:"file"`
}

// Ops is the section `ops`.
type Ops struct {
	// The address for metrics, profiles and administration, HOST:PORT. The keys
	// of `http` open it.
	Listen string `key:"listen"`
	// Encryption of this listener.
	TLS *TLS `key:"tls"`
}

func (h *HTTP) setDefaults() {
	h.Listen = "127.0.0.1:8080"
	h.MaxOpen = MaxOpen{Records: 10_000, Pairs: 1_000_000, Bytes: 64 << 20}
}

func (o *Ops) setDefaults() { o.Listen = "127.0.0.1:9090" }

func (h *HTTP) validate(at place) {
	at.key("listen").checkListen(h.Listen)
	names := map[string]int{}
	for i := range h.Keys {
		name := h.Keys[i].Name
		if first, taken := names[name]; taken && name != "" {
			at.key("keys").item(i).key("name").fail("%q is the name of %s too", name, at.key("keys").item(first).path)
		}
		names[name] = i
	}
	for i, origin := range h.CORSOrigins {
		parsed, err := url.Parse(origin)
		if origin != "*" && (err != nil || parsed.Scheme == "" || parsed.Host == "" || strings.Trim(parsed.Path, "/") != "") {
			at.key("cors_origins").item(i).fail("%q is no origin: write one such as https://admin.example", origin)
		}
	}
}

func (k *HTTPKey) validate(at place) { at.key("sha256").checkSHA256(k.SHA256, "key") }

func (o *Ops) validate(at place) { at.key("listen").checkListen(o.Listen) }

// checkListen reports what is no HOST:PORT with a number as its port.
func (at place) checkListen(address string) {
	host, port, err := net.SplitHostPort(address)
	number, errPort := strconv.Atoi(port)
	switch {
	case address == "":
		at.fail("empty: write HOST:PORT, such as 127.0.0.1:8080")
	case err != nil || errPort != nil || number < 0 || number > 65535:
		at.fail("%q is no HOST:PORT, such as 127.0.0.1:8080", address)
	case strings.ContainsAny(host, " /"):
		at.fail("%q is no HOST:PORT: the host cannot be %q", address, host)
	}
}

const sha256OfNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// checkSHA256 reports what is no hash of 64 hexadecimal digits. The message does
// not repeat it: what stands there by mistake is the token itself.
func (at place) checkSHA256(hash, of string) {
	if hash == "" {
		return
	}
	for i := range len(hash) {
		c := hash[i] | 0x20
		if !('0' <= hash[i] && hash[i] <= '9' || 'a' <= c && c <= 'f') {
			at.fail("not hexadecimal: write the SHA-256 of the %s, not the %s", of, of)
			return
		}
	}
	switch {
	case len(hash) != 64:
		at.fail("has %d digits: the SHA-256 of a %s has 64", len(hash), of)
	case strings.EqualFold(hash, sha256OfNothing):
		at.fail("the SHA-256 of nothing: what was to be hashed was empty")
	}
}
