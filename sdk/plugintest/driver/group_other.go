//go:build !linux

package driver

import (
	"os"
	"os/exec"
)

// The kit's host needs Linux: elsewhere a driver is only compiled.
func ownGroup(*exec.Cmd)      {}
func killGroup(p *os.Process) { _ = p.Kill() } // What has ended cannot be killed.
func awaitExit(*os.Process)   {}
