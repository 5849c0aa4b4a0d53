package ws

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/pushcore/pushcore/plugins/internal/wsconn"
	"github.com/pushcore/pushcore/sdk"
)

// tokenName is the query parameter and the cookie that carry a token.
const tokenName = "token"

// credentialsOf are those that the request carries, in the order in which they
// are looked for: Authorization, the query's token, the cookie named token.
func credentialsOf(req *wsconn.Request) sdk.Credentials {
	if scheme, token, ok := strings.Cut(req.Authorization, " "); ok && strings.EqualFold(scheme, "bearer") {
		return sdk.Credentials{Kind: sdk.CredentialHeader, Token: strings.Clone(strings.TrimSpace(token))}
	}
	if user, password, ok := basic(req.Authorization); ok {
		return sdk.Credentials{Kind: sdk.CredentialBasic, User: user, Password: password}
	}
	if token := queryToken(req.RawQuery); token != "" {
		return sdk.Credentials{Kind: sdk.CredentialQuery, Token: token}
	}
	if token := cookieToken(req.Cookie); token != "" {
		return sdk.Credentials{Kind: sdk.CredentialCookie, Token: token}
	}
	return sdk.Credentials{}
}

func basic(authorization string) (user, password string, ok bool) {
	r := http.Request{Header: http.Header{"Authorization": {authorization}}}
	user, password, ok = r.BasicAuth()
	return strings.Clone(user), strings.Clone(password), ok
}

// queryToken is the first token of a query. What else stands in the query is not
// ours: that it cannot be decoded, as a whole parser would complain, keeps nobody
// out who has a token.
func queryToken(query string) string {
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if decoded, err := url.QueryUnescape(name); err != nil || decoded != tokenName {
			continue
		}
		if token, err := url.QueryUnescape(value); err == nil && token != "" {
			return strings.Clone(token)
		}
	}
	return ""
}

// cookieToken is the first cookie named token. Cookies of other applications on
// the same host come along, and not all of them are as the RFC wants them.
func cookieToken(cookies string) string {
	for pair := range strings.SplitSeq(cookies, ";") {
		name, value, _ := strings.Cut(pair, "=")
		if strings.TrimSpace(name) != tokenName {
			continue
		}
		value = strings.TrimSpace(value)
		if n := len(value); n >= 2 && value[0] == '"' && value[n-1] == '"' {
			value = value[1 : n-1]
		}
		if value != "" {
			return strings.Clone(value)
		}
	}
	return ""
}
