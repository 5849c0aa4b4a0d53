//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// newProject makes a project in a directory of the test.
func newProject(t *testing.T, lang, kind string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "echo")
	args := []string{"plugin", "new", "echo", "--lang", lang, "--kind", kind, "--dir", dir}
	if lang == "go" {
		args = append(args, "--replace", "../..")
	}
	pushcore(t, "", args...).want(t, exitOK).says(t, "Next:\n  cd "+dir)
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if strings.Contains(string(b), scaffoldName) || strings.Contains(path, scaffoldName) {
			t.Errorf("%s says %s", path, scaffoldName)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// does runs a command in a directory.
func does(t *testing.T, dir string, command ...string) {
	t.Helper()
	c := exec.Command(command[0], command[1:]...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, out)
	}
}

// TestNewGoProjectsPassTheirTests, which also are tried where they lie in the tree.
func TestNewGoProjectsPassTheirTests(t *testing.T) {
	for kind, trial := range map[string]string{"transport": "churn", "mq": "restart"} {
		dir := newProject(t, "go", kind)
		does(t, dir, "go", "test", "./...")
		does(t, dir, "go", "build", "-o", "echo", ".")
		does(t, dir, "go", "build", "-o", "driver.bin", "./driver")
		r := pushcore(t, "", "plugin", "test", "--driver", filepath.Join(dir, "driver.bin"), "--", filepath.Join(dir, "echo"))
		r.want(t, exitOK).says(t, "ok    process/"+trial, " 0 failed,")
	}
}

func TestWrongUseOfPluginNew(t *testing.T) {
	full := t.TempDir()
	does(t, full, "touch", "something")
	for want, args := range map[string][]string{
		`"Echo" is no name of a plugin`:                                             {"Echo"},
		"there is no project for --lang cobol --kind transport; there is --lang go": {"echo", "--lang", "cobol"},
		full + " is not empty":                                                      {"echo", "--dir", full},
		"--replace: open /no/go.mod":                                                {"echo", "--dir", filepath.Join(t.TempDir(), "x"), "--replace", "/no"},
	} {
		pushcore(t, "", append([]string{"plugin", "new"}, args...)...).want(t, exitUsage, want)
	}
}
