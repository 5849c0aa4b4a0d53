package node

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/pushcore/pushcore/sdk/wire"
)

const secret = "a secret of more than thirty-two bytes"

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// withAuth is a node that knows one static token and one issuer.
var withAuth = listeners + fmt.Sprintf(`
auth:
  leeway: 0
  jwt: { issuer: id, audience: pushcore, keys: [ { alg: HS256, secret: "%s" } ] }
  static: [ { sha256: "%s", user: till-7, platform: pos } ]
groups: [ { match: "room.*", join: claims } ]
`, secret, hashOf("till token"))

// bearer are credentials of a token.
func bearer(token string) wire.Credentials {
	return wire.Credentials{Kind: wire.CredentialBearer, Token: token}
}

// sign makes a token for a user that is good for a time.
func sign(t *testing.T, user string, valid time.Duration, more ...any) wire.Credentials {
	t.Helper()
	claims := jwt.MapClaims{"iss": "id", "aud": "pushcore", "sub": user, "exp": float64(time.Now().Add(valid).UnixMilli()) / 1000}
	for i := 0; i < len(more); i += 2 {
		claims[more[i].(string)] = more[i+1]
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return bearer(token)
}

func TestCredentialsSayWhoADeviceIs(t *testing.T) {
	n := start(t, withAuth)
	till := n.connect(wire.Connect{Credentials: bearer("till token"), Device: "d"})
	if till.accept.User != "till-7" || till.accept.Device != "d" || till.accept.ExpiresMS != 0 {
		t.Errorf("accepted as %+v", till.accept)
	}
	alice := n.connect(wire.Connect{Credentials: sign(t, "alice", time.Hour, "device", "phone", "groups", []string{"room.1"})})
	if alice.accept.User != "alice" || alice.accept.Device != "phone" || alice.accept.ExpiresMS == 0 {
		t.Errorf("accepted as %+v", alice.accept)
	}
	n.push("to the room", "push-to", "group:room.1")
	alice.gets("to the room")
	n.push("to tills", "push-to", "all", "push-platform", "pos")
	till.gets("to tills")
}

func TestCredentialsThatDoNotHoldAreRejected(t *testing.T) {
	n := start(t, withAuth)
	for _, c := range []struct {
		name    string
		connect wire.Connect
		code    wire.Code
	}{
		{"none", wire.Connect{User: "alice"}, wire.CodeUnauthorized},
		{"unknown token", wire.Connect{Credentials: bearer("what")}, wire.CodeUnauthorized},
		{"expired", wire.Connect{Credentials: sign(t, "alice", -time.Minute)}, wire.CodeTokenExpired},
		{"for another service", wire.Connect{Credentials: sign(t, "alice", time.Hour, "aud", "billing")}, wire.CodeUnauthorized},
		{"another user than it says", wire.Connect{User: "bob", Credentials: sign(t, "alice", time.Hour)}, wire.CodeClaimsMismatch},
		{"another device than it says", wire.Connect{Device: "desk", Credentials: sign(t, "alice", time.Hour, "device", "phone")}, wire.CodeClaimsMismatch},
		{"another platform than it says", wire.Connect{Platform: "ios", Credentials: bearer("till token")}, wire.CodeClaimsMismatch},
	} {
		d := n.dial(c.connect)
		if r := d.rejected(c.code); (r.Reconnect.Rule == wire.ReconnectNo) != c.code.Terminal() {
			t.Errorf("%s: code %d with the rule %+v", c.name, r.Code, r.Reconnect)
		}
		if f := d.next(); f != nil {
			t.Errorf("%s: %T after REJECT", c.name, f)
		}
	}
	if got := n.metric(`pushcore_rejects_total{code="4501",plugin="tcp"}`); got != "3" {
		t.Errorf("rejects with 4501: %q", got)
	}
}

func TestExpiredCredentialsCloseUnlessRefreshed(t *testing.T) {
	n := start(t, withAuth)
	kept := n.connect(wire.Connect{Credentials: sign(t, "alice", 1500*time.Millisecond), Device: "kept"})
	lost := n.connect(wire.Connect{Credentials: sign(t, "alice", 1500*time.Millisecond), Device: "lost"})
	kept.send(&wire.Refresh{Credentials: sign(t, "bob", time.Hour)})
	if r := expect[wire.Refreshed](kept); r.Code != wire.CodeClaimsMismatch || r.ExpiresMS != kept.accept.ExpiresMS {
		t.Errorf("another user's token: %+v", r)
	}
	kept.send(&wire.Refresh{Credentials: sign(t, "alice", time.Hour)})
	if r := expect[wire.Refreshed](kept); r.Code != 0 || r.ExpiresMS <= kept.accept.ExpiresMS {
		t.Errorf("refreshed: %+v", r)
	}
	lost.closed(wire.CodeTokenExpired)
	n.push("still here", "push-to", "user:alice")
	kept.gets("still here")
}

func TestPlatformPolicyTellsTheLoser(t *testing.T) {
	n := start(t, listeners+`
sessions: { platforms: { phone: { max: 1, wins: newest }, tv: { max: 1, wins: oldest } } }
`)
	connect := func(platform, device string) *device {
		return n.dial(wire.Connect{User: "alice", Device: device, Platform: platform})
	}
	first, second := connect("phone", "1"), (*device)(nil)
	expect[wire.Accept](first)
	second = connect("phone", "2")
	expect[wire.Accept](second)
	if c := first.closed(wire.CodePlatformLimit); c.Reconnect.Rule != wire.ReconnectNo {
		t.Errorf("the loser may reconnect: %+v", c.Reconnect)
	}
	expect[wire.Accept](connect("tv", "1"))
	if r := connect("tv", "2").rejected(wire.CodePlatformLimit); r.Reconnect.Rule != wire.ReconnectNo {
		t.Errorf("the refused one may reconnect: %+v", r.Reconnect)
	}
	expect[wire.Accept](connect("desk", "1"))
}

func TestKeysOpenWhatTheirScopesSay(t *testing.T) {
	n := start(t, settings+fmt.Sprintf(`
http: { listen: 127.0.0.1:0, keys: [
  { name: p, sha256: "%s", scopes: [push] }, { name: c, sha256: "%s", scopes: [control] },
  { name: r, sha256: "%s", scopes: [read] }, { name: a, sha256: "%s", scopes: [push, control, read, admin] } ] }
`, hashOf("p"), hashOf("c"), hashOf("r"), hashOf("a"))+plugins)
	calls := []struct {
		method, path string
		headers      []string
		keys         string // those that open it
	}{
		{http.MethodPost, "/v1/push", []string{"push-to", "user:x"}, "pa"},
		{http.MethodPost, "/v1/push", []string{"push-op", "join", "push-group", "g", "push-to", "user:x"}, "ca"},
		{http.MethodPut, "/v1/groups/g/members/x", nil, "ca"},
		{http.MethodGet, "/v1/sessions", nil, "ra"},
		{http.MethodGet, "/metrics", nil, "ra"},
		{http.MethodDelete, "/v1/users/x", nil, "ca"},
		{http.MethodGet, "/debug/pprof/cmdline", nil, "a"},
		{http.MethodGet, "/livez", nil, "pcra"},
		{http.MethodGet, "/readyz", nil, "pcra"},
	}
	for _, c := range calls {
		for _, key := range []string{"p", "c", "r", "a", "", "unknown"} {
			n.key = key
			status, answer := n.call(c.method, c.path, "", c.headers...)
			open := len(c.keys) == 4 || (len(key) == 1 && strings.Contains(c.keys, key))
			switch {
			case open && status >= 300:
				t.Errorf("%s %s with key %q: %d %s", c.method, c.path, key, status, answer)
			case !open && len(key) == 1 && status != http.StatusForbidden && status != http.StatusBadRequest:
				t.Errorf("%s %s with key %q: %d, want 403: %s", c.method, c.path, key, status, answer)
			case !open && len(key) != 1 && status != http.StatusUnauthorized:
				t.Errorf("%s %s with key %q: %d, want 401: %s", c.method, c.path, key, status, answer)
			}
		}
	}
	n.key = "a"
}
