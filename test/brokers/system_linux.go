package brokers

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	systemSupported = true
	signalPause     = syscall.SIGSTOP
	signalContinue  = syscall.SIGCONT
)

// systemAttributes makes the kernel kill the process when the thread that started it ends (see process.run), and keeps an
// interrupt typed at the terminal from reaching it before the tests have seen theirs.
func systemAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// awaitPaused returns when every thread of the child has stopped: sending the signal only tells them to.
func awaitPaused(pid int) error {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WSTOPPED, nil)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
