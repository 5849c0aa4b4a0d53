//go:build unix

package process

import "syscall"

// killGroup kills a process, which leads its group, and its children.
func killGroup(pid int) {
	_ = syscall.Kill(-pid, syscall.SIGKILL) // ESRCH: they have ended.
}
