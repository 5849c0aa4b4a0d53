//go:build unix

package serve

import (
	"os"

	"golang.org/x/sys/unix"
)

// takeStdout moves standard output to another descriptor, which children do not
// inherit, and lets what is written to the old one go to standard error: by Go
// code, C code and child processes alike.
func takeStdout() (*os.File, error) {
	saved, err := unix.FcntlInt(1, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	if err := unix.Dup2(2, 1); err != nil {
		_ = unix.Close(saved)
		return nil, os.NewSyscallError("dup2", err)
	}
	return os.NewFile(uintptr(saved), "handshake"), nil
}
