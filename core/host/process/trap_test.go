package process

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// configured starts a role and returns what it lists on Configure.
func configured(t *testing.T, cfg Config) (*Process, []string) {
	t.Helper()
	p := start(t, cfg)
	setup, _, err := p.Configure(t.Context(), []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	return p, setup.Listen
}

func TestPluginGetsNoEnvironmentBesideItsOwn(t *testing.T) {
	t.Setenv("BROKER_PASSWORD", "secret")
	t.Setenv("TZ", "Europe/Rome")
	cfg, _ := acting(t, "environment")
	cfg.MemoryMax = 10 << 30
	cfg.Env["LOG"] = "debug"
	_, got := configured(t, cfg)
	allowed := []string{"PATH", "HOME", "LANG", "TMPDIR", "TZ", "LOG", roleKey, "GOMEMLIMIT", "PUSHCORE_", "PLUGIN_"}
	for _, pair := range got {
		ok := false
		for _, name := range allowed {
			ok = ok || strings.HasPrefix(pair, name)
		}
		if !ok {
			t.Errorf("the plugin has %s", pair)
		}
	}
	all := "\n" + strings.Join(got, "\n") + "\n"
	for _, want := range []string{"TZ=Europe/Rome", "LOG=debug", "GOMEMLIMIT=9663676416", "PUSHCORE_LOG_LEVEL=info"} {
		if !strings.Contains(all, "\n"+want+"\n") {
			t.Errorf("the plugin lacks %s", want)
		}
	}
	if strings.Contains(all, "PUSHCORE_PLUGIN=") {
		t.Error("a child of the plugin would take itself for one: the cookie is still there")
	}
}

func TestPluginInheritsNoDescriptor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	fd, err := syscall.Open(path, syscall.O_CREAT|syscall.O_RDWR, 0o600) // Without O_CLOEXEC, as whoever started this process may have left it.
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	cfg, _ := acting(t, "descriptors")
	if _, got := configured(t, cfg); len(got) > 0 {
		t.Errorf("the plugin has %v", got)
	}
}

func TestChecksumIsOfTheFileThatIsExecuted(t *testing.T) {
	cfg, _ := acting(t, "plain")
	cfg.SHA256 = checksum(t, os.Args[0])
	start(t, cfg)

	// A script is read by its interpreter after the check: it gets the same file too.
	s := script(t, "echo checked >&2; exit 3")
	s.SHA256 = checksum(t, s.Command[0])
	e, err := s.find()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(s.Command[0], s.Command[0]+".old"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.Command[0], []byte("#!/bin/sh\necho replaced >&2; exit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := newLaunch(&s, e, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	if _, err = l.start(t.Context()); err == nil || !strings.Contains(err.Error(), "it last wrote: checked") {
		t.Error(err)
	}
}

func TestChildrenOfThePluginEndWithIt(t *testing.T) {
	cfg, _ := acting(t, "has a child")
	p, children := configured(t, cfg)
	child, err := strconv.Atoi(children[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(child, 0); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(p.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if got := p.ExitText(); !strings.HasPrefix(got, "was ended by signal 9") {
		t.Error(got)
	}
	for late := time.Now().Add(patience); running(child); {
		if time.Now().After(late) {
			t.Fatal("the child lives on")
		}
	}
}

// running says whether a process is there that has not ended.
func running(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return after[0] != 'Z' && after[0] != 'X'
}

func TestPluginThatEatsMemoryIsKilledAndSaysSo(t *testing.T) {
	cfg, _ := acting(t, "eats memory")
	cfg.MemoryMax = 64 << 20
	p, _ := configured(t, cfg)
	<-p.Done()
	if got := p.ExitText(); !strings.Contains(got, "was killed: it used ") || !strings.Contains(got, "limits.memory is 64.0 MiB") {
		t.Error(got)
	}
}

func TestFloodOfLinesIsBounded(t *testing.T) {
	cfg, l := acting(t, "floods")
	p, _ := configured(t, cfg)
	<-p.Done()
	got := l.String()
	if n := strings.Count(got, "from=stderr"); n > 20*linesMax {
		t.Errorf("%d lines were logged", n)
	}
	if !strings.Contains(got, "lines_dropped=") && !strings.Contains(got, "skipped_bytes=") {
		t.Error("nothing says that lines are missing")
	}
	for line := range strings.Lines(got) {
		if len(line) > lineMax+500 {
			t.Errorf("a line has %d bytes", len(line))
		}
	}
	if text := p.ExitText(); !strings.HasSuffix(text, "the flood is over") || !strings.HasPrefix(text, "exited with status 3") {
		t.Error(text)
	}
}

func TestPluginThatDoesNotCloseIsKilledAtTheDeadline(t *testing.T) {
	cfg, _ := acting(t, "hangs in Close")
	p := start(t, cfg)
	open(t, p)
	if err := p.Close(time.Now()); err == nil || !strings.Contains(err.Error(), "did not close by the deadline") {
		t.Error(err)
	}
	if got := p.ExitText(); !strings.Contains(got, "it did not end by the deadline") {
		t.Error(got)
	}
}

func TestErrorOfCloseIsTold(t *testing.T) {
	cfg, _ := acting(t, "fails in Close")
	p := start(t, cfg)
	open(t, p)
	if err := p.Close(time.Now().Add(patience)); err == nil || err.Error() != "the broker has gone" {
		t.Error(err)
	}
}

func TestSignalsAreLeftToTheRuntime(t *testing.T) {
	cfg, l := acting(t, "plain")
	p := start(t, cfg)
	if err := syscall.Kill(p.PID(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	l.await(t, "a signal is left to the runtime")
	if err := p.Close(time.Now().Add(patience)); err != nil {
		t.Error(err)
	}
}
