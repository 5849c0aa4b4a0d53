package process

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
)

// executable is a program that is going to be executed.
type executable struct {
	path string
	file *os.File // if it was checked: the very file that is executed; else nil
}

// find resolves the command and checks the checksum.
func (c *Config) find() (*executable, error) {
	if len(c.Command) == 0 || c.Command[0] == "" {
		return nil, c.failure("has no command", "name an executable")
	}
	path := c.Command[0]
	if !strings.ContainsRune(path, '/') {
		found, err := exec.LookPath(path)
		if err != nil {
			return nil, c.failure("was not found in PATH", fmt.Sprintf("install it, or write its path in plugins.%s.command", c.Instance))
		}
		path = found
	}
	if err := c.examine(path); err != nil {
		return nil, err
	}
	e := &executable{path: path}
	if c.SHA256 == "" {
		return e, nil
	}
	return e, c.verify(e)
}

// examine tells the ways in which a path is no program.
func (c *Config) examine(path string) error {
	at := "plugins." + c.Instance + ".command"
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return c.failure("was not found: there is no file "+path, "correct "+at)
	case err != nil:
		return c.failure("cannot be looked at: "+err.Error(), "correct "+at)
	case info.IsDir():
		return c.failure("is not a program: "+path+" is a directory", "name a file in "+at)
	case info.Mode()&0o111 == 0:
		return c.failure("is not executable", "chmod +x "+path+", or name its interpreter first in "+at)
	}
	return nil
}

// verify reads the checksum of the file that will be executed, which stays open.
func (c *Config) verify(e *executable) error {
	file, err := os.Open(e.path)
	if err != nil {
		return c.failure("cannot be read for its checksum: "+err.Error(), "make it readable to pushcore, or leave out sha256")
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		_ = file.Close()
		return c.failure("cannot be read for its checksum: "+err.Error(), "")
	}
	if got := hex.EncodeToString(sum.Sum(nil)); !strings.EqualFold(got, c.SHA256) {
		_ = file.Close()
		return c.failure(fmt.Sprintf("is not the file that it was: its SHA-256 is %s, not %s", got, strings.ToLower(c.SHA256)),
			fmt.Sprintf("if you have replaced it, change plugins.%s.sha256; if not, find out who did", c.Instance))
	}
	e.file = file
	return nil
}

// close lets go of the file.
func (e *executable) close() {
	if e.file != nil {
		_ = e.file.Close()
	}
}

// refused explains why the system would not execute a file that is there.
func (c *Config) refused(e *executable, err error) error {
	switch {
	case errors.Is(err, syscall.ENOEXEC):
		return c.failure(fmt.Sprintf("is not a program for this machine (%s/%s)", runtime.GOOS, runtime.GOARCH),
			"build it for that; a script begins with #! and its interpreter")
	case errors.Is(err, fs.ErrNotExist):
		return c.failure("cannot be executed: its interpreter or loader is missing", "look at its first line, or with ldd "+e.path)
	case errors.Is(err, fs.ErrPermission):
		return c.failure("cannot be executed: permission denied", "look at its mode, its owner and the mount's options (noexec)")
	}
	return c.failure("cannot be executed: "+err.Error(), "")
}
