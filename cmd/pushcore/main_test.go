package main

import (
	"bytes"
	"encoding/json"
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

// asProgram makes the test binary be pushcore itself, for tests of the process.
const asProgram = "PUSHCORE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	served := len(os.Args) > 2 && os.Args[1] == "plugin" && os.Args[2] == "serve" // By a node of a test: it hands on no variable.
	if served {
		addDying()
	}
	if os.Getenv(asProgram) != "" || served {
		os.Exit(execute(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	brokers.Main(m)
}

// ran is what a command line did.
type ran struct {
	code        int
	out, errOut string
}

// pushcore runs a command line in this process.
func pushcore(t *testing.T, in string, args ...string) ran {
	t.Helper()
	var out, errOut bytes.Buffer
	code := execute(args, strings.NewReader(in), &out, &errOut)
	return ran{code, out.String(), errOut.String()}
}

// want fails the test if the command did not end so; errors holds what standard
// error must say.
func (r ran) want(t *testing.T, code int, errors ...string) ran {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d\n%s%s", r.code, code, r.out, r.errOut)
	}
	for _, text := range errors {
		if !strings.Contains(r.errOut, text) {
			t.Errorf("standard error does not say %q:\n%s", text, r.errOut)
		}
	}
	return r
}

// says fails the test if standard output does not hold the texts.
func (r ran) says(t *testing.T, texts ...string) ran {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(r.out, text) {
			t.Errorf("standard output does not say %q:\n%s", text, r.out)
		}
	}
	return r
}

// object is standard output as one JSON object on one line.
func (r ran) object(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(r.out), &v); err != nil || strings.Count(r.out, "\n") != 1 {
		t.Fatalf("not one object on one line (%v):\n%s", err, r.out)
	}
	return v
}

// writeFile writes a file into a directory of the test.
func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// nodeProcess is `pushcore run` as a process of its own.
type nodeProcess struct {
	cmd   *exec.Cmd
	out   lockedBuffer
	ended chan struct{}
	urls  map[string]string
}

// lockedBuffer is written by the process while the test reads.
type lockedBuffer struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// anyPort is a configuration that takes free ports.
const anyPort = `
http: { listen: 127.0.0.1:0 }
plugins:
  tcp: { config: { listen: 127.0.0.1:0 } }
  ws: { config: { listen: [ 127.0.0.1:0, 127.0.0.1:0 ] } }
`

// startNode runs a node and waits until its ports file is there.
func startNode(t *testing.T, config string) *nodeProcess {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ports := filepath.Join(t.TempDir(), "ports.json")
	p := &nodeProcess{cmd: exec.Command(self, "run", "-c", writeFile(t, "node.yaml", config), "--ports-file", ports), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), asProgram+"=1")
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // Its state says how it ended.
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // It has ended if the test went well.
		<-p.ended
	})
	for began := time.Now(); ; {
		if b, err := os.ReadFile(ports); err == nil {
			if err := json.Unmarshal(b, &p.urls); err != nil {
				t.Fatalf("the ports file is not whole: %v: %s", err, b)
			}
			return p
		}
		select {
		case <-p.ended:
			t.Fatalf("the node has ended:\n%s", p.out.String())
		case <-time.After(10 * time.Millisecond):
		}
		if time.Since(began) > 30*time.Second {
			t.Fatalf("the node does not start:\n%s", p.out.String())
		}
	}
}

// stop ends the node as a supervisor does, and returns its exit code.
func (p *nodeProcess) stop(t *testing.T) int {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		t.Fatalf("the node does not stop:\n%s", p.out.String())
	}
	return p.cmd.ProcessState.ExitCode()
}
