package soak

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pushcore/pushcore/test/brokers"
)

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "soak")
	if err == nil {
		binary = filepath.Join(dir, "pushcore")
		build := exec.Command("go", "build", "-o", binary, "github.com/pushcore/pushcore/cmd/pushcore")
		build.Stderr = os.Stderr
		err = build.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
	code := brokers.Stopping(m).Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// node is a pushcore process that can be killed and started again.
type node struct {
	t      *testing.T
	config string // with PORTS in place of addresses
	dir    string
	cmd    *exec.Cmd
	ended  chan struct{}
	urls   map[string]string
	log    logBuffer
}

// startNode runs a node with a configuration.
func startNode(t *testing.T, config string) *node {
	t.Helper()
	n := &node{t: t, config: config, dir: t.TempDir()}
	n.start()
	t.Cleanup(func() {
		n.kill()
		if t.Failed() {
			t.Logf("the node's log:\n%s", n.log.tail())
		}
	})
	return n
}

// start runs the process and waits until everything listens.
func (n *node) start() {
	n.t.Helper()
	file, ports := filepath.Join(n.dir, "node.yaml"), filepath.Join(n.dir, "ports.json")
	if err := os.WriteFile(file, []byte(n.config), 0o600); err != nil {
		n.t.Fatal(err)
	}
	_ = os.Remove(ports)
	n.cmd = exec.Command(binary, "run", "-c", file, "--ports-file", ports)
	n.cmd.Stdout, n.cmd.Stderr = &n.log, &n.log
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := n.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.ended = make(chan struct{})
	go func(cmd *exec.Cmd, ended chan struct{}) {
		_ = cmd.Wait()
		close(ended)
	}(n.cmd, n.ended)
	waitFor(n.t, "the node to listen", 30*time.Second, func() bool {
		select {
		case <-n.ended:
			n.t.Fatalf("the node has ended:\n%s", n.log.tail())
		default:
		}
		b, err := os.ReadFile(ports)
		return err == nil && json.Unmarshal(b, &n.urls) == nil
	})
}

// kill ends the process as a crash would.
func (n *node) kill() {
	_ = n.cmd.Process.Kill()
	<-n.ended
}

// address is where a listener listens, host:port.
func (n *node) address(name string) string {
	url := n.urls[name]
	_, rest, _ := strings.Cut(url, "://")
	host, _, _ := strings.Cut(rest, "/")
	return host
}

// logBuffer keeps the end of what a process prints.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buf.Bytes()
	return string(b[max(0, len(b)-8000):])
}

// waitFor looks every few milliseconds whether something has come about.
func waitFor(t *testing.T, what string, most time.Duration, done func() bool) {
	t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	timeout := time.NewTimer(most)
	defer timeout.Stop()
	for !done() {
		select {
		case <-ticker.C:
		case <-timeout.C:
			t.Fatalf("waited %s for %s", most, what)
		}
	}
}
