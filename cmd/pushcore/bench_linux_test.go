package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/pushcore/pushcore/sdk/wire"
)

// benchNode is a node that does what a bench needs, and wrong what a test
// wants.
type benchNode struct {
	t      *testing.T
	url    string
	server string
	spoil  func(n int, deliver func()) // instead of deliver; n counts deliveries

	mu    sync.Mutex // guards the rest
	users map[string]*benchNodeUser
	order []string // users, as they came
	count int
}

type benchNodeUser struct {
	write   func([]byte) error // nil: away
	seq     uint64
	unacked []*wire.Push
}

func startBenchNode(t *testing.T, webSocket bool) *benchNode {
	n := &benchNode{t: t, users: map[string]*benchNodeUser{}, spoil: func(_ int, deliver func()) { deliver() }}
	httpServer := httptest.NewServer(http.HandlerFunc(n.batch))
	n.server = httpServer.URL
	t.Cleanup(httpServer.Close)
	if webSocket {
		devices := httptest.NewServer(http.HandlerFunc(n.serveWebSocket))
		t.Cleanup(devices.Close)
		n.url = "ws" + devices.URL[len("http"):] + "/connect"
		return n
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	n.url = "tcp://" + listener.Addr().String()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go n.serveStream(conn)
		}
	}()
	return n
}

func (n *benchNode) serveStream(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	var buf []byte
	n.serve(func() ([]byte, error) {
		for {
			frame, rest, err := wire.SplitFrame(buf, wire.FrameBytesDefault)
			if err == nil {
				buf = rest
				return frame, nil
			}
			b, err := in.ReadByte()
			if err != nil {
				return nil, err
			}
			buf = append(buf, b)
		}
	}, func(b []byte) error {
		_, err := conn.Write(wire.PrefixLength(b, 0))
		return err
	})
}

func (n *benchNode) serveWebSocket(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"pushcore.v1"}})
	if err != nil {
		n.t.Error(err)
		return
	}
	defer c.CloseNow()
	n.serve(func() ([]byte, error) {
		_, b, err := c.Read(r.Context())
		return b, err
	}, func(b []byte) error { return c.Write(r.Context(), websocket.MessageBinary, b) })
}

func (n *benchNode) serve(read func() ([]byte, error), write func([]byte) error) {
	b, err := read()
	var connect wire.Connect
	if err != nil || connect.Parse(b) != nil {
		return
	}
	resumed := len(connect.Resume.Session) > 0
	n.mu.Lock()
	u := n.users[connect.User]
	if u == nil {
		u = &benchNodeUser{}
		n.users[connect.User] = u
		n.order = append(n.order, connect.User)
	}
	_ = write((&wire.Accept{Session: []byte(connect.User), Resumed: resumed, HeartbeatMS: 50}).Append(nil))
	for _, g := range connect.Groups {
		_ = write((&wire.Joined{Group: g}).Append(nil))
	}
	u.write = write
	u.ack(connect.Resume.Seq)
	for _, p := range u.unacked {
		_ = write(p.Append(nil))
	}
	n.mu.Unlock()
	for {
		b, err := read()
		n.mu.Lock()
		var ack wire.Ack
		if ack.Parse(b) == nil {
			u.ack(ack.Seq)
		}
		n.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (u *benchNodeUser) ack(seq uint64) {
	for len(u.unacked) > 0 && u.unacked[0].Seq <= seq {
		u.unacked = u.unacked[1:]
	}
}

// batch is the HTTP API's batch call.
func (n *benchNode) batch(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	answer := `{"results":[`
	lines := json.NewDecoder(r.Body)
	for i := 0; ; i++ {
		var line struct{ To, Class, Payload string }
		if lines.Decode(&line) != nil {
			break
		}
		to := []string{strings.TrimPrefix(line.To, "user:")}
		if strings.HasPrefix(line.To, "group:") {
			to = n.order
		}
		for _, name := range to {
			n.count++
			n.spoil(n.count, func() { n.users[name].deliver(line.Class, []byte(line.Payload)) })
		}
		if i > 0 {
			answer += ","
		}
		answer += `{"status":202,"id":"x","safe":"acked"}`
	}
	_, _ = io.WriteString(w, answer+"]}")
}

func (u *benchNodeUser) deliver(class string, payload []byte) {
	p := &wire.Push{ID: []byte("x"), Payload: payload}
	if class == "reliable" {
		u.seq++
		p.Seq = u.seq
		u.unacked = append(u.unacked, p)
	}
	_ = u.write(p.Append(nil))
}

// withWorkersHere makes workers run in the test's process.
func withWorkersHere(t *testing.T) {
	saved := startBenchProcess
	t.Cleanup(func() { startBenchProcess = saved })
	startBenchProcess = func(counters *os.File) (*benchProcess, error) {
		commands, in := io.Pipe()
		answers, out := io.Pipe()
		ended := make(chan error, 1)
		go func() {
			err := runBenchWorker(commands, out, counters)
			_ = out.CloseWithError(io.EOF)
			ended <- err
		}()
		return &benchProcess{in, json.NewDecoder(answers), func() error { return <-ended }}, nil
	}
}

func runBenchHere(t *testing.T, n *benchNode, o benchOptions) (*benchResult, error) {
	t.Helper()
	withWorkersHere(t)
	o.URL = n.url
	if o.Size == 0 {
		o.Size = 100
	}
	if o.Class == "" {
		o.Class = "reliable"
	}
	o.Publishers, o.AckDelay = 2, time.Millisecond
	if err := o.check(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return runBench(ctx, o, &api{server: n.server})
}

func TestBenchCountsEveryDelivery(t *testing.T) {
	tests := []struct {
		name string
		ws   bool
		o    benchOptions
	}{
		{"fanout", false, benchOptions{Kind: benchFanout, Connections: 20, Duration: 200 * time.Millisecond, Class: "fast"}},
		{"fanout with a rate", true, benchOptions{Kind: benchFanout, Connections: 20, Duration: 200 * time.Millisecond, Rate: 100}},
		{"private", true, benchOptions{Kind: benchPrivate, Connections: 21, Duration: 200 * time.Millisecond, Size: 3000}},
		{"private with a rate", false, benchOptions{Kind: benchPrivate, Connections: 21, Duration: 200 * time.Millisecond, Rate: 500}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := startBenchNode(t, tt.ws)
			r, err := runBenchHere(t, n, tt.o)
			if err != nil {
				t.Fatal(err)
			}
			n.mu.Lock()
			defer n.mu.Unlock()
			if r.Deliveries == 0 || r.Deliveries != uint64(n.count) || r.Lost+r.Repeated+r.Misordered+r.Refused != 0 {
				t.Errorf("of %d deliveries: %+v", n.count, r)
			}
			if r.Connections != tt.o.Connections || r.P50 <= 0 || r.P999 < r.P50 || r.ServerRSS == 0 {
				t.Errorf("measured %+v", r)
			}
		})
	}
}

func TestBenchSeesWhatTheNodeDoesWrong(t *testing.T) {
	var kept func()
	tests := map[string]struct {
		spoil func(n int, deliver func())
		want  func(r *benchResult) bool
	}{
		"lost": {func(n int, deliver func()) {
			if n != 7 {
				deliver()
			}
		}, func(r *benchResult) bool { return r.Lost == 1 && r.Repeated == 0 && r.Misordered == 0 }},
		"repeated": {func(n int, deliver func()) {
			if deliver(); n == 7 {
				deliver()
			}
		}, func(r *benchResult) bool { return r.Lost == 0 && r.Repeated == 1 && r.Misordered == 0 }},
		"misordered": {func(n int, deliver func()) { // Among so many there is one of the same stream to the same device.
			switch {
			case n == 1:
				kept = deliver
			default:
				deliver()
				if n == 40 {
					kept()
				}
			}
		}, func(r *benchResult) bool { return r.Lost == 0 && r.Repeated == 0 && r.Misordered == 1 }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			n := startBenchNode(t, false)
			n.spoil = tt.spoil
			r, err := runBenchHere(t, n, benchOptions{Kind: benchPrivate, Connections: 2, Duration: 100 * time.Millisecond, Class: "fast", Outstanding: 50, Rate: 2000})
			if err != nil || !tt.want(r) {
				t.Errorf("%v, measured %+v", err, r)
			}
		})
	}
}

func TestBenchStormResumesAllAndLosesNothing(t *testing.T) {
	n := startBenchNode(t, false)
	r, err := runBenchHere(t, n, benchOptions{Kind: benchStorm, Connections: 50})
	if err != nil || r.Resumed != 50 || r.Deliveries != 50 || r.Lost != 0 || r.P50 <= 0 {
		t.Errorf("%v, measured %+v", err, r)
	}
}

func TestBenchIdleKeepsConnectionsAlive(t *testing.T) {
	n := startBenchNode(t, true)
	r, err := runBenchHere(t, n, benchOptions{Kind: benchIdle, Connections: 30, Duration: 200 * time.Millisecond})
	if err != nil || r.Connections != 30 || len(r.Notes) > 0 || r.ServerRSS == 0 {
		t.Errorf("%v, measured %+v", err, r)
	}
}

func TestBenchSaysWhyItCannotConnect(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			b := (&wire.Reject{Code: wire.CodeUnauthorized, Text: "no token", Reconnect: wire.Reconnect{Rule: wire.ReconnectNo}}).Append(nil)
			_, _ = conn.Write(wire.PrefixLength(b, 0))
			_, _ = io.Copy(io.Discard, conn)
			conn.Close()
		}
	}()
	_, err = runBenchHere(t, &benchNode{url: "tcp://" + listener.Addr().String()}, benchOptions{Kind: benchIdle, Connections: 1, Duration: time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "4505 unauthorized no token") {
		t.Errorf("says %v", err)
	}
}

func TestBenchPrintsOneObject(t *testing.T) {
	n := startBenchNode(t, false)
	withWorkersHere(t)
	var out, errOut strings.Builder
	code := execute([]string{"bench", "idle", "--url", n.url, "--connections", "2", "--duration", "10ms", "--json"}, strings.NewReader(""), &out, &errOut)
	var object map[string]any
	if err := json.Unmarshal([]byte(out.String()), &object); code != exitOK || err != nil {
		t.Fatalf("exit %d, %q, %q: %v", code, out.String(), errOut.String(), err)
	}
	for _, key := range []string{"connections", "deliveries", "lost", "repeated", "misordered", "seconds", "server_cpu_s", "deliveries_per_server_cpu_s",
		"p50_ms", "p99_ms", "p999_ms", "server_rss_bytes", "rss_per_connection_bytes", "generator_limited"} {
		if _, ok := object[key]; !ok {
			t.Errorf("%q is missing in %s", key, out.String())
		}
	}
}
