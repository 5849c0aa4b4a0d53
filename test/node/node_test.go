package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pushcore/pushcore/core"
	"github.com/pushcore/pushcore/core/config"
	"github.com/pushcore/pushcore/plugins/tcp"
	"github.com/pushcore/pushcore/plugins/ws"
	"github.com/pushcore/pushcore/sdk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come. Nothing is decided by it
// in a test that passes.
const patience = 20 * time.Second

// node is a running node and what a backend calls it with.
type node struct {
	t       *testing.T
	runtime *core.Runtime
	urls    map[string]string
	broker  *broker // plays the instance `mq`, if the configuration has one
	http    *http.Client
	key     string
	stopped bool

	dir, yaml string
}

// listeners is the configuration of a node without a broker, on two loops, so that
// most devices move once to the loop of their user. Nothing is sent again while a
// test looks, and devices that do not follow MOVE are not waited for.
const listeners = settings + "http: { listen: 127.0.0.1:0 }" + plugins

// The parts of listeners.
const (
	settings = `
node: { loops: 2, drain: { timeout: 1s } }
delivery: { retry: [60s] }
`
	plugins = `
plugins:
  tcp: { config: { listen: 127.0.0.1:0 } }
  ws: { config: { listen: 127.0.0.1:0 } }
`
)

// start runs a node. When the test ends its books must balance.
func start(t *testing.T, yaml string) *node {
	t.Helper()
	return startIn(t, t.TempDir(), yaml)
}

// startIn is start in a directory that another node has left.
func startIn(t *testing.T, dir, yaml string) *node {
	t.Helper()
	n := prepareIn(t, dir, yaml)
	if err := n.runtime.Start(); err != nil {
		t.Fatal(err)
	}
	for _, e := range n.runtime.Endpoints() {
		n.urls[e.Name] = e.URL
	}
	t.Cleanup(func() {
		if !n.stopped {
			n.balanced()
			n.stop()
		}
		n.http.CloseIdleConnections()
	})
	return n
}

// prepare builds a node without starting it.
func prepare(t *testing.T, yaml string) *node {
	t.Helper()
	return prepareIn(t, t.TempDir(), yaml)
}

func prepareIn(t *testing.T, dir, yaml string) *node {
	t.Helper()
	n := &node{t: t, dir: dir, yaml: yaml, urls: map[string]string{}, broker: newBroker(), http: &http.Client{Transport: &http.Transport{}}}
	file := filepath.Join(dir, "node.yaml")
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := core.Prepare(c, core.Registry{
		Transports: map[string]func() sdk.Transport{
			"tcp": func() sdk.Transport { return tcp.New() },
			"ws":  func() sdk.Transport { return ws.New() },
		},
		MQs: map[string]func() sdk.MQ{"fake": func() sdk.MQ { return n.broker }},
	}, core.PrepareOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if n.runtime, err = core.New(p, slog.New(slog.NewTextHandler(t.Output(), nil))); err != nil {
		t.Fatal(err)
	}
	return n
}

func (n *node) stop() {
	n.t.Helper()
	n.stopped = true
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := n.runtime.Stop(ctx); err != nil {
		n.t.Errorf("stop: %v", err)
	}
}

// call makes a request; headers are names and values.
func (n *node) call(method, path, body string, headers ...string) (int, []byte) {
	n.t.Helper()
	status, answer, err := n.try(method, path, body, headers...)
	if err != nil {
		n.t.Fatal(err)
	}
	return status, answer
}

func (n *node) try(method, path, body string, headers ...string) (int, []byte, error) {
	req, err := http.NewRequest(method, n.urls["http"]+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if n.key != "" {
		req.Header.Set("Authorization", "Bearer "+n.key)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	res, err := n.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	answer, err := io.ReadAll(res.Body)
	return res.StatusCode, answer, errors.Join(err, res.Body.Close())
}

// pushed is a push's answer.
type pushed struct{ ID, Safe, Code, Field, Detail string }

// push pushes a message and returns how it is safe; refusal fails the test.
func (n *node) push(body string, headers ...string) pushed {
	n.t.Helper()
	status, answer := n.call(http.MethodPost, "/v1/push", body, headers...)
	if status != http.StatusAccepted {
		n.t.Fatalf("push %q %v: %d %s", body, headers, status, answer)
	}
	return decode[pushed](n.t, answer)
}

// refused pushes what must be refused.
func (n *node) refused(status int, code string, headers ...string) pushed {
	n.t.Helper()
	got, answer := n.call(http.MethodPost, "/v1/push", "x", headers...)
	p := decode[pushed](n.t, answer)
	if got != status || p.Code != code {
		n.t.Errorf("push %v: got %d %s, want %d %s", headers, got, answer, status, code)
	}
	return p
}

func decode[T any](t *testing.T, b []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	return v
}

// metric is a sample's value as the node prints it, "" if there is none. name has
// its labels in alphabetical order: pushcore_sessions{state="attached"}.
func (n *node) metric(name string) string {
	n.t.Helper()
	status, text := n.call(http.MethodGet, "/metrics", "")
	if status != http.StatusOK {
		n.t.Fatalf("metrics: %d %s", status, text)
	}
	for line := range bytes.Lines(text) {
		if value, found := bytes.CutPrefix(line, []byte(name+" ")); found {
			return strings.TrimSpace(string(value))
		}
	}
	return ""
}

// becomes waits until a metric has a value.
func (n *node) becomes(name, value string) {
	n.t.Helper()
	last := ""
	n.until("metric "+name+" to be "+value, func() bool {
		last = n.metric(name)
		return last == value
	}, func() string { return "it is " + last })
}

// fated waits until so many pairs have ended so.
func (n *node) fated(count, class, fate, reason string) {
	n.t.Helper()
	n.becomes(`pushcore_fates_total{class="`+class+`",fate="`+fate+`",reason="`+reason+`"}`, count)
}

// balanced says that every (message, receiver) is accounted for.
func (n *node) balanced() {
	n.t.Helper()
	if got := n.metric("pushcore_books_difference"); got != "0" {
		n.t.Errorf("the books do not balance: the difference is %q", got)
	}
}

// until waits for a condition that no event tells of.
func (n *node) until(what string, done func() bool, say func() string) {
	n.t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.Now().Add(patience)
	for !done() {
		<-ticker.C
		if time.Now().After(deadline) {
			n.t.Fatalf("waited %v for %s; %s", patience, what, say())
		}
	}
}
