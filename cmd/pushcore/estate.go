package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/pushcore/pushcore/core"
)

// estateKey names the descriptor of what the program before has left. It is set for
// the successor only, which takes it away.
const estateKey = "PUSHCORE_ESTATE_FD"

// takeEstate returns what the program before has left in this process, or nil. Its
// descriptors are not inherited any further.
func takeEstate() (*core.Estate, error) {
	text, left := os.LookupEnv(estateKey)
	if !left {
		return nil, nil
	}
	if err := os.Unsetenv(estateKey); err != nil {
		return nil, err
	}
	fd, err := strconv.Atoi(text)
	if err != nil {
		return nil, fmt.Errorf("%s is %q, not a descriptor", estateKey, text)
	}
	f := os.NewFile(uintptr(fd), "estate")
	defer func() { _ = f.Close() }()
	e, err := core.ReadEstate(f)
	if err != nil {
		if e != nil {
			e.Close()
		}
		return nil, err
	}
	for _, fd := range e.Descriptors() {
		unix.CloseOnExec(fd)
	}
	return e, nil
}

// become replaces this program by its file as it is now, and leaves the estate to
// it. It returns only if that fails.
func become(program string, e *core.Estate) error {
	f, err := os.CreateTemp("", "pushcore-estate-")
	if err != nil {
		return fmt.Errorf("leave the connections: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return fmt.Errorf("leave the connections: %w", err)
	}
	if err := core.WriteEstate(f, e); err != nil {
		return fmt.Errorf("leave the connections: %w", err)
	}
	if _, err := f.Seek(0, 0); err != nil {
		return fmt.Errorf("leave the connections: %w", err)
	}
	for _, fd := range append(e.Descriptors(), int(f.Fd())) {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0); err != nil {
			return fmt.Errorf("leave descriptor %d: %w", fd, err)
		}
	}
	env := append(os.Environ(), fmt.Sprintf("%s=%d", estateKey, f.Fd()))
	err = syscall.Exec(program, os.Args, env)
	runtime.KeepAlive(f) // Its descriptor is open until then.
	return fmt.Errorf("execute %s: %w", program, err)
}
