package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/hashicorp/go-plugin/runner"
)

// launch is go-plugin's runner of a process that this one starts. Its standard
// output and standard error are files: a pipe would kill the plugin at its next
// line when the runtime is gone.
type launch struct {
	cfg        *Config
	executable *executable
	cmd        *exec.Cmd
	dir        string // the private directory
	stdout     *os.File
	stderr     *os.File

	child *child
	first *firstLine
}

var _ runner.Runner = (*launch)(nil)

// newLaunch opens the files; close closes them.
func newLaunch(cfg *Config, e *executable, dir string) (*launch, error) {
	l := &launch{cfg: cfg, executable: e, dir: dir, child: newChild()}
	var err error
	if l.stdout, err = openOutput(dir, stdoutName); err != nil {
		return nil, err
	}
	if l.stderr, err = openOutput(dir, stderrName); err != nil {
		_ = l.stdout.Close()
		return nil, err
	}
	l.first = newFirstLine(l.stdout, l.child.ended)
	return l, nil
}

// openOutput opens a file that both sides append to and this one truncates.
func openOutput(dir, name string) (*os.File, error) {
	return os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
}

// close lets go of the files; the process keeps its own.
func (l *launch) close() {
	l.executable.close()
	_ = l.stdout.Close()
	_ = l.stderr.Close()
}

// prepare takes the variables that go-plugin wants set.
func (l *launch) prepare(handshake []string) {
	l.cmd = l.cfg.command(l.executable, l.cfg.environ(handshake, l.dir))
	l.cmd.Stdout, l.cmd.Stderr = l.stdout, l.stderr
}

// Start implements runner.Runner, as the following do.
func (l *launch) Start(context.Context) error {
	if err := keepDescriptors(); err != nil {
		return fmt.Errorf("keep descriptors from being inherited: %w", err)
	}
	if err := l.cmd.Start(); err != nil {
		return l.cfg.refused(l.executable, err)
	}
	l.child.started(l.cmd.Process.Pid)
	go l.reap()
	return nil
}

// reap waits for the end of the process, and ends its children.
func (l *launch) reap() {
	awaitExit(l.child.id())
	l.child.killRest()
	err := l.cmd.Wait()
	l.child.end(exitStatus(l.cmd.ProcessState, err))
}

// exitStatus says how a process ended, and whether by SIGKILL.
func exitStatus(s *os.ProcessState, err error) (status string, killed bool) {
	if s == nil {
		return fmt.Sprintf("ended: %v", err), false
	}
	w, ok := s.Sys().(syscall.WaitStatus)
	if !ok {
		return "ended: " + s.String(), false
	}
	return describeStatus(int(w.Signal()), w.Signal().String(), w.Signaled(), w.ExitStatus())
}

func describeStatus(signal int, name string, signaled bool, code int) (status string, killed bool) {
	if signaled {
		return fmt.Sprintf("was ended by signal %d (%s)", signal, name), signal == int(syscall.SIGKILL)
	}
	return fmt.Sprintf("exited with status %d", code), false
}

// Stdout gives the first line and ends: go-plugin does not wait for a process
// whose standard output it has not read to the end.
func (l *launch) Stdout() io.ReadCloser { return l.first }

// Stderr is empty for go-plugin; output reads it.
func (l *launch) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

// Wait returns when the process has ended.
func (l *launch) Wait(context.Context) error {
	<-l.child.ended
	return nil
}

// Kill kills the process.
func (l *launch) Kill(context.Context) error {
	l.child.kill("it did not start")
	return nil
}

// ID is the process id.
func (l *launch) ID() string { return strconv.Itoa(l.child.id()) }

// Name is the command.
func (l *launch) Name() string { return l.cfg.title() }

// Diagnose adds nothing: failures are told by diagnose.
func (l *launch) Diagnose(context.Context) string { return "" }

// errForeignSocket is a plugin that would have the runtime connect to something else.
var errForeignSocket = errors.New("its socket is not in the directory that it was given")

// PluginToHost checks the address of the handshake.
func (l *launch) PluginToHost(network, address string) (string, string, error) {
	return network, address, checkAddress(l.dir, network, address)
}

// HostToPlugin changes nothing.
func (l *launch) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}
