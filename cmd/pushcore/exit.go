package main

import (
	"context"
	"errors"
	"net"
	"strings"

	"github.com/pushcore/pushcore/core/host/process"
)

// Exit codes, as docs and scripts know them.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitConfig      = 3
	exitPlugin      = 4
	exitTimeout     = 5
	exitUnreachable = 6
)

// exitError is an error that chooses the process's exit code.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func withExit(code int, err error) error {
	if err == nil {
		return nil
	}
	return &exitError{code, err}
}

// withPrepareExit tells a plugin that does not start from a configuration that is
// wrong.
func withPrepareExit(err error) error {
	var failure *process.Failure
	if errors.As(err, &failure) {
		return withExit(exitPlugin, err)
	}
	return withExit(exitConfig, err)
}

func usage(err error) error { return withExit(exitUsage, err) }

func exitCode(err error) int {
	var chosen *exitError
	var network *net.OpError
	switch {
	case errors.As(err, &chosen):
		return chosen.code
	case strings.HasPrefix(err.Error(), "unknown command"):
		return exitUsage
	case errors.Is(err, context.DeadlineExceeded):
		return exitTimeout
	case errors.As(err, &network):
		return exitUnreachable
	default:
		return exitFailed
	}
}
