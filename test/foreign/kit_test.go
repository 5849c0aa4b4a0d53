package foreign

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
)

// binary builds the program once.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := filepath.Abs(scratch)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "pushcore")
	return path, run(".", "go", "build", "-o", path, "github.com/pushcore/pushcore/cmd/pushcore")
})

func program(t testing.TB) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestKitPasses runs the conformance suite as authors do.
func TestKitPasses(t *testing.T) {
	pushcore := program(t)
	t.Run("sse", func(t *testing.T) {
		dir := sse(t)
		if err := run(dir, pushcore, "plugin", "test", "--driver", "node driver.js", "--options", `{"listen":"127.0.0.1:0"}`,
			"--", need(t, "node"), filepath.Join(dir, "main.js")); err != nil {
			t.Error(err)
		}
	})
	t.Run("redis", func(t *testing.T) {
		r := startRedis(t)
		python, dir := redisStreams(t)
		if err := run(dir, pushcore, "plugin", "test", "--driver", python+" driver.py", "--options", fmt.Sprintf(`{"url":%q}`, r.url()),
			"--", python, filepath.Join(dir, "redis_streams.py")); err != nil {
			t.Error(err)
		}
	})
}
