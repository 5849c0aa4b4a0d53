package admin

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// fakeNode answers with what a test put there and keeps what it was asked.
type fakeNode struct {
	pushed  []sdk.Record
	input   Input
	result  PushResult
	query   SessionQuery
	ready   error
	drain   Drain
	where   WhereQuery
	found   Whereabouts
	failure error
}

func (n *fakeNode) Push(_ context.Context, records []sdk.Record, in Input) []PushResult {
	n.pushed, n.input = append(n.pushed, records...), in
	out := make([]PushResult, len(records))
	for i := range out {
		out[i] = n.result
		if strings.Contains(string(records[i].Body), "bad") {
			out[i] = PushResult{Code: "bad_record", Field: "to", Detail: "no"}
		}
	}
	return out
}

func (n *fakeNode) Sessions(_ context.Context, q SessionQuery) ([]Session, string, error) {
	n.query = q
	return []Session{{ID: "s1", User: "u", State: "attached"}}, "s1", n.failure
}

func (n *fakeNode) Kick(context.Context, string) (int, error)  { return 2, n.failure }
func (n *fakeNode) Erase(context.Context, string) (int, error) { return 3, n.failure }
func (n *fakeNode) Forget(_ context.Context, user, device string) (int, error) {
	return len(user) + len(device), n.failure
}
func (n *fakeNode) Drain(context.Context) (Drain, error) { return n.drain, n.failure }

func (n *fakeNode) Upgrade(context.Context) error { return n.failure }

func (n *fakeNode) About() About { return About{Name: "n1", Version: "1", Run: "a", PID: 7} }

func (n *fakeNode) UpgradePlugin(_ context.Context, name, sum string) (PluginUpgrade, error) {
	switch name {
	case "orders":
		return PluginUpgrade{}, ErrInCore
	case "broken":
		return PluginUpgrade{}, errors.New("plugins.broken: it exited with status 1")
	case "mqtt":
		return PluginUpgrade{Plugin: name, Processes: []ProcessUpgrade{{Way: HandedOver, Connections: 3, PauseMS: 1.5, From: "1", To: "2" + sum[:min(1, len(sum))]}}}, nil
	}
	return PluginUpgrade{}, ErrNotFound
}
func (n *fakeNode) Oldest(context.Context) ([]OldestOpen, error) { return nil, n.failure }
func (n *fakeNode) Where(_ context.Context, q WhereQuery) (Whereabouts, error) {
	n.where = q
	return n.found, n.failure
}
func (n *fakeNode) Ready() error                                   { return n.ready }
func (n *fakeNode) User(_ context.Context, u string) (User, error) { return User{User: u}, n.failure }
func (n *fakeNode) Group(_ context.Context, g string) (Group, error) {
	return Group{Group: g}, n.failure
}

type call struct {
	method, path, body string
	header             http.Header
}

func (c call) on(h http.Handler) *http.Response {
	r := httptest.NewRequest(c.method, "http://127.0.0.1:8080"+c.path, strings.NewReader(c.body))
	for k, v := range c.header {
		r.Header[k] = v
	}
	if host := c.header.Get("Host"); host != "" {
		r.Host = host
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func wantStatus(t *testing.T, res *http.Response, status int) string {
	t.Helper()
	body, _ := io.ReadAll(res.Body)
	if res.StatusCode != status {
		t.Fatalf("status %d, want %d: %s", res.StatusCode, status, body)
	}
	return string(body)
}

func wantProblem(t *testing.T, res *http.Response, status int, code string) {
	t.Helper()
	body := wantStatus(t, res, status)
	var p Problem
	if err := json.Unmarshal([]byte(body), &p); err != nil || p.Code != code || res.Header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("got %s (%s), want problem %s", body, res.Header.Get("Content-Type"), code)
	}
}

func TestPushHandsOverHeadersAndBodyAsTheyAre(t *testing.T) {
	n := &fakeNode{result: PushResult{ID: "m1", Safe: "acked"}}
	res := call{"POST", "/v1/push", "\x00\xff{", http.Header{
		"Push-To": {"user:a", "group:b"}, "Content-Type": {"text/plain"}, "Cookie": {"x"}, "Accept": {"*/*"},
	}}.on(New(Config{}, n).API(false))
	if body := wantStatus(t, res, 202); body != `{"id":"m1","safe":"acked"}`+"\n" {
		t.Fatalf("got %s", body)
	}
	var got []string
	for _, h := range n.pushed[0].Headers {
		got = append(got, h.Name+"="+string(h.Value))
	}
	sort.Strings(got)
	if want := "[content-type=text/plain push-to=group:b push-to=user:a]"; fmt.Sprint(got) != want || string(n.pushed[0].Body) != "\x00\xff{" {
		t.Fatalf("got %v %q", got, n.pushed[0].Body)
	}
}

func TestPushResultsAsStatus(t *testing.T) {
	for code, status := range map[string]int{
		"bad_record": 400, "bad_address": 400, "id_conflict": 409, "too_large": 413, "overloaded": 503, "draining": 503, "timeout": 503, "store_unavailable": 503,
	} {
		t.Run(code, func(t *testing.T) {
			n := &fakeNode{result: PushResult{Code: code, RetryAfter: 3 * time.Second}}
			res := call{method: "POST", path: "/v1/push"}.on(New(Config{}, n).API(false))
			if status == 503 && res.Header.Get("Retry-After") != "3" {
				t.Errorf("Retry-After %q", res.Header.Get("Retry-After"))
			}
			wantProblem(t, res, status, code)
		})
	}
}

func TestPushBodyIsBounded(t *testing.T) {
	n := &fakeNode{}
	res := call{method: "POST", path: "/v1/push", body: "12345"}.on(New(Config{PayloadMax: 4}, n).API(false))
	wantProblem(t, res, 413, "too_large")
	if n.pushed != nil {
		t.Fatal("it was pushed all the same")
	}
}

func TestBatchAnswersLineByLine(t *testing.T) {
	n := &fakeNode{result: PushResult{ID: "m", Safe: "stored"}}
	body := `{"to":"user:a"}` + "\n\n" + `{"bad":1}` + "\r\n" + `{"to":"user:b"}`
	got := wantStatus(t, call{method: "POST", path: "/v1/push/batch", body: body}.on(New(Config{}, n).API(false)), 200)
	want := `{"results":[{"status":202,"id":"m","safe":"stored"},{"status":400,"code":"bad_record","field":"to","detail":"no"},{"status":202,"id":"m","safe":"stored"}]}`
	if strings.TrimSpace(got) != want || !n.input.JSON {
		t.Fatalf("got %s", got)
	}
}

func TestBatchIsBounded(t *testing.T) {
	res := call{method: "POST", path: "/v1/push/batch", body: strings.Repeat("{}\n", 1001)}.on(New(Config{}, &fakeNode{}).API(false))
	wantProblem(t, res, 413, "too_large")
}

func keyed(scopes ...Scope) Config {
	return Config{Keys: []Key{{Name: "k", SHA256: sha256.Sum256([]byte("secret")), Scopes: scopes}}}
}

func with(token string) http.Header {
	h := http.Header{}
	if token != "" {
		h.Set("Authorization", "Bearer "+token)
	}
	return h
}

func TestKeysAndScopes(t *testing.T) {
	for name, tc := range map[string]struct {
		cfg          Config
		method, path string
		token        string
		status       int
		code         string
	}{
		"no key":              {keyed(ScopePush), "POST", "/v1/push", "", 401, "unauthorized"},
		"wrong key":           {keyed(ScopePush), "POST", "/v1/push", "x", 401, "unauthorized"},
		"right key":           {keyed(ScopePush), "POST", "/v1/push", "secret", 202, ""},
		"scope missing":       {keyed(ScopePush), "GET", "/v1/sessions", "secret", 403, "forbidden"},
		"read":                {keyed(ScopeRead), "GET", "/v1/sessions", "secret", 200, ""},
		"kick needs control":  {keyed(ScopeRead, ScopePush), "DELETE", "/v1/users/u/sessions", "secret", 403, "forbidden"},
		"pprof needs admin":   {keyed(ScopeRead, ScopePush, ScopeControl), "GET", "/debug/pprof/cmdline", "secret", 403, "forbidden"},
		"health needs none":   {keyed(ScopeRead), "GET", "/livez", "", 200, ""},
		"openapi needs none":  {keyed(ScopeRead), "GET", "/openapi.json", "", 200, ""},
		"no keys: all passes": {Config{}, "DELETE", "/v1/users/u/sessions", "", 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			res := call{method: tc.method, path: tc.path, header: with(tc.token)}.on(New(tc.cfg, &fakeNode{}).API(false))
			if tc.code != "" {
				wantProblem(t, res, tc.status, tc.code)
				return
			}
			wantStatus(t, res, tc.status)
		})
	}
}

func TestKeyDecidesWhatARecordMayBe(t *testing.T) {
	for _, tc := range []struct {
		scopes []Scope
		want   Input
	}{
		{[]Scope{ScopePush}, Input{Push: true}},
		{[]Scope{ScopeControl}, Input{Control: true}},
		{[]Scope{ScopePush, ScopeControl}, Input{Push: true, Control: true}},
	} {
		n := &fakeNode{}
		call{method: "POST", path: "/v1/push", header: with("secret")}.on(New(keyed(tc.scopes...), n).API(false))
		if n.input != tc.want {
			t.Errorf("%v: %+v", tc.scopes, n.input)
		}
	}
}

func TestUnauthenticatedListenerIsClosedToForeignPages(t *testing.T) {
	for name, tc := range map[string]struct {
		cfg          Config
		host, origin string
		status       int
	}{
		"curl":          {Config{}, "127.0.0.1:8080", "", 200},
		"localhost":     {Config{}, "localhost:8080", "http://localhost:3000", 200},
		"IPv6":          {Config{}, "[::1]:8080", "", 200},
		"rebound name":  {Config{}, "evil.example:8080", "", 403},
		"foreign page":  {Config{}, "127.0.0.1:8080", "https://evil.example", 403},
		"opaque origin": {Config{}, "127.0.0.1:8080", "null", 403},
		"keys decide":   {keyed(ScopeRead), "node.example", "", 200},
	} {
		t.Run(name, func(t *testing.T) {
			h := with("secret")
			h.Set("Host", tc.host)
			if tc.origin != "" {
				h.Set("Origin", tc.origin)
			}
			wantStatus(t, call{method: "GET", path: "/v1/sessions", header: h}.on(New(tc.cfg, &fakeNode{}).API(false)), tc.status)
		})
	}
}

func TestCORSOnlyForConfiguredOrigins(t *testing.T) {
	cfg := keyed(ScopeRead)
	cfg.CORSOrigins = []string{"https://ops.example"}
	for origin, want := range map[string]string{"https://ops.example": "https://ops.example", "https://evil.example": ""} {
		res := call{method: "OPTIONS", path: "/v1/sessions", header: http.Header{"Origin": {origin}}}.on(New(cfg, &fakeNode{}).API(false))
		if got := res.Header.Get("Access-Control-Allow-Origin"); got != want {
			t.Errorf("%s: allowed %q", origin, got)
		}
	}
}

func TestSessionsParameters(t *testing.T) {
	n := &fakeNode{}
	api := New(Config{}, n).API(false)
	body := wantStatus(t, call{method: "GET", path: "/v1/sessions?user=a%20b&plugin=tcp&limit=5&after=x"}.on(api), 200)
	if n.query != (SessionQuery{"a b", "tcp", 5, "x"}) || !strings.Contains(body, `"next":"s1"`) {
		t.Fatalf("%+v %s", n.query, body)
	}
	for _, bad := range []string{"limit=0", "limit=x", "limit=1001", "usr=a"} {
		wantProblem(t, call{method: "GET", path: "/v1/sessions?" + bad}.on(api), 400, "bad_request")
	}
}

func TestMembershipsAreControlRecords(t *testing.T) {
	n := &fakeNode{}
	api := New(Config{}, n).API(false)
	wantStatus(t, call{method: "PUT", path: "/v1/groups/a%2Fb,c/members/x%2Cy"}.on(api), 204)
	var got []string
	for _, h := range n.pushed[0].Headers {
		got = append(got, h.Name+"="+string(h.Value))
	}
	if want := "[push-op=join push-group=a%2Fb%2Cc push-to=user:x%2Cy]"; fmt.Sprint(got) != want {
		t.Fatalf("got %v", got)
	}
}

func TestIDsOfThePathAreChecked(t *testing.T) {
	wantProblem(t, call{method: "GET", path: "/v1/users/a%00b"}.on(New(Config{}, &fakeNode{}).API(false)), 400, "bad_request")
}

func TestNodeThatCannotAnswer(t *testing.T) {
	n := &fakeNode{failure: errors.New("stopping")}
	wantProblem(t, call{method: "GET", path: "/v1/groups/g"}.on(New(Config{}, n).API(false)), 503, "unavailable")
}

func TestReadiness(t *testing.T) {
	n := &fakeNode{ready: errors.New("draining")}
	if body := wantStatus(t, call{method: "GET", path: "/readyz"}.on(New(Config{}, n).API(false)), 503); body != "" {
		t.Fatalf("it told strangers: %s", body)
	}
	n.ready = nil
	wantStatus(t, call{method: "GET", path: "/readyz"}.on(New(Config{}, n).API(false)), 200)
}

func TestOperationsMoveToTheirOwnListener(t *testing.T) {
	cfg := Config{Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "m 1") })}
	s := New(cfg, &fakeNode{})
	wantStatus(t, call{method: "GET", path: "/metrics"}.on(s.API(false)), 200)
	wantStatus(t, call{method: "GET", path: "/metrics"}.on(s.API(true)), 404)
	wantStatus(t, call{method: "GET", path: "/metrics"}.on(s.Ops()), 200)
	wantStatus(t, call{method: "GET", path: "/v1/sessions"}.on(s.Ops()), 404)
}

func TestOpenAPIDescribesTheRoutes(t *testing.T) {
	var doc struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(openAPI, &doc); err != nil {
		t.Fatal(err)
	}
	var described []string
	for path, methods := range doc.Paths {
		for method := range methods {
			described = append(described, strings.ToUpper(method)+" "+path)
		}
	}
	served := []string{"GET /livez", "GET /readyz", "GET /metrics"}
	for pattern := range New(Config{}, &fakeNode{}).routes() {
		served = append(served, pattern)
	}
	sort.Strings(described)
	sort.Strings(served)
	if d, s := fmt.Sprint(described), fmt.Sprint(served); d != s {
		t.Fatalf("described:\n%s\nserved:\n%s", d, s)
	}
}

func TestDrainTellsHowFarItIs(t *testing.T) {
	n := &fakeNode{drain: Drain{State: Draining, Devices: 7}}
	ask := call{method: "POST", path: "/v1/node/drain", header: with("secret")}
	if body := wantStatus(t, ask.on(New(keyed(ScopeAdmin), n).API(false)), 202); body != `{"state":"draining","devices":7}`+"\n" {
		t.Errorf("got %s", body)
	}
	n.drain = Drain{State: Drained}
	wantStatus(t, ask.on(New(keyed(ScopeAdmin), n).API(false)), 200)
	wantProblem(t, ask.on(New(keyed(ScopePush, ScopeControl, ScopeRead), n).API(false)), 403, "forbidden")
	n.failure = errors.New("the node is starting")
	wantProblem(t, ask.on(New(keyed(ScopeAdmin), n).API(false)), 503, "unavailable")
}
