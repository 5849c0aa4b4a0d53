package config

import (
	"net/url"
	"strings"
	"time"
)

// Auth is the section `auth`. Several ways may stand side by side: a bearer
// token that names a listed issuer is checked as a JWT, one whose hash is listed
// is static, all else goes to the callback.
type Auth struct {
	// Issuers whose JSON Web Tokens are accepted: one, or a list from which a
	// token's `iss` chooses. A token must have `exp`.
	//
	//	jwt:
	//	  - issuer: https://id.example
	//	    audience: pushcore
	//	    jwks_url: https://id.example/keys
	//	  - issuer: legacy
	//	    keys: [ { kid: a, alg: HS256, secret: "${file:/run/secrets/a}" } ]
	JWT []JWT `key:"jwt" list:"one"`
	// Tokens that are known by their hash: for fixed devices and for trying
	// things out. They do not expire.
	//
	//	static:
	//	  - { sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef, user: till-7, platform: pos }
	Static []StaticToken `key:"static"`
	// An HTTP service that is asked about credentials that nothing else knows.
	//
	//	callback: { url: "https://accounts.example/pushcore", timeout: 2s }
	Callback *Callback `key:"callback"`
	// Nobody proves anything: whoever connects is who he says he is. Only for
	// listeners on loopback, and never beside another way.
	None bool `key:"none"`
	// How far clocks may differ when `exp` and `nbf` of a token are checked.
	Leeway Duration `key:"leeway" min:"0" max:"10m"`
	// What happens to a session whose credentials expire and were not
	// refreshed: close ends it with code 4010, keep lets it live until its
	// connection ends.
	OnExpiry string `key:"on_expiry" oneof:"close keep"`
}

// JWT is one issuer of `auth.jwt`. Its keys come from exactly one of jwks_url,
// jwks_file and keys.
type JWT struct {
	// The value of the claim `iss`.
	Issuer string `key:"issuer" need:"yes"`
	// A value that the claim `aud` must hold. Empty: not checked, so a token
	// that the issuer made for another service is accepted too.
	Audience string `key:"audience"`
	// Where the issuer publishes its keys. They are fetched again when a token
	// names an unknown one. Who can answer in its place can be any user: use
	// https.
	JWKSURL string `key:"jwks_url"`
	// A file with the issuer's keys (a JSON Web Key Set).
	JWKSFile string `key:"jwks_file" path:"file"`
	// The issuer's keys themselves.
	Keys []JWTKey `key:"keys"`
	// The names of the claims that say who the device is.
	Claims Claims `key:"claims"`
}

// JWTKey is one verification key of an issuer.
type JWTKey struct {
	// The key's id, matched with a token's `kid`. Empty: tried for every token.
	KID string `key:"kid"`
	// The algorithm it is for. A token with another one is refused.
	Alg string `key:"alg" need:"yes" oneof:"HS256 HS384 HS512 RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA"`
	// The shared secret, for HS256, HS384 and HS512. Who knows it can be any
	// user.
	Secret Secret `key:"secret"`
	// A PEM file with the public key, for all other algorithms.
	PublicKeyFile string `key:"public_key_file" path:"file"`
}

// Claims names the claims of a token that are read. They win over what a device
// says of itself: its user, device and platform in CONNECT are absent or equal.
type Claims struct {
	// The claim with the user's id.
	User string `key:"user" need:"yes"`
	// The claim with the device's id. A token without it leaves the id to the
	// device.
	Device string `key:"device"`
	// The claim with the device's platform.
	Platform string `key:"platform"`
	// The claim with a list of groups that the session joins.
	Groups string `key:"groups"`
}

// StaticToken is one token of `auth.static`.
type StaticToken struct {
	// The token's SHA-256 in hexadecimal: `printf %s TOKEN | sha256sum`. The token
	// itself never stands in a file.
	SHA256 string `key:"sha256" need:"yes"`
	// The user that the token stands for.
	User string `key:"user" need:"yes"`
	// The device's id. Empty: the device says it.
	Device string `key:"device"`
	// The device's platform. Empty: the device says it.
	Platform string `key:"platform"`
	// Groups that the session joins.
	Groups []string `key:"groups"`
}

// Callback is `auth.callback`. The service gets the credentials by POST and
// answers 200 with user, device, platform, groups and expires_at, or 403 with
// code and text.
type Callback struct {
	// The service's address. It gets credentials: use https beyond loopback.
	URL string `key:"url" need:"yes"`
	// How long an answer may take.
	Timeout Duration `key:"timeout" min:"10ms" max:"60s"`
	// What happens when the service does not answer: deny sends the device away
	// to come back later, allow takes it as who it says it is. With allow,
	// whoever can stop the service can be any user.
	OnError string `key:"on_error" oneof:"deny allow"`
}

func (a *Auth) setDefaults() {
	a.Leeway = Duration(30 * time.Second)
	a.OnExpiry = "close"
}

func (j *JWT) setDefaults() {
	j.Claims = Claims{User: "sub", Device: "device", Platform: "platform", Groups: "groups"}
}

func (c *Callback) setDefaults() {
	c.Timeout = Duration(2 * time.Second)
	c.OnError = "deny"
}

// Open says that there is no authentication: nobody proves who he is.
func (a *Auth) Open() bool {
	return len(a.JWT) == 0 && len(a.Static) == 0 && a.Callback == nil
}

func (a *Auth) validate(at place) {
	if a.None && !a.Open() {
		at.key("none").fail("lets everybody in, so the other ways in `auth` would have no effect: remove it or them")
	}
	issuers := map[string]int{}
	for i := range a.JWT {
		issuer := a.JWT[i].Issuer
		if first, taken := issuers[issuer]; taken && issuer != "" {
			at.key("jwt").item(i).key("issuer").fail("%q is %s too: an issuer stands once, with all its keys", issuer, at.key("jwt").item(first).key("issuer").path)
		}
		issuers[issuer] = i
	}
	tokens := map[string]int{}
	for i := range a.Static {
		hash := a.Static[i].SHA256
		if first, taken := tokens[hash]; taken && hash != "" {
			at.key("static").item(i).key("sha256").fail("the same token as %s", at.key("static").item(first).path)
		}
		tokens[hash] = i
	}
}

func (j *JWT) validate(at place) {
	sources := 0
	for _, given := range []bool{j.JWKSURL != "", j.JWKSFile != "", len(j.Keys) > 0} {
		if given {
			sources++
		}
	}
	if sources != 1 && !at.misspelled[at.path] && !at.key("keys").hasFault() {
		at.fail("wants exactly one of jwks_url, jwks_file and keys, has %s", countWord(sources))
	}
	if j.Audience == "" && len(j.Keys) == 0 {
		at.key("audience").warn("not checked: a token that the issuer made for another service is accepted too")
	}
	if j.JWKSURL != "" {
		at.key("jwks_url").checkURL(j.JWKSURL, "whoever can answer in its place can be any user")
	}
	kids := map[string]int{}
	for i := range j.Keys {
		kid := j.Keys[i].KID
		if first, taken := kids[kid]; taken && kid != "" {
			at.key("keys").item(i).key("kid").fail("%q is the kid of %s too", kid, at.key("keys").item(first).path)
		}
		kids[kid] = i
	}
}

func (k *JWTKey) validate(at place) {
	shared := strings.HasPrefix(k.Alg, "HS")
	switch {
	case at.key("alg").hasFault():
	case shared && k.Secret == "":
		at.key("secret").missing(": %s has a shared secret", k.Alg)
	case shared && k.PublicKeyFile != "":
		at.key("public_key_file").fail("%s has a shared secret and no public key", k.Alg)
	case shared && len(k.Secret) < secretBytesMin:
		at.key("secret").warn("has %d bytes: one of less than %d can be found by trying", len(k.Secret), secretBytesMin)
	case !shared && k.PublicKeyFile == "":
		at.key("public_key_file").missing(": %s has a public key", k.Alg)
	case !shared && k.Secret != "":
		at.key("secret").fail("%s has a public key and no shared secret", k.Alg)
	}
}

// secretBytesMin is the shortest shared secret that RFC 7518 allows for HS256.
const secretBytesMin = 32

func (t *StaticToken) validate(at place) {
	at.key("sha256").checkSHA256(t.SHA256, "token")
}

func (c *Callback) validate(at place) {
	at.key("url").checkURL(c.URL, "it gets the devices' credentials")
	if c.OnError == "allow" {
		at.key("on_error").warn("whoever can stop the service can be any user")
	}
}

// checkURL reports what is no http or https address, and warns of one without
// encryption beyond loopback.
func (at place) checkURL(text, danger string) {
	parsed, err := url.Parse(text)
	switch {
	case text == "":
	case err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https":
		at.fail("%q is no http or https address", maskURL(text))
	case parsed.Scheme == "http" && !isLoopbackHost(parsed.Hostname()):
		at.warn("not encrypted, and %s: use https", danger)
	}
}
