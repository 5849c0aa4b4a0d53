package chaos

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/pushcore/pushcore/test/brokers"
)

// long makes the stories as large as docs/reliability.md has them.
var long = flag.Bool("long", false, "run the stories at full size")

// sideBySide is how many stories of the short form run at once, however few cores there are: mostly they wait.
const sideBySide = "5"

// binary is the program under test, built once.
var binary string

// TestMain also is the body of the processes that hold devices.
func TestMain(m *testing.M) {
	if file := os.Getenv(fleetVariable); file != "" {
		os.Exit(fleetMain(file))
	}
	flag.Parse()
	if !*long {
		_ = flag.Set("test.parallel", sideBySide)
	}
	dir, err := os.MkdirTemp("", "pushcore-chaos-")
	if err == nil {
		binary = filepath.Join(dir, "pushcore")
		err = build(binary)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
	code := brokers.Stopping(m).Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// build makes the program.
func build(to string, flags ...string) error {
	args := append([]string{"build", "-o", to}, flags...)
	cmd := exec.Command("go", append(args, "github.com/pushcore/pushcore/cmd/pushcore")...)
	cmd.Stderr = os.Stderr
	return cmd.Run()
}
