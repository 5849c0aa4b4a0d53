package process

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pushcore/pushcore/sdk/pluginrpc"
)

// acting is a configuration under which the test binary plays a role.
func acting(t *testing.T, role string) (Config, *log) {
	t.Helper()
	l := newLog()
	return Config{
		Instance: "mqtt", Command: []string{os.Args[0]}, Env: map[string]string{roleKey: role},
		DataDir: t.TempDir(), StartTimeout: patience, Log: l.logger(),
	}, l
}

// script is a configuration under which a shell runs the lines.
func script(t *testing.T, lines string) Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "plugin.sh")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+lines+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return Config{Instance: "mqtt", Command: []string{path}, StartTimeout: patience, Log: newLog().logger()}
}

func start(t *testing.T, cfg Config) *Process {
	t.Helper()
	p, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Kill("the test is over") })
	return p
}

func TestProcessSaysWhatItIs(t *testing.T) {
	cfg, _ := acting(t, "plain")
	p := start(t, cfg)
	if i := p.Info(); i.Name != "actor" || i.Kind != "mq" || i.Version != "1.2.3" || len(i.Capabilities) != 1 || string(i.Schema) != `{"type":"object"}` {
		t.Errorf("%+v", i)
	}
	setup, faults, err := p.Configure(t.Context(), []byte(`{}`))
	if err != nil || len(faults) > 0 {
		t.Fatal(faults, err)
	}
	if in := setup.Input; in == nil || in.Format != "json" || in.MaxSpan != 7 || fmt.Sprint(setup.Outputs) != "[uplink]" {
		t.Errorf("%+v", setup)
	}
	_, faults, err = p.Configure(t.Context(), []byte(`{"wrong":true}`))
	if err != nil || len(faults) != 1 || faults[0].Pointer != "/brokers/0" || faults[0].Message != "is wrong" {
		t.Errorf("%v %v", faults, err)
	}
	if err := p.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if err := p.Close(time.Now().Add(patience)); err != nil {
		t.Error(err)
	}
	if got := p.ExitText(); !strings.HasPrefix(got, "exited with status 0") {
		t.Error(got)
	}
	if left, err := os.ReadDir(filepath.Join(cfg.DataDir, "plugins")); err != nil || len(left) > 0 {
		t.Errorf("%v is left: %v", left, err)
	}
}

func TestNewerMinorVersionOfTheInterfaceIsServed(t *testing.T) {
	cfg, _ := acting(t, "newer minor API")
	start(t, cfg)
}

func TestEachFailureToStartHasItsOwnClearLine(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, mode fs.FileMode, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	command := func(words ...string) Config {
		return Config{Instance: "mqtt", Command: words, StartTimeout: patience, Log: newLog().logger()}
	}
	role := func(name string) Config {
		cfg, _ := acting(t, name)
		return cfg
	}
	impatient := func(cfg Config) Config {
		cfg.StartTimeout = 300 * time.Millisecond
		return cfg
	}
	pinned := func(cfg Config) Config {
		cfg.SHA256 = strings.Repeat("AB", 32)
		return cfg
	}
	socket := "unix|$" + pluginrpc.SocketDirKey + "/control|grpc"
	for name, tc := range map[string]struct {
		cfg  Config
		want []string
	}{
		"no command":       {command(), []string{"has no command"}},
		"no file":          {command(filepath.Join(dir, "gone")), []string{"there is no file " + filepath.Join(dir, "gone"), "correct plugins.mqtt.command"}},
		"not in PATH":      {command("no-such-program"), []string{"(no-such-program)", "not found in PATH", "plugins.mqtt.command"}},
		"a directory":      {command(dir), []string{"is a directory"}},
		"not executable":   {command(file("plain", 0o644, "x")), []string{"is not executable", "chmod +x"}},
		"no program":       {command(file("text", 0o755, "hello\n")), []string{"is not a program for this machine", "#!"}},
		"no interpreter":   {command(file("odd", 0o755, "#!/no/such/interpreter\n")), []string{"its interpreter or loader is missing"}},
		"another checksum": {pinned(role("plain")), []string{"its SHA-256 is ", "not " + strings.Repeat("ab", 32), "plugins.mqtt.sha256"}},
		"no handshake":     {impatient(script(t, "echo thinking >&2; exec sleep 600")), []string{"made no handshake within 300ms", "it last wrote: thinking"}},
		"prints first":     {script(t, "echo starting up; exec sleep 600"), []string{`printed "starting up" on standard output before its handshake`, "standard error"}},
		"prints a novel":   {script(t, "head -c 100000 /dev/zero | tr '\\0' x; exec sleep 600"), []string{`printed "xxxx`}},
		"exits at once":    {script(t, "echo no licence >&2; exit 3"), []string{"it exited with status 3", "it last wrote: no licence", "plugin inspect"}},
		"is killed":        {script(t, "kill -11 $$"), []string{"it was ended by signal 11"}},
		"refuses its cookie": {script(t, `[ "$OTHER_COOKIE" ] || { echo "This binary is a plugin." >&2; exit 1; }`),
			[]string{"it exited with status 1", "it last wrote: This binary is a plugin."}},
		"another handshake": {script(t, "echo '2|1|"+socket+"'; exec sleep 600"), []string{"version 2 of go-plugin's handshake"}},
		"another protocol":  {script(t, `echo "1|9|`+socket+`"; exec sleep 600`), []string{"version 9 of the plugin protocol, this pushcore speaks 1", "release"}},
		"no gRPC":           {script(t, `echo "1|1|unix|$PLUGIN_UNIX_SOCKET_DIR/control"; exec sleep 600`), []string{"does not serve gRPC"}},
		"foreign socket":    {script(t, `echo "1|1|unix|/run/other.sock|grpc"; exec sleep 600`), []string{"an address that is not its own"}},
		"foreign host":      {script(t, `echo "1|1|tcp|192.0.2.1:80|grpc"; exec sleep 600`), []string{"an address that is not its own"}},
		"nobody listens":    {script(t, `echo "1|1|`+socket+`"; exec sleep 600`), []string{"did not say what it is"}},
		"another API":       {role("another API"), []string{"actor 1.2.3 was made for version 2.0", "serves 1.x"}},
		"unknown kind":      {role("unknown kind"), []string{`says that it is a "database"`, "transport or an mq"}},
		"bad schema":        {role("bad schema"), []string{"no JSON"}},
		"hangs in Info":     {impatient(role("hangs in Info")), []string{"did not say what it is within 300ms"}},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "hangs in Info" {
				tc.cfg.StartTimeout = 2 * time.Second // A Go program has to start.
				tc.want[0] = strings.Replace(tc.want[0], "300ms", "2s", 1)
			}
			tc.cfg.DataDir = t.TempDir()
			p, err := Start(t.Context(), tc.cfg)
			if err == nil {
				p.Kill("it should not have started")
				t.Fatal("it started")
			}
			var failure *Failure
			if !errors.As(err, &failure) || !strings.HasPrefix(err.Error(), "plugin mqtt (") || strings.Contains(err.Error(), "\n") {
				t.Errorf("not one line that names the instance: %q", err)
			}
			for _, part := range tc.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
			if left, err := os.ReadDir(filepath.Join(tc.cfg.DataDir, "plugins")); len(left) > 0 {
				t.Errorf("%v is left: %v", left, err)
			}
		})
	}
}

func TestStartThatIsGivenUpLeavesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	cfg := script(t, "exec sleep 600")
	_, err := Start(ctx, cfg)
	if err == nil || !strings.Contains(err.Error(), "given up") {
		t.Error(err)
	}
}

func TestEndInConfigureIsExplained(t *testing.T) {
	for role, want := range map[string]string{
		"panics in Configure": "plugin mqtt (" + os.Args[0] + ") was not configured: it exited with status 2; it last wrote: panic: no such option",
		"exits in Configure":  "exited with status 7; it last wrote: this would be taken for a handshake | a licence is missing",
	} {
		cfg, _ := acting(t, role)
		p := start(t, cfg)
		_, _, err := p.Configure(t.Context(), []byte("{}"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", role, err)
		}
	}
}
