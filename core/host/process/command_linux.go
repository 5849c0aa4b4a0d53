package process

import (
	"math"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// command prepares the execution of e: a file that was checked is executed by its
// descriptor, so that nobody can replace it in between.
func (c *Config) command(e *executable, env []string) *exec.Cmd {
	cmd := &exec.Cmd{Path: e.path, Args: c.args(), Env: env, SysProcAttr: &syscall.SysProcAttr{Setpgid: true}}
	if e.file != nil {
		cmd.ExtraFiles = []*os.File{e.file}
		cmd.Path = "/proc/self/fd/" + strconv.Itoa(firstExtra) // A script's interpreter opens it there too.
	}
	return cmd
}

// firstExtra is the descriptor of the first of ExtraFiles in the child.
const firstExtra = 3

// keepDescriptors keeps this process's descriptors from being inherited: those
// that it opened are not anyway, but those that it has inherited itself may be.
func keepDescriptors() error {
	err := unix.CloseRange(firstExtra, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC)
	if err != nil { // Before Linux 5.11.
		return keepEach()
	}
	return nil
}

func keepEach() error {
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, entry := range open {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd >= firstExtra {
			syscall.CloseOnExec(fd)
		}
	}
	return nil
}
