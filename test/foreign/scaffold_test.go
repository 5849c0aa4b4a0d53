package foreign

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const scaffolds = "../../cmd/pushcore/scaffold"

// pushcore builds the program.
func pushcore(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "pushcore")
	if err := run(".", "go", "build", "-o", program, "../../cmd/pushcore"); err != nil {
		t.Fatal(err)
	}
	return program
}

// TestScaffoldsHaveTheFilesOfTheExamples: what carries the protocol is written once.
func TestScaffoldsHaveTheFilesOfTheExamples(t *testing.T) {
	for example, files := range map[string][]string{
		"sse-node": {"node-transport/pushcore.js", "node-transport/records.js", "node-transport/plugin.proto"},
		"redis-streams": {
			"python-transport/pushcore.py", "python-transport/records.py", "python-transport/plugin_pb2.py", "python-transport/plugin.proto",
		},
	} {
		for _, file := range files {
			original := filepath.Join(plugins, example, filepath.Base(file))
			want, err := os.ReadFile(original)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(filepath.Join(scaffolds, file)); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s/%s is not %s: copy it", scaffolds, file, original)
			}
		}
	}
}

// passes makes a project and has its check pass.
func passes(t *testing.T, program, lang string, prepare func(dir string), env ...string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "echo")
	if err := run(".", program, "plugin", "new", "echo", "--lang", lang, "--dir", dir); err != nil {
		t.Fatal(err)
	}
	prepare(dir)
	check := exec.Command(filepath.Join(dir, "check"))
	check.Env = append(append(os.Environ(), "PUSHCORE="+program), env...)
	out, err := check.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "ok    process/churn") || !strings.Contains(string(out), "23 passed, 0 failed, 5 skipped") {
		t.Errorf("the check of the project says (%v)\n%s", err, out)
	}
}

func TestNewNodeTransportPassesItsCheck(t *testing.T) {
	modules := filepath.Join(sse(t), "node_modules") // The same that the project asks for.
	passes(t, pushcore(t), "node", func(dir string) {
		if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
			t.Fatal(err)
		}
	})
}

func TestNewPythonTransportPassesItsCheck(t *testing.T) {
	python, _ := redisStreams(t)
	passes(t, pushcore(t), "python", func(string) {}, "PYTHON="+python)
}
