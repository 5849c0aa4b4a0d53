package auth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

var clock = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func claims(change jwt.MapClaims) jwt.MapClaims {
	c := jwt.MapClaims{"iss": "id", "aud": "pushcore", "sub": "alice", "device": "d1", "platform": "phone",
		"groups": []string{"g1", "g2"}, "exp": clock.Add(time.Hour).Unix()}
	for k, v := range change {
		if v == nil {
			delete(c, k)
		} else {
			c[k] = v
		}
	}
	return c
}

func sign(t *testing.T, m jwt.SigningMethod, kid string, key any, c jwt.MapClaims) string {
	t.Helper()
	tok := jwt.NewWithClaims(m, c)
	if kid != "" {
		tok.Header["kid"] = kid
	}
	s, err := tok.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func publicPEM(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func withKeys(keys ...Key) Config {
	return Config{JWT: []Issuer{{Name: "id", Audience: "pushcore", Keys: keys}}, Now: func() time.Time { return clock }}
}

func TestEveryAlgorithmFamily(t *testing.T) {
	rsaKey, _ := rsa.GenerateKey(rand.Reader, 2048)
	ecKey, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	edPub, edKey, _ := ed25519.GenerateKey(rand.Reader)
	secret := []byte("0123456789abcdef0123456789abcdef")
	for _, tc := range []struct {
		method jwt.SigningMethod
		sign   any
		key    Key
	}{
		{jwt.SigningMethodHS256, secret, Key{Secret: secret}},
		{jwt.SigningMethodRS256, rsaKey, Key{PublicPEM: publicPEM(t, &rsaKey.PublicKey)}},
		{jwt.SigningMethodPS256, rsaKey, Key{PublicPEM: publicPEM(t, &rsaKey.PublicKey)}},
		{jwt.SigningMethodES256, ecKey, Key{PublicPEM: publicPEM(t, &ecKey.PublicKey)}},
		{jwt.SigningMethodEdDSA, edKey, Key{PublicPEM: publicPEM(t, edPub)}},
	} {
		t.Run(tc.method.Alg(), func(t *testing.T) {
			tc.key.ID, tc.key.Algorithm = "a", tc.method.Alg()
			token := sign(t, tc.method, "a", tc.sign, claims(nil))
			r := ask(t, withKeys(tc.key), connect(sdk.Connect{Credentials: bearer(token)}))
			wantCode(t, r, 0)
			if r.User != "alice" || r.Device != "d1" || r.Platform != "phone" || len(r.Groups) != 2 || r.Expires.Unix() != clock.Add(time.Hour).Unix() {
				t.Fatalf("got %+v", r)
			}
		})
	}
}

func TestTokensThatAreRefused(t *testing.T) {
	secret := []byte("0123456789abcdef0123456789abcdef")
	cfg := withKeys(Key{ID: "a", Algorithm: "HS256", Secret: secret})
	for name, tc := range map[string]struct {
		token string
		want  wire.Code
	}{
		"expired":            {sign(t, jwt.SigningMethodHS256, "a", secret, claims(jwt.MapClaims{"exp": clock.Add(-time.Minute).Unix()})), wire.CodeTokenExpired},
		"within leeway":      {sign(t, jwt.SigningMethodHS256, "a", secret, claims(jwt.MapClaims{"exp": clock.Add(-10 * time.Second).Unix()})), 0},
		"no exp":             {sign(t, jwt.SigningMethodHS256, "a", secret, claims(jwt.MapClaims{"exp": nil})), wire.CodeUnauthorized},
		"other audience":     {sign(t, jwt.SigningMethodHS256, "a", secret, claims(jwt.MapClaims{"aud": "x"})), wire.CodeUnauthorized},
		"unknown issuer":     {sign(t, jwt.SigningMethodHS256, "a", secret, claims(jwt.MapClaims{"iss": "x"})), wire.CodeUnauthorized},
		"unknown key":        {sign(t, jwt.SigningMethodHS256, "b", secret, claims(nil)), wire.CodeUnauthorized},
		"other secret":       {sign(t, jwt.SigningMethodHS256, "a", []byte("wrong"), claims(nil)), wire.CodeUnauthorized},
		"other algorithm":    {sign(t, jwt.SigningMethodHS512, "a", secret, claims(nil)), wire.CodeUnauthorized},
		"none":               {sign(t, jwt.SigningMethodNone, "a", jwt.UnsafeAllowNoneSignatureType, claims(nil)), wire.CodeUnauthorized},
		"no user":            {sign(t, jwt.SigningMethodHS256, "a", secret, claims(jwt.MapClaims{"sub": nil})), wire.CodeUnauthorized},
		"user is a number":   {sign(t, jwt.SigningMethodHS256, "a", secret, claims(jwt.MapClaims{"sub": 5})), wire.CodeUnauthorized},
		"groups are a text":  {sign(t, jwt.SigningMethodHS256, "a", secret, claims(jwt.MapClaims{"groups": "g"})), wire.CodeUnauthorized},
		"tenant is reserved": {sign(t, jwt.SigningMethodHS256, "a", secret, claims(jwt.MapClaims{"tenant": "t"})), wire.CodeUnauthorized},
		"not a token":        {"abc", wire.CodeUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			wantCode(t, ask(t, cfg, connect(sdk.Connect{Credentials: bearer(tc.token)})), tc.want)
		})
	}
}

// An RSA public key must not pass as an HMAC secret.
func TestAlgorithmConfusionIsRefused(t *testing.T) {
	rsaKey, _ := rsa.GenerateKey(rand.Reader, 2048)
	pub := publicPEM(t, &rsaKey.PublicKey)
	token := sign(t, jwt.SigningMethodHS256, "a", pub, claims(nil))
	cfg := withKeys(Key{ID: "a", Algorithm: "RS256", PublicPEM: pub})
	wantCode(t, ask(t, cfg, connect(sdk.Connect{Credentials: bearer(token)})), wire.CodeUnauthorized)
}

func jwks(t *testing.T, kid string, key *ecdsa.PublicKey) []byte {
	t.Helper()
	b64 := base64.RawURLEncoding
	x, y := make([]byte, 32), make([]byte, 32)
	raw, err := key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	copy(x, raw[1:33])
	copy(y, raw[33:65])
	set, err := json.Marshal(map[string]any{"keys": []any{map[string]string{
		"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": kid, "x": b64.EncodeToString(x), "y": b64.EncodeToString(y),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestKeySetFromFileAndURL(t *testing.T) {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	set := jwks(t, "k1", &key.PublicKey)
	file := filepath.Join(t.TempDir(), "jwks.json")
	if err := os.WriteFile(file, set, 0o600); err != nil {
		t.Fatal(err)
	}
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(set) })
	token := sign(t, jwt.SigningMethodES256, "k1", key, claims(nil))
	for name, i := range map[string]Issuer{"file": {Name: "id", JWKSFile: file}, "url": {Name: "id", JWKSURL: url}} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{JWT: []Issuer{i}, Now: func() time.Time { return clock }}
			wantCode(t, ask(t, cfg, connect(sdk.Connect{Credentials: bearer(token)})), 0)
			other := sign(t, jwt.SigningMethodES256, "k1", mustEC(t), claims(nil))
			wantCode(t, ask(t, cfg, connect(sdk.Connect{Credentials: bearer(other)})), wire.CodeUnauthorized)
		})
	}
}

func mustEC(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKeyServerAwayIsNoRefusal(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	cfg := Config{JWT: []Issuer{{Name: "id", JWKSURL: url}}, Now: func() time.Time { return clock }}
	token := sign(t, jwt.SigningMethodES256, "", mustEC(t), claims(nil))
	wantCode(t, ask(t, cfg, connect(sdk.Connect{Credentials: bearer(token)})), wire.CodeAuthUnavailable)
}

func TestUnreadableKeysAreAnError(t *testing.T) {
	for name, i := range map[string]Issuer{
		"no file":     {Name: "id", JWKSFile: "/nonexistent"},
		"no PEM":      {Name: "id", Keys: []Key{{ID: "a", Algorithm: "RS256", PublicPEM: []byte("x")}}},
		"no secret":   {Name: "id", Keys: []Key{{ID: "a", Algorithm: "HS256"}}},
		"no such alg": {Name: "id", Keys: []Key{{ID: "a", Algorithm: "none"}}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := New(Config{JWT: []Issuer{i}}, nil); err == nil {
				t.Fatal("no error")
			}
		})
	}
}
