package brokers

import "syscall"

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
