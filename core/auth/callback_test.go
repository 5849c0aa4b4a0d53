package auth

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// slowCallback says on asked that a request came and answers when release closes.
func slowCallback(t *testing.T, asked chan<- struct{}, release <-chan struct{}) string {
	return serve(t, func(w http.ResponseWriter, _ *http.Request) {
		asked <- struct{}{}
		<-release
		_, _ = w.Write([]byte(`{"user":"u"}`))
	})
}

func serve(t *testing.T, h http.HandlerFunc) string {
	s := httptest.NewServer(h)
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		s.Close()
	})
	return s.URL
}

func TestCallbackNamesTheDevice(t *testing.T) {
	var got callbackRequest
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewDecoder(r.Body).Decode(&got)
		_, _ = w.Write([]byte(`{"user":"alice","device":"d","platform":"phone","groups":["g"],"expires_at":"2030-01-02T03:04:05Z"}`))
	})
	r := ask(t, Config{Callback: &Callback{URL: url}}, connect(sdk.Connect{
		Credentials: sdk.Credentials{Kind: sdk.CredentialBasic, User: "a", Password: "p"},
		Meta:        []sdk.Meta{{Name: sdk.MetaPeer, Value: "127.0.0.1:1"}},
	}))
	wantCode(t, r, 0)
	if r.User != "alice" || r.Device != "d" || len(r.Groups) != 1 || !r.Expires.Equal(time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)) {
		t.Fatalf("got %+v", r)
	}
	if got.Credentials.Kind != "basic" || got.Credentials.Password != "p" || got.Meta["peer"] != "127.0.0.1:1" {
		t.Fatalf("the backend was told %+v", got)
	}
}

func TestCallbackAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		allow  bool
		want   wire.Code
	}{
		"refused":               {403, `{"code":4503,"text":"banned"}`, false, wire.CodeKicked},
		"refused without body":  {403, ``, false, wire.CodeUnauthorized},
		"refused with nonsense": {403, `{"code":200}`, true, wire.CodeUnauthorized},
		"fault":                 {500, ``, false, wire.CodeAuthUnavailable},
		"fault, allowed":        {500, ``, true, 0},
		"no user":               {200, `{}`, false, wire.CodeAuthUnavailable},
		"not JSON":              {200, `alice`, false, wire.CodeAuthUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tc.status)
				_, _ = w.Write([]byte(tc.body))
			})
			cfg := Config{Callback: &Callback{URL: url, AllowOnFail: tc.allow}}
			wantCode(t, ask(t, cfg, connect(sdk.Connect{User: "u", Credentials: bearer("t")})), tc.want)
		})
	}
}
