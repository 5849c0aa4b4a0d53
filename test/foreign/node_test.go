package foreign

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// node is a real node with both plugins.
type node struct {
	t    testing.TB
	cmd  *exec.Cmd
	log  *output
	urls map[string]string
}

// startNode starts a node whose page and broker are the plugins.
func startNode(t *testing.T, r *redisServer) *node {
	t.Helper()
	python, redisDir := redisStreams(t)
	sseDir := sse(t)
	dir := t.TempDir()
	file, ports := filepath.Join(dir, "node.yaml"), filepath.Join(dir, "ports.json")
	err := os.WriteFile(file, fmt.Appendf(nil, `
node: { loops: 2, drain: { timeout: 1s } }
auth: { none: true }
http: { listen: 127.0.0.1:0 }
store: { kind: disk, path: %s }
routes: { uplink: jobs }
plugins:
  sse: { command: [%s, %s], config: { listen: "%s" } }
  jobs: { command: [%s, %s], config: { url: "%s", input: { streams: [push] }, uplink: { stream: uplink }, receipt: { stream: receipts } } }
`, filepath.Join(dir, "data"), need(t, "node"), filepath.Join(sseDir, "main.js"), freeAddress(t),
		python, filepath.Join(redisDir, "redis_streams.py"), r.url()), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	n := &node{t: t, cmd: exec.Command(program(t), "run", "-c", file, "--ports-file", ports), log: &output{}}
	n.cmd.Stdout, n.cmd.Stderr = n.log, n.log
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.stop)
	until(t, "the node to listen", func() bool {
		b, err := os.ReadFile(ports)
		return err == nil && json.Unmarshal(b, &n.urls) == nil
	})
	return n
}

// freeAddress is one that nobody listens on: a plugin that is started again has to
// find it.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func (n *node) stop() {
	_ = n.cmd.Process.Signal(syscall.SIGTERM)
	done := make(chan error, 1)
	go func() { done <- n.cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			n.t.Errorf("the node ended with %v", err)
		}
	case <-time.After(patience):
		_ = n.cmd.Process.Kill()
		<-done
		n.t.Error("the node did not stop")
	}
	if n.t.Failed() {
		n.t.Logf("the node's log:\n%s", n.log)
	}
}

// pluginOf is the process of a plugin: a child of the node with a file's name in its
// command.
func (n *node) pluginOf(file string) int {
	n.t.Helper()
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", n.cmd.Process.Pid, n.cmd.Process.Pid))
	all := string(children)
	if tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", n.cmd.Process.Pid)); err == nil {
		for _, task := range tasks {
			b, _ := os.ReadFile(task)
			all += " " + string(b)
		}
	}
	for _, child := range strings.Fields(all) {
		command, _ := os.ReadFile("/proc/" + child + "/cmdline")
		if strings.Contains(string(command), file) {
			var pid int
			_, _ = fmt.Sscan(child, &pid)
			return pid
		}
	}
	return 0
}

// killed kills a plugin and waits until another process has taken its place.
func (n *node) killed(file string) {
	n.t.Helper()
	old := n.pluginOf(file)
	if old == 0 {
		n.t.Fatalf("there is no process of %s", file)
	}
	if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
		n.t.Fatal(err)
	}
	until(n.t, "the plugin to come back", func() bool { pid := n.pluginOf(file); return pid != 0 && pid != old })
}

func TestNodeBringsMessagesFromRedisToAPageAndBack(t *testing.T) {
	if _, err := os.Stat("/proc/self/task"); err != nil {
		t.Skip("processes are looked for in /proc")
	}
	r := startRedis(t)
	n := startNode(t, r)
	s := newPage(t, n.urls["sse"])
	last := ""
	connect := func() map[string]any {
		t.Helper()
		var response *http.Response
		until(t, "the page to be let in", func() bool {
			response = <-s.stream("?user=alice&device=d", "Last-Event-ID", last)
			return response != nil && response.StatusCode == http.StatusOK
		})
		e := s.next()
		var accept map[string]any
		if err := json.Unmarshal([]byte(e.data), &accept); e.name != "pushcore:accept" || err != nil {
			t.Fatalf("first event %+v, %v", e, err)
		}
		return accept
	}
	// receive takes the next message and acks it.
	receive := func(want string) {
		t.Helper()
		e := s.next()
		if e.data != want || e.name != "order" {
			t.Fatalf("event %+v, want %q", e, want)
		}
		last = e.id
		if status, body := s.post("/ack?id="+e.id, ""); status != http.StatusNoContent {
			t.Fatalf("ack: %d %s", status, body)
		}
	}
	push := func(body string) {
		t.Helper()
		r.add("push", "push-to", "user:alice", "push-name", "order", "push-receipt", "final", "body", body)
	}

	session := connect()["session"].(string)
	push("one")
	receive("one")
	until(t, "the entry to be acked", func() bool { return r.pending("push") == 0 })
	until(t, "the receipt", func() bool { return r.do("XLEN", "receipts") == 1 })
	if status, body := s.post("/send?session="+session+"&uplink_id=u1", "from the page"); status != http.StatusOK {
		t.Errorf("send: %d %s", status, body)
	}
	if entries := fmt.Sprint(r.do("XRANGE", "uplink", "-", "+")); !strings.Contains(entries, "from the page") || !strings.Contains(entries, "device:alice/d") {
		t.Errorf("uplink %s", entries)
	}

	n.killed("main.js") // The transport dies: the session goes on where it was.
	s.ended()
	push("two")
	if accept := connect(); accept["resumed"] != true || accept["session"] != session {
		t.Errorf("accepted %v, want session %s again", accept, session)
	}
	receive("two")

	n.killed("redis_streams.py") // The broker's plugin dies: nothing is lost, nothing seen twice.
	push("three")
	receive("three")
	until(t, "all entries to be acked", func() bool { return r.pending("push") == 0 })
	until(t, "all receipts", func() bool { return r.do("XLEN", "receipts").(int) >= 3 })
}
