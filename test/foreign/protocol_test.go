package foreign

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/pluginrpc"
	"github.com/pushcore/pushcore/sdk/pluginrpc/pluginpb"
)

// example is one of the plugins.
type example struct {
	name     string
	kind     sdk.Kind
	dir      string
	command  []string
	test     []string // runs the tests that it brings
	options  string
	bad      string // options with two faults
	faultsAt []string
}

// examples calls f for each plugin as a subtest.
func examples(t *testing.T, f func(t *testing.T, e *example)) {
	t.Run("sse", func(t *testing.T) {
		dir := sse(t)
		f(t, &example{
			name: "sse", kind: sdk.KindTransport, dir: dir, command: []string{need(t, "node"), filepath.Join(dir, "main.js")},
			test: []string{need(t, "node"), "--test", "test/"}, options: `{"listen":"127.0.0.1:0"}`,
			bad: `{"listen":7,"pth":"/"}`, faultsAt: []string{"/listen", "/pth"},
		})
	})
	t.Run("redis", func(t *testing.T) {
		python, dir := redisStreams(t)
		f(t, &example{
			name: "redis_streams", kind: sdk.KindMQ, dir: dir, command: []string{python, filepath.Join(dir, "redis_streams.py")},
			test: []string{python, "-m", "unittest"}, options: `{"url":"unix:///nowhere.sock","input":{"streams":["push"]}}`,
			bad:      `{"input":{"streams":[],"claim_after":"1"},"uplink":{}}`,
			faultsAt: []string{"/input/streams", "/input/claim_after", "/uplink/stream"},
		})
	})
}

func TestCodecsPassTheVectors(t *testing.T) {
	vectors, err := filepath.Abs("../../sdk/pluginrpc/testdata/records.txt")
	if err != nil {
		t.Fatal(err)
	}
	examples(t, func(t *testing.T, e *example) {
		cmd := exec.Command(e.test[0], e.test[1:]...)
		cmd.Dir = e.dir
		cmd.Env = append(os.Environ(), "PUSHCORE_RECORDS="+vectors)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	})
}

func TestProtoFilesAreCopies(t *testing.T) {
	want, err := os.ReadFile("../../sdk/pluginrpc/pluginpb/plugin.proto")
	if err != nil {
		t.Fatal(err)
	}
	examples(t, func(t *testing.T, e *example) {
		got, err := os.ReadFile(filepath.Join(e.dir, "plugin.proto"))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Error("plugin.proto is not the one of sdk/pluginrpc/pluginpb: copy it")
		}
	})
}

func TestPluginStartedByHandSaysSo(t *testing.T) {
	examples(t, func(t *testing.T, e *example) {
		cmd := exec.Command(e.command[0], e.command[1:]...)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
		var out, text strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &text
		err := cmd.Run()
		if cmd.ProcessState.ExitCode() != 2 || !strings.Contains(text.String(), "pushcore") || out.String() != "" {
			t.Errorf("%v, stdout %q, stderr %q", err, out.String(), text.String())
		}
	})
}

func TestControlService(t *testing.T) {
	examples(t, func(t *testing.T, e *example) {
		p := launch(t, e.dir, e.command...)
		p.healthy()
		info, err := p.control.Info(p.ctx(), &pluginpb.InfoRequest{})
		if err != nil || info.GetKind() != string(e.kind) || info.GetApiVersion() != sdk.APIVersion || info.GetVersion() == "" || info.GetName() == "" {
			t.Errorf("info %v, %v", info, err)
		}
		if _, faults := p.configure(e.bad); len(faults) != len(e.faultsAt) {
			t.Errorf("faults %q, want them at %v", faults, e.faultsAt)
		} else {
			for i, at := range e.faultsAt {
				if !strings.HasPrefix(faults[i], at+": ") {
					t.Errorf("fault %q, want it at %s", faults[i], at)
				}
			}
		}
		_, err = p.control.Attach(p.ctx(), &pluginpb.AttachRequest{Loops: 1, ApiVersion: "2.0"})
		if status.Code(err) != codes.FailedPrecondition {
			t.Errorf("attached to a runtime of another version: %v", err)
		}
		p.open(2-strings.Count(string(e.kind), "mq"), e.options)
		if r, err := p.control.Check(p.ctx(), &pluginpb.CheckRequest{}); err != nil || r.GetFault() != "" {
			t.Errorf("check: %v, %v", r, err)
		}
		p.close()
	})
}

func TestLinkWithoutItsTokenIsRefused(t *testing.T) {
	examples(t, func(t *testing.T, e *example) {
		p := launch(t, e.dir, e.command...)
		p.open(1, e.options)
		stranger := p.link(0, make([]byte, pluginrpc.TokenSize))
		if err := stranger.end(); err == io.EOF {
			t.Error("a stranger's link ended as if all were well")
		}
		p.healthy() // The runtime's link and the process live on.
		p.close()
	})
}

func TestProcessEndsWithItsRuntime(t *testing.T) {
	examples(t, func(t *testing.T, e *example) {
		t.Run("link", func(t *testing.T) {
			p := launch(t, e.dir, e.command...)
			p.open(1, e.options)
			p.links[0].cancel()
			p.awaitEnd()
		})
		t.Run("connection", func(t *testing.T) {
			p := launch(t, e.dir, e.command...)
			p.open(1, e.options)
			_ = p.conn.Close()
			p.awaitEnd()
		})
		t.Run("malformed record", func(t *testing.T) {
			p := launch(t, e.dir, e.command...)
			p.open(1, e.options)
			p.links[0].write(make([]byte, pluginrpc.HeaderSize)) // Kind 0.
			p.awaitEnd()
		})
	})
}
