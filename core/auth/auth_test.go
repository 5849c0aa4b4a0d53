package auth

import (
	"context"
	"crypto/sha256"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ask runs one request through an authenticator made of cfg.
func ask(t *testing.T, cfg Config, r shard.AuthRequest) *shard.AuthResult {
	t.Helper()
	got := make(chan *shard.AuthResult, 1)
	a, err := New(cfg, func(_ int, r *shard.AuthResult) { got <- r })
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	a.Submit([]shard.AuthRequest{r})
	return <-got
}

func connect(c sdk.Connect) shard.AuthRequest { return shard.AuthRequest{Conn: 7, Connect: &c} }

func bearer(token string) sdk.Credentials {
	return sdk.Credentials{Kind: sdk.CredentialBearer, Token: token}
}

func wantCode(t *testing.T, r *shard.AuthResult, code wire.Code) {
	t.Helper()
	if r.Code != uint16(code) {
		t.Fatalf("code %d (%s), want %d", r.Code, r.Text, code)
	}
}

func TestNoneTakesDevicesAtTheirWord(t *testing.T) {
	r := ask(t, Config{None: true}, connect(sdk.Connect{User: "alice", Device: "d1", Platform: "phone"}))
	wantCode(t, r, 0)
	if r.User != "alice" || r.Device != "d1" || r.Platform != "phone" || r.Conn != 7 {
		t.Fatalf("got %+v", r)
	}
}

func TestUserIsNeeded(t *testing.T) {
	wantCode(t, ask(t, Config{None: true}, connect(sdk.Connect{})), wire.CodeUnauthorized)
}

func TestIDsAreChecked(t *testing.T) {
	for name, c := range map[string]sdk.Connect{
		"long user":      {User: strings.Repeat("x", 256)},
		"control":        {User: "a\x00b"},
		"invalid UTF-8":  {User: "a\xff"},
		"control device": {User: "a", Device: "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			wantCode(t, ask(t, Config{None: true}, connect(c)), wire.CodeBadRequest)
		})
	}
}

func TestStaticToken(t *testing.T) {
	cfg := Config{Static: []Static{{SHA256: sha256.Sum256([]byte("s3cret")), User: "till-7", Platform: "pos", Groups: []string{"tills"}}}}
	r := ask(t, cfg, connect(sdk.Connect{Credentials: bearer("s3cret"), Device: "left"}))
	wantCode(t, r, 0)
	if r.User != "till-7" || r.Platform != "pos" || r.Device != "left" || len(r.Groups) != 1 {
		t.Fatalf("got %+v", r)
	}
	wantCode(t, ask(t, cfg, connect(sdk.Connect{Credentials: bearer("other")})), wire.CodeUnauthorized)
	wantCode(t, ask(t, cfg, connect(sdk.Connect{})), wire.CodeUnauthorized)
}

func TestClaimsWinOverWhatTheDeviceSays(t *testing.T) {
	cfg := Config{Static: []Static{{SHA256: sha256.Sum256([]byte("s")), User: "u", Platform: "pos"}}}
	for name, c := range map[string]sdk.Connect{
		"other user":     {User: "v"},
		"other platform": {Platform: "phone"},
	} {
		t.Run(name, func(t *testing.T) {
			c.Credentials = bearer("s")
			wantCode(t, ask(t, cfg, connect(c)), wire.CodeClaimsMismatch)
		})
	}
	wantCode(t, ask(t, cfg, connect(sdk.Connect{Credentials: bearer("s"), User: "u", Platform: "pos"})), 0)
}

func TestRefreshKeepsTheUser(t *testing.T) {
	cfg := Config{Static: []Static{{SHA256: sha256.Sum256([]byte("s")), User: "u"}}}
	req := connect(sdk.Connect{Credentials: bearer("s")})
	req.Refresh, req.User = true, "u"
	wantCode(t, ask(t, cfg, req), 0)
	req.User = "somebody"
	wantCode(t, ask(t, cfg, req), wire.CodeClaimsMismatch)
}

func TestFullQueueTellsDevicesToComeBack(t *testing.T) {
	release := make(chan struct{})
	asked := make(chan struct{}, 8)
	server := slowCallback(t, asked, release)
	answers := make(chan *shard.AuthResult, 8)
	a, err := New(Config{
		Callback: &Callback{URL: server, Concurrency: 1, Timeout: time.Minute}, QueueMax: 1,
	}, func(_ int, r *shard.AuthResult) { answers <- r })
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	one := connect(sdk.Connect{Credentials: bearer("x")})
	a.Submit([]shard.AuthRequest{one})
	<-asked // The only worker is busy now; one more fits the queue.
	a.Submit([]shard.AuthRequest{one, one})
	wantCode(t, <-answers, wire.CodeOverloaded)
	close(release)
	wantCode(t, <-answers, 0)
	wantCode(t, <-answers, 0)
}

func TestStaticTokenMayLookLikeAJWT(t *testing.T) {
	cfg := withKeys(Key{ID: "a", Algorithm: "HS256", Secret: []byte("k")})
	cfg.Static = []Static{{SHA256: sha256.Sum256([]byte("a.b.c")), User: "till-7"}}
	if r := ask(t, cfg, connect(sdk.Connect{Credentials: bearer("a.b.c")})); r.User != "till-7" {
		t.Errorf("got %+v", r)
	}
}

// TestTokensAreNotReadOnTheLoop keeps the workers busy: what is answered all the
// same was read by the caller.
func TestTokensAreNotReadOnTheLoop(t *testing.T) {
	cfg := withKeys(Key{ID: "a", Algorithm: "HS256", Secret: []byte("k")})
	cfg.Workers = 1
	got := make(chan *shard.AuthResult, 1)
	a, err := New(cfg, func(_ int, r *shard.AuthResult) { got <- r })
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	free := make(chan struct{})
	a.signatures.do(func(context.Context) { <-free })
	a.Submit([]shard.AuthRequest{connect(sdk.Connect{Credentials: bearer("no.json.there")})})
	select {
	case r := <-got:
		t.Errorf("answered by the caller: %+v", r)
	default:
	}
	close(free)
	wantCode(t, <-got, wire.CodeUnauthorized)
}

func TestCallsHaveAClientOfTheirOwn(t *testing.T) {
	cfg := Config{Callback: &Callback{URL: "http://127.0.0.1:1", Concurrency: 7}}
	cfg.setDefaults()
	transport, _ := cfg.HTTP.Transport.(*http.Transport)
	if cfg.HTTP == http.DefaultClient || transport == nil || transport == http.DefaultTransport || transport.MaxIdleConnsPerHost != 7 {
		t.Errorf("client %+v", cfg.HTTP)
	}
}
