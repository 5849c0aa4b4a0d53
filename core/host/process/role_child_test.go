package process

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// inherited are the descriptors above 2 that were handed on by an exec: those that
// this process opened are closed on the next one.
func inherited() []string {
	var found []string
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		fd, _ := strconv.Atoi(e.Name())
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err != nil || fd <= 2 || flags&unix.FD_CLOEXEC != 0 {
			continue
		}
		target, _ := os.Readlink(filepath.Join("/proc/self/fd", e.Name()))
		found = append(found, target)
	}
	return found
}

// eat takes memory until the process is killed.
func eat() {
	var all [][]byte
	for {
		b := make([]byte, 8<<20)
		for i := range b {
			b[i] = 1
		}
		all = append(all, b)
		if len(all) > 1<<10 {
			panic("8 GiB are enough")
		}
	}
}

// spawn leaves a child and returns its id.
func spawn() int {
	cmd := exec.Command("sleep", "600")
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	return cmd.Process.Pid
}

// flood writes more than anybody can read.
func flood() {
	line := strings.Repeat("x", 200)
	for i := range 100_000 {
		fmt.Fprintln(os.Stderr, i, line)
	}
	fmt.Fprintln(os.Stderr, strings.Repeat("y", 3*lineMax))
	fmt.Fprintln(os.Stderr, "the flood is over")
	os.Exit(3)
}

// shout writes as fast as it can, for ever.
func shout() {
	line := strings.Repeat("x", 64<<10)
	for range time.Tick(time.Millisecond) {
		fmt.Fprintln(os.Stderr, line)
	}
}

// chatter writes to both outputs for ever.
func chatter() {
	for range time.Tick(10 * time.Millisecond) {
		fmt.Fprintln(os.Stderr, "stdout and stderr")
		fmt.Println("stdout and stderr")
	}
}

// checksum is a file's SHA-256 in hex.
func checksum(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
