//go:build unix && !linux

package process

import (
	"os/exec"
	"syscall"
)

// command prepares the execution of e.
func (c *Config) command(e *executable, env []string) *exec.Cmd {
	return &exec.Cmd{Path: e.path, Args: c.args(), Env: env, SysProcAttr: &syscall.SysProcAttr{Setpgid: true}}
}

// keepDescriptors keeps this process's descriptors from being inherited: here
// those that it opened are not.
func keepDescriptors() error { return nil }
