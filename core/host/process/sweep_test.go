package process

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestSweepEndsWhatTheConfigurationDoesNotHave(t *testing.T) {
	cfg, l := acting(t, "plain")
	gone := abandoned(t, "plain", hostTask{DataDir: cfg.DataDir, Grace: time.Hour, Options: "{}", Loops: 1})
	if err := os.Rename(cfg.savedPath(), filepath.Join(cfg.DataDir, "plugins", "edge.json")); err != nil { // As if it had been called so.
		t.Fatal(err)
	}
	stays := abandoned(t, "plain", hostTask{DataDir: cfg.DataDir, Grace: time.Hour, Options: "{}", Loops: 1})
	old, young := filepath.Join(cfg.DataDir, "plugins", "pc-1"), filepath.Join(cfg.DataDir, "plugins", "pc-2")
	for dir, age := range map[string]time.Duration{old: 2 * staleAfter, young: 0} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		then := time.Now().Add(-age)
		if err := os.Chtimes(dir, then, then); err != nil {
			t.Fatal(err)
		}
	}

	Sweep(cfg.DataDir, []*Plugin{Later(cfg, []byte("{}"))}, l.logger())

	if running(gone) {
		t.Error("what is not configured lives on")
	}
	l.await(t, "the configuration does not have it any more")
	if !running(stays) {
		t.Error("what is configured was ended")
	}
	s, err := readSaved(cfg.savedPath())
	if err != nil || s == nil {
		t.Fatal(s, err)
	}
	for path, want := range map[string]bool{old: false, young: true, s.Dir: true, filepath.Join(cfg.DataDir, "plugins", "edge.json"): false} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s is left: %v, want %v", path, err == nil, want)
		}
	}
	p, err := Reattach(t.Context(), cfg, []byte("{}"), 1)
	if err != nil {
		t.Fatal(err)
	}
	p.Kill("the test is over")
}

func TestSweepOfNothing(t *testing.T) {
	l := newLog()
	Sweep("", nil, l.logger())
	Sweep(filepath.Join(t.TempDir(), "none"), nil, l.logger())
	Sweep(t.TempDir(), nil, l.logger())
	if got := l.String(); got != "" {
		t.Error(got)
	}
}

func TestEndOfAPredecessorKeepsItsHeirFindable(t *testing.T) {
	cfg, _ := acting(t, "plain")
	old, heir := start(t, cfg), start(t, cfg)
	open(t, old)
	if _, _, err := heir.Configure(t.Context(), []byte("{}")); err != nil {
		t.Fatal(err)
	}
	if _, err := heir.attachHeir(t.Context(), 1, time.Hour); err != nil {
		t.Fatal(err)
	}
	if s, err := readSaved(cfg.savedPath()); err != nil || s == nil || s.PID != old.PID() {
		t.Fatalf("%+v %v", s, err)
	}
	if err := heir.save(1); err != nil {
		t.Fatal(err)
	}
	old.Kill("it is replaced")
	if s, err := readSaved(cfg.savedPath()); err != nil || s == nil || s.PID != heir.PID() {
		t.Errorf("%+v %v", s, err)
	}
	heir.Kill("the test is over")
	if s, err := readSaved(cfg.savedPath()); err != nil || s != nil {
		t.Errorf("%+v %v", s, err)
	}
}
