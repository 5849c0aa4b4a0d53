package ws

import (
	"testing"

	"github.com/pushcore/pushcore/plugins/internal/wsconn"
	"github.com/pushcore/pushcore/sdk"
)

func TestCredentialsOfTheRequest(t *testing.T) {
	for _, c := range []struct {
		name string
		req  wsconn.Request
		want sdk.Credentials
	}{
		{"none", wsconn.Request{}, sdk.Credentials{}},
		{"bearer", wsconn.Request{Authorization: "bearer  abc ", RawQuery: "token=other"}, sdk.Credentials{Kind: sdk.CredentialHeader, Token: "abc"}},
		{"basic", wsconn.Request{Authorization: "Basic YWxpY2U6c2VjcmV0"}, sdk.Credentials{Kind: sdk.CredentialBasic, User: "alice", Password: "secret"}},
		{"query", wsconn.Request{RawQuery: "a=b&token=x%2By+z&token=second", Cookie: "token=c"}, sdk.Credentials{Kind: sdk.CredentialQuery, Token: "x+y z"}},
		{"query beside what cannot be decoded", wsconn.Request{RawQuery: "bad=%zz&a;b&%2&token=abc"}, sdk.Credentials{Kind: sdk.CredentialQuery, Token: "abc"}},
		{"query whose token cannot be decoded", wsconn.Request{RawQuery: "token=%zz"}, sdk.Credentials{}},
		{"query with an empty token", wsconn.Request{RawQuery: "token=&tokens=x", Cookie: "token=c"}, sdk.Credentials{Kind: sdk.CredentialCookie, Token: "c"}},
		{"encoded name", wsconn.Request{RawQuery: "%74oken=abc"}, sdk.Credentials{Kind: sdk.CredentialQuery, Token: "abc"}},
		{"cookie", wsconn.Request{Cookie: "a=b; token=abc; c=d"}, sdk.Credentials{Kind: sdk.CredentialCookie, Token: "abc"}},
		{"cookie in quotes", wsconn.Request{Cookie: `token="abc"`}, sdk.Credentials{Kind: sdk.CredentialCookie, Token: "abc"}},
		{"cookie beside what is none", wsconn.Request{Cookie: `=x; na me=1; j={"a":"b,c"}; ; lonely; token=abc`}, sdk.Credentials{Kind: sdk.CredentialCookie, Token: "abc"}},
		{"cookie that holds an equals sign", wsconn.Request{Cookie: "token=YWJj=="}, sdk.Credentials{Kind: sdk.CredentialCookie, Token: "YWJj=="}},
		{"names are compared whole", wsconn.Request{Cookie: "Token=a; mytoken=b", RawQuery: "TOKEN=c"}, sdk.Credentials{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := credentialsOf(&c.req); got.Kind != c.want.Kind || got.Token != c.want.Token || got.User != c.want.User || got.Password != c.want.Password {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}
