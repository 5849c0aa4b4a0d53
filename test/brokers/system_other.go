//go:build !linux

package brokers

import "syscall"

const (
	systemSupported = false
	signalPause     = syscall.Signal(0)
	signalContinue  = syscall.Signal(0)
)

func systemAttributes() *syscall.SysProcAttr { return nil }

func awaitPaused(int) error { return nil }
