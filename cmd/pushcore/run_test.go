package main

import (
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pushcore/pushcore/sdk/wire"
)

func TestRunGreetsWithWhatListensAndWhatToCopy(t *testing.T) {
	p := startNode(t, anyPort)
	for name, prefix := range map[string]string{"http": "http://127.0.0.1:", "tcp": "tcp://127.0.0.1:", "ws": "ws://127.0.0.1:", "ws.2": "ws://127.0.0.1:"} {
		if !strings.HasPrefix(p.urls[name], prefix) || strings.HasSuffix(p.urls[name], ":0") {
			t.Errorf("ports file: %s is %q", name, p.urls[name])
		}
	}
	if code := p.stop(t); code != exitOK {
		t.Errorf("exit code %d after SIGTERM", code)
	}
	for _, text := range []string{
		p.urls["tcp"], p.urls["ws.2"], "loop", "GOMAXPROCS",
		"devices need not prove who they are", "no keys are configured", "the store is on disk",
		" connect " + p.urls["tcp"] + " --user alice\n", " push --server " + p.urls["http"] + " --to user:alice --data hello\n",
	} {
		if !strings.Contains(p.out.String(), text) {
			t.Errorf("the greeting lacks %q:\n%s", text, p.out.String())
		}
	}
}

func TestRunExitCodes(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	free := `http: { listen: 127.0.0.1:0 }` + "\n"
	for _, c := range []struct {
		name, config string
		args         []string
		code         int
		says         []string
	}{
		{"unknown flag", "", []string{"--nonsense"}, exitUsage, []string{"--nonsense"}},
		{"argument", "", []string{"now"}, exitUsage, nil},
		{"no file", "", []string{"-c", "/nonexistent.yaml"}, exitConfig, []string{"/nonexistent.yaml", "no such file"}},
		{"unknown key", "nod: {}\n", nil, exitConfig, []string{"node.yaml:1:1", "node"}},
		{"unknown plugin option", free + "plugins: { tcp: { config: { listn: 127.0.0.1:0 } } }\n", nil, exitConfig, []string{"node.yaml:2:", "listen"}},
		{"not in this version", free + "store: { kind: redis }\n", nil, exitConfig, []string{"node.yaml:2:16", "not in this version"}},
		{"open beyond loopback", free + "plugins: { tcp: { config: { listen: 0.0.0.0:0 } } }\n", nil, exitConfig, []string{"--insecure", "node.yaml:2:"}},
		{"http beyond loopback without keys", "http: { listen: 0.0.0.0:0 }\n", nil, exitConfig, []string{"http.keys"}},
		{"device port in use", free + "plugins: { tcp: { config: { listen: " + taken.Addr().String() + " } } }\n", nil, exitPlugin, []string{"plugins.tcp", taken.Addr().String(), "in use"}},
		{"http port in use", "http: { listen: " + taken.Addr().String() + " }\nplugins: { tcp: { config: { listen: 127.0.0.1:0 } } }\n", nil, exitPlugin, []string{"http", "in use"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := append([]string{"run"}, c.args...)
			if c.config != "" {
				args = append(args, "-c", writeFile(t, "node.yaml", c.config))
			}
			pushcore(t, "", args...).want(t, c.code, c.says...)
		})
	}
}

func TestPortsFileThatCannotBeWrittenIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "missing", "ports.json")
	pushcore(t, "", "run", "-c", writeFile(t, "node.yaml", anyPort), "--ports-file", file).want(t, exitFailed, "--ports-file")
}

// stubborn gives devices minutes to follow a MOVE.
const stubborn = `node: { drain: { timeout: 1h } }` + anyPort

func TestSecondSignalEndsAtOnce(t *testing.T) {
	p := startNode(t, stubborn)
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.urls["tcp"], "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	says(t, conn, &wire.Connect{User: "alice"})
	hears(t, conn, wire.TypeAccept)
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	hears(t, conn, wire.TypeMove)
	if code := p.stop(t); code != exitFailed {
		t.Errorf("exit code %d, want %d: it did not end in good order", code, exitFailed)
	}
}

func TestDrainWaitsUntilTheDevicesAreGone(t *testing.T) {
	p := startNode(t, stubborn)
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.urls["tcp"], "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	says(t, conn, &wire.Connect{User: "alice"})
	hears(t, conn, wire.TypeAccept)
	pushcore(t, "", "drain", "--server", p.urls["http"], "--no-wait").want(t, exitOK).says(t, "draining, 1 devices left")
	hears(t, conn, wire.TypeMove)
	pushcore(t, "", "drain", "--server", p.urls["http"], "--timeout", "1ms").want(t, exitTimeout)
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	pushcore(t, "", "drain", "--server", p.urls["http"], "--json").want(t, exitOK).says(t, `{"state":"drained","devices":0}`)
	if code := p.stop(t); code != exitOK {
		t.Errorf("exit code %d after SIGTERM", code)
	}
}

// says sends a frame on a stream.
func says(t *testing.T, conn net.Conn, f wire.Frame) {
	t.Helper()
	if _, err := conn.Write(wire.PrefixLength(f.Append(nil), 0)); err != nil {
		t.Fatal(err)
	}
}

// hears reads one frame, which must be of a type.
func hears(t *testing.T, conn net.Conn, want wire.Type) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	var buf []byte
	one := make([]byte, 1)
	for {
		frame, _, err := wire.SplitFrame(buf, wire.FrameBytesDefault)
		if err == nil {
			if got, err := wire.TypeOf(frame); err != nil || got != want {
				t.Fatalf("got %v (%v), want %v", got, err, want)
			}
			return
		}
		if _, err := conn.Read(one); err != nil {
			t.Fatalf("waiting for %v: %v", want, err)
		}
		buf = append(buf, one[0])
	}
}
