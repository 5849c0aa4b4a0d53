package process

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// socketPathMax is the length of a socket's path that every system takes.
const socketPathMax = 103

// socketNameMax is the length of the longest name of a socket in the directory.
const socketNameMax = 24

// Files in the private directory.
const (
	stdoutName = "stdout"
	stderrName = "stderr"
	seenSuffix = ".seen" // of a file that says how much of another a runtime has logged
)

// privatePrefix begins the names of private directories.
const privatePrefix = "pc-"

// isPrivateDir says whether a path can be one, before all in it is removed.
func isPrivateDir(path string) bool { return strings.HasPrefix(filepath.Base(path), privatePrefix) }

// newPrivateDir makes the directory of one process, which only this user may
// enter: in the data directory, or where paths are short enough for sockets.
func newPrivateDir(dataDir string) (string, error) {
	bases := []string{os.TempDir(), "/tmp"}
	if dataDir != "" {
		inData := filepath.Join(dataDir, "plugins")
		if abs, err := filepath.Abs(inData); err == nil {
			inData = abs
		}
		if err := os.MkdirAll(inData, 0o700); err != nil {
			return "", fmt.Errorf("make a directory for plugins: %w", err)
		}
		bases = append([]string{inData}, bases...)
	}
	for _, base := range bases {
		dir, err := os.MkdirTemp(base, privatePrefix) // 0700
		if err != nil {
			return "", fmt.Errorf("make a directory for the plugin: %w", err)
		}
		if len(dir)+1+socketNameMax <= socketPathMax {
			return dir, nil
		}
		_ = os.Remove(dir)
	}
	return "", fmt.Errorf("make a directory for the plugin: the paths of sockets in %s would be longer than %d bytes", bases[0], socketPathMax)
}
