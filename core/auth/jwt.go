package auth

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"

	"github.com/pushcore/pushcore/sdk/wire"
)

// Issuer is one party whose JWTs are accepted, chosen by the token's `iss`.
// Exactly one of JWKSURL, JWKSFile and Keys is set.
type Issuer struct {
	Name     string // value of iss
	Audience string // value that aud must hold; empty: not checked
	JWKSURL  string
	JWKSFile string
	Keys     []Key
	Claims   Claims
}

// Key is one verification key.
type Key struct {
	ID        string // kid; a token without kid is tried against every key of its algorithm
	Algorithm string // HS256 … EdDSA
	Secret    []byte // HS*
	PublicPEM []byte // the others
}

// Claims names the claims to read; empty ones have the defaults sub, device,
// platform, groups.
type Claims struct{ User, Device, Platform, Groups string }

// algorithms are those accepted, never "none".
var algorithms = []string{
	"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
	"ES256", "ES384", "ES512", "EdDSA",
}

// tokenBytesMax bounds what is parsed at all.
const tokenBytesMax = 16 << 10

type jwtVerifier struct {
	issuers map[string]*issuer
	parser  *jwt.Parser // without verification, to read iss
}

type issuer struct {
	Issuer
	parser *jwt.Parser
	keySet
}

// keySet finds an issuer's keys; known says whether there are any yet, for a key
// server may not have answered so far.
type keySet struct {
	find  jwt.Keyfunc
	known func() bool
}

func newJWTVerifier(ctx context.Context, cfg Config) (*jwtVerifier, error) {
	v := &jwtVerifier{issuers: map[string]*issuer{}, parser: jwt.NewParser()}
	for _, i := range cfg.JWT {
		in, err := newIssuer(ctx, i, cfg)
		if err != nil {
			return nil, fmt.Errorf("keys of issuer %q: %w", i.Name, err)
		}
		v.issuers[i.Name] = in
	}
	return v, nil
}

func newIssuer(ctx context.Context, i Issuer, cfg Config) (*issuer, error) {
	opts := []jwt.ParserOption{
		jwt.WithValidMethods(algorithms), jwt.WithExpirationRequired(), jwt.WithIssuer(i.Name),
		jwt.WithLeeway(cfg.Leeway), jwt.WithTimeFunc(cfg.Now),
	}
	if i.Audience != "" {
		opts = append(opts, jwt.WithAudience(i.Audience))
	}
	i.Claims.setDefaults()
	keys, err := keysOf(ctx, i, cfg)
	return &issuer{i, jwt.NewParser(opts...), keys}, err
}

func keysOf(ctx context.Context, i Issuer, cfg Config) (keySet, error) {
	always := func() bool { return true }
	switch {
	case i.JWKSURL != "":
		k, err := keyfunc.NewDefaultOverrideCtx(ctx, []string{i.JWKSURL}, keyfunc.Override{
			Client:                  cfg.HTTP,
			HTTPTimeout:             10 * time.Second,
			RateLimitWaitMax:        5 * time.Second,
			RefreshErrorHandlerFunc: refreshLogger(cfg.Log),
		})
		if err != nil {
			return keySet{}, err
		}
		return keySet{k.KeyfuncCtx(ctx), func() bool {
			keys, err := k.Storage().KeyReadAll(ctx)
			return err == nil && len(keys) > 0
		}}, nil
	case i.JWKSFile != "":
		raw, err := os.ReadFile(i.JWKSFile)
		if err != nil {
			return keySet{}, err
		}
		k, err := keyfunc.NewJWKSetJSON(json.RawMessage(raw))
		if err != nil {
			return keySet{}, fmt.Errorf("%s: %w", i.JWKSFile, err)
		}
		return keySet{k.Keyfunc, always}, nil
	default:
		find, err := staticKeys(i.Keys)
		return keySet{find, always}, err
	}
}

func refreshLogger(log *slog.Logger) func(string) func(context.Context, error) {
	return func(url string) func(context.Context, error) {
		return func(_ context.Context, err error) {
			log.Warn("reading the key set failed; the keys known so far stay", "url", url, "error", err)
		}
	}
}

func (c *Claims) setDefaults() {
	for _, d := range []struct {
		field *string
		name  string
	}{{&c.User, "sub"}, {&c.Device, "device"}, {&c.Platform, "platform"}, {&c.Groups, "groups"}} {
		if *d.field == "" {
			*d.field = d.name
		}
	}
}

type parsedKey struct {
	id, algorithm string
	key           crypto.PublicKey // []byte for HS*
}

func staticKeys(keys []Key) (jwt.Keyfunc, error) {
	parsed := make([]parsedKey, 0, len(keys))
	for _, k := range keys {
		pub, err := parseKey(k)
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", k.ID, err)
		}
		parsed = append(parsed, parsedKey{k.ID, k.Algorithm, pub})
	}
	return func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		var set jwt.VerificationKeySet
		for _, k := range parsed {
			if k.algorithm == t.Method.Alg() && (kid == "" || k.id == "" || k.id == kid) {
				set.Keys = append(set.Keys, k.key)
			}
		}
		if len(set.Keys) == 0 {
			return nil, fmt.Errorf("no key %q for %s", kid, t.Method.Alg())
		}
		return set, nil
	}, nil
}

func parseKey(k Key) (crypto.PublicKey, error) {
	switch {
	case strings.HasPrefix(k.Algorithm, "HS"):
		if len(k.Secret) == 0 {
			return nil, errors.New("has no secret")
		}
		return k.Secret, nil
	case strings.HasPrefix(k.Algorithm, "RS"), strings.HasPrefix(k.Algorithm, "PS"):
		return jwt.ParseRSAPublicKeyFromPEM(k.PublicPEM)
	case strings.HasPrefix(k.Algorithm, "ES"):
		return jwt.ParseECPublicKeyFromPEM(k.PublicPEM)
	case k.Algorithm == "EdDSA":
		return jwt.ParseEdPublicKeyFromPEM(k.PublicPEM)
	}
	return nil, fmt.Errorf("algorithm %q is not one of %s", k.Algorithm, strings.Join(algorithms, ", "))
}

// mayBeOurs says whether a token has the form of a JWT and there are issuers to
// ask. It reads nothing of it.
func (v *jwtVerifier) mayBeOurs(token string) bool {
	return len(v.issuers) > 0 && len(token) <= tokenBytesMax && strings.Count(token, ".") == 2
}

// issuerOf reads, without trusting it, which issuer a token names; nil if it is
// no JWT of a configured issuer.
func (v *jwtVerifier) issuerOf(token string) *issuer {
	var claims jwt.RegisteredClaims
	if _, _, err := v.parser.ParseUnverified(token, &claims); err != nil {
		return nil
	}
	return v.issuers[claims.Issuer]
}

// verify checks signature, times and audience and reads the identity.
func (v *jwtVerifier) verify(i *issuer, token string) (Identity, error) {
	claims := jwt.MapClaims{}
	if _, err := i.parser.ParseWithClaims(token, claims, i.find); err != nil {
		return Identity{}, i.refusal(err)
	}
	if _, reserved := claims["tenant"]; reserved {
		return Identity{}, refuse(wire.CodeUnauthorized, "the claim tenant is reserved")
	}
	return i.Claims.identity(claims)
}

// refusal tells a token that has run out from one that is wrong, and both from
// keys that nobody could read yet.
func (i *issuer) refusal(err error) error {
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return refuse(wire.CodeTokenExpired, "the token has expired")
	case errors.Is(err, jwt.ErrTokenUnverifiable) && !i.known():
		return fmt.Errorf("no keys of issuer %q known yet: %w", i.Name, err)
	default:
		return refuse(wire.CodeUnauthorized, "the token is not valid: "+err.Error())
	}
}

func (c *Claims) identity(claims jwt.MapClaims) (Identity, error) {
	var id Identity
	for _, f := range []struct {
		field *string
		claim string
	}{{&id.User, c.User}, {&id.Device, c.Device}, {&id.Platform, c.Platform}} {
		value, present := claims[f.claim]
		s, isString := value.(string)
		if present && !isString {
			return id, refuse(wire.CodeUnauthorized, "claim "+f.claim+" is not a string")
		}
		*f.field = s
	}
	if id.User == "" {
		return id, refuse(wire.CodeUnauthorized, "claim "+c.User+" is missing")
	}
	groups, err := stringList(claims[c.Groups])
	if err != nil {
		return id, refuse(wire.CodeUnauthorized, "claim "+c.Groups+" is not a list of strings")
	}
	id.Groups = groups
	if exp, err := claims.GetExpirationTime(); err == nil && exp != nil {
		id.Expires = exp.Time
	}
	return id, nil
}

func stringList(v any) ([]string, error) {
	if v == nil {
		return nil, nil
	}
	list, ok := v.([]any)
	if !ok {
		return nil, errors.New("not a list")
	}
	out := make([]string, 0, len(list))
	for _, e := range list {
		s, ok := e.(string)
		if !ok {
			return nil, errors.New("not strings")
		}
		out = append(out, s)
	}
	return out, nil
}
