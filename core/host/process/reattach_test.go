package process

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// left is what remains in the data directory of processes.
func left(t *testing.T, dataDir string) []string {
	t.Helper()
	var names []string
	entries, err := os.ReadDir(filepath.Join(dataDir, "plugins"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// awaitEnd waits until a process that is nobody's child here has ended.
func awaitEnd(t *testing.T, pid int) {
	t.Helper()
	for late := time.Now().Add(patience); running(pid); {
		if time.Now().After(late) {
			t.Fatal("the process lives on")
		}
	}
}

func TestPluginOutlivesItsRuntimeAndIsTakenOver(t *testing.T) {
	cfg, l := acting(t, "plain")
	pid := abandoned(t, "plain", hostTask{DataDir: cfg.DataDir, Grace: time.Hour, Options: "{}", Loops: 3})
	info, err := os.Stat(cfg.savedPath())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info, err)
	}
	p, err := Reattach(t.Context(), cfg, []byte("{}"), 3)
	if err != nil {
		t.Fatal(err, l)
	}
	if p.PID() != pid || p.Info().Name != "actor" {
		t.Errorf("process %d is taken over as %d, %+v", pid, p.PID(), p.Info())
	}
	if _, err := p.Attach(t.Context(), 3, time.Hour); err != nil {
		t.Error(err)
	}
	if err := p.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.Done():
	case <-time.After(patience):
		t.Fatal("its end is not noticed")
	}
	if got := left(t, cfg.DataDir); len(got) > 0 {
		t.Errorf("%v is left", got)
	}
	if strings.Contains(l.String(), "from=stdout") {
		t.Errorf("its handshake is logged:\n%s", l)
	}
}

func TestReattachedProcessIsClosed(t *testing.T) {
	cfg, l := acting(t, "plain")
	pid := abandoned(t, "plain", hostTask{DataDir: cfg.DataDir, Grace: time.Hour, Options: "{}", Loops: 1})
	p, err := Reattach(t.Context(), cfg, []byte("{}"), 1)
	if err != nil {
		t.Fatal(err, l)
	}
	if err := p.Close(time.Now().Add(patience)); err != nil {
		t.Error(err)
	}
	if running(pid) {
		t.Error("it lives on")
	}
}

func TestProcessThatDoesNotFitIsEnded(t *testing.T) {
	for name, tc := range map[string]struct {
		change  func(c *Config)
		options string
		loops   int
		want    string
	}{
		"other options":     {func(*Config) {}, `{"a":1}`, 2, "its configuration has changed"},
		"other environment": {func(c *Config) { c.Env["LOG"] = "debug" }, "{}", 2, "its configuration has changed"},
		"other command":     {func(c *Config) { c.Command = append(c.Command, "-v") }, "{}", 2, "its configuration has changed"},
		"other loops":       {func(*Config) {}, "{}", 4, "it serves 2 loops, this node has 4"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, l := acting(t, "plain")
			pid := abandoned(t, "plain", hostTask{DataDir: cfg.DataDir, Grace: time.Hour, Options: "{}", Loops: 2})
			tc.change(&cfg)
			if _, err := Reattach(t.Context(), cfg, []byte(tc.options), tc.loops); !errors.Is(err, ErrNone) {
				t.Fatal(err)
			}
			if running(pid) {
				t.Error("it lives on")
			}
			l.await(t, tc.want)
			if got := left(t, cfg.DataDir); len(got) > 0 {
				t.Errorf("%v is left", got)
			}
		})
	}
}

func TestRecycledProcessIDIsNotKilled(t *testing.T) {
	cfg, _ := acting(t, "plain")
	pid := abandoned(t, "plain", hostTask{DataDir: cfg.DataDir, Grace: time.Hour, Options: "{}", Loops: 1})
	s, err := readSaved(cfg.savedPath())
	if err != nil {
		t.Fatal(err)
	}
	s.Identity += "0" // As if another process had got the id since.
	if err := s.write(cfg.savedPath()); err != nil {
		t.Fatal(err)
	}
	if _, err := Reattach(t.Context(), cfg, []byte("{}"), 1); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
	if !running(pid) {
		t.Error("another process was killed")
	}
	if got := left(t, cfg.DataDir); len(got) > 0 {
		t.Errorf("%v is left", got)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Error(err)
	}
}

func TestNothingToReattachTo(t *testing.T) {
	cfg, l := acting(t, "plain")
	if _, err := Reattach(t.Context(), cfg, []byte("{}"), 1); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
	if err := os.MkdirAll(filepath.Dir(cfg.savedPath()), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cfg.savedPath(), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Reattach(t.Context(), cfg, []byte("{}"), 1); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
	l.await(t, "cannot be read")
}

func TestOrphanEndsByItself(t *testing.T) {
	cfg, l := acting(t, "plain")
	pid := abandoned(t, "plain", hostTask{DataDir: cfg.DataDir, Grace: 50 * time.Millisecond, Options: "{}", Loops: 1})
	awaitEnd(t, pid)
	if _, err := Reattach(t.Context(), cfg, []byte("{}"), 1); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
	l.await(t, "has ended while no runtime was here")
	if got := left(t, cfg.DataDir); len(got) > 0 {
		t.Errorf("%v is left", got)
	}
}

func TestWithoutGraceNothingIsLeft(t *testing.T) {
	cfg, _ := acting(t, "plain")
	awaitEnd(t, abandoned(t, "plain", hostTask{DataDir: cfg.DataDir, Options: "{}", Loops: 1}))
	if got := left(t, cfg.DataDir); len(got) > 0 {
		t.Errorf("%v is left", got)
	}
}

func TestPluginThatShoutsWithoutARuntimeDoesNotFillTheDisk(t *testing.T) {
	cfg, _ := acting(t, "shouts")
	pid := abandoned(t, "shouts", hostTask{DataDir: cfg.DataDir, Grace: time.Hour, Options: "{}", Loops: 1})
	s, err := readSaved(cfg.savedPath())
	if err != nil {
		t.Fatal(err)
	}
	before, file := int64(0), filepath.Join(s.Dir, stderrName)
	for late := time.Now().Add(patience); ; {
		now := sizeOf(t, file)
		if now < before {
			break
		}
		if before = now; time.Now().After(late) {
			t.Fatalf("the file has %d bytes and grows", now)
		}
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	awaitEnd(t, pid)
}

func TestPluginThatWritesWithoutARuntimeLivesOn(t *testing.T) {
	cfg, l := acting(t, "chatters")
	pid := abandoned(t, "chatters", hostTask{DataDir: cfg.DataDir, Grace: time.Hour, Options: "{}", Loops: 1})
	s, err := readSaved(cfg.savedPath())
	if err != nil {
		t.Fatal(err)
	}
	before := sizeOf(t, filepath.Join(s.Dir, stderrName))
	for late := time.Now().Add(patience); sizeOf(t, filepath.Join(s.Dir, stderrName)) == before; {
		if time.Now().After(late) {
			t.Fatal("it writes no more")
		}
	}
	p, err := Reattach(t.Context(), cfg, []byte("{}"), 1)
	if err != nil {
		t.Fatal(err, l)
	}
	if p.PID() != pid {
		t.Error("it is another process")
	}
	l.await(t, "from=stderr")
	p.Kill("the test is over")
	if n := strings.Count(l.String(), "stdout and stderr"); n == 0 {
		t.Error("nothing of standard output")
	}
}

func sizeOf(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
