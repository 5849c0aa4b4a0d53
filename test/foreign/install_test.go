package foreign

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

const plugins = "../../examples/plugins"

// lacking skips a test for want of something on this machine; where CI=true
// nothing may be skipped.
func lacking(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" || os.Getenv("PUSHCORE_REQUIRE_BROKERS") == "1" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// need returns the path of a program.
func need(t testing.TB, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		lacking(t, "%s is not installed; ci/brokers.sh installs it", program)
	}
	return path
}

// cached makes a directory in the user's cache by install, once for each content of
// the file that says what is in it. The directory gets its name when it is whole.
func cached(t testing.TB, name, lockFile string, install func(dir string) error) string {
	t.Helper()
	lock, err := os.ReadFile(lockFile)
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(lock)
	dir := filepath.Join(cache, "pushcore", name+"-"+hex.EncodeToString(sum[:6]))
	if _, err := os.Stat(filepath.Join(dir, "whole")); err == nil {
		return dir
	}
	_ = os.RemoveAll(dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := install(dir); err != nil {
		lacking(t, "%s was not installed: %v", name, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "whole"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// run runs a command and returns what it says if it fails.
func run(dir, program string, args ...string) error {
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return errors.Join(err, errors.New(string(out)))
	}
	return nil
}

// sse returns a directory with the Server-Sent Events plugin and all it needs.
func sse(t testing.TB) string {
	t.Helper()
	need(t, "node")
	npm := need(t, "npm")
	source := filepath.Join(plugins, "sse-node")
	modules := cached(t, "sse-node", filepath.Join(source, "package-lock.json"), func(dir string) error {
		for _, file := range []string{"package.json", "package-lock.json"} {
			if err := copyFile(filepath.Join(source, file), filepath.Join(dir, file)); err != nil {
				return err
			}
		}
		return run(dir, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	})
	dir := t.TempDir()
	copyTree(t, source, dir)
	if err := os.Symlink(filepath.Join(modules, "node_modules"), filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// redisStreams returns the Python that runs the Redis Streams plugin, and where its
// sources are.
func redisStreams(t testing.TB) (python, dir string) {
	t.Helper()
	python3 := need(t, "python3")
	source, err := filepath.Abs(filepath.Join(plugins, "redis-streams"))
	if err != nil {
		t.Fatal(err)
	}
	requirements := filepath.Join(source, "requirements.txt")
	environment := cached(t, "redis-streams", requirements, func(dir string) error {
		if err := run(dir, python3, "-m", "venv", "venv"); err != nil {
			return err
		}
		return run(dir, filepath.Join(dir, "venv/bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements)
	})
	dir = t.TempDir()
	copyTree(t, source, dir)
	return filepath.Join(environment, "venv/bin/python"), dir
}

// copyTree copies a plugin's sources, and nothing that was installed beside them.
func copyTree(t testing.TB, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		switch {
		case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == "venv" || entry.Name() == "__pycache__"):
			return filepath.SkipDir
		case entry.IsDir():
			return os.MkdirAll(filepath.Join(to, relative), 0o755)
		case entry.Type().IsRegular():
			return copyFile(path, filepath.Join(to, relative))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func copyFile(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o755)
}
