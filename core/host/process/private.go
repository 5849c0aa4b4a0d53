package process

import (
	"fmt"
	"io/fs"
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

// pluginsDir is the part of the data directory for plugins' processes. A data
// directory that is not there is not made: that is the store's.
func pluginsDir(dataDir string) (string, error) {
	if dataDir == "" {
		return "", fs.ErrNotExist
	}
	if _, err := os.Stat(dataDir); err != nil {
		return "", err
	}
	dir, err := filepath.Abs(filepath.Join(dataDir, "plugins"))
	if err != nil {
		return "", err
	}
	return dir, os.MkdirAll(dir, 0o700)
}

// newPrivateDir makes the directory of one process, which only this user may
// enter: in the data directory, which nobody tidies up, or where paths are short
// enough for sockets.
func newPrivateDir(dataDir string) (string, error) {
	bases := []string{os.TempDir(), "/tmp"}
	if inData, err := pluginsDir(dataDir); err == nil {
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
