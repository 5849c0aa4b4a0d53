package driver

import (
	"errors"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// ownGroup has a command run in a process group of its own.
func ownGroup(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// killGroup kills a process that was not waited for yet, and its group: until then
// the number of both belongs to nobody else.
func killGroup(p *os.Process) {
	_ = syscall.Kill(-p.Pid, syscall.SIGKILL) // What has ended cannot be killed.
}

// awaitExit returns when a process has ended, and does not wait for it in the sense
// of giving its number back.
func awaitExit(p *os.Process) {
	for errors.Is(unix.Waitid(unix.P_PID, p.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil), syscall.EINTR) {
	}
}
