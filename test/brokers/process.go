package brokers

import (
	"errors"
	"os"
	"os/exec"
	"runtime"

	"go.uber.org/goleak"
)

// process is one run of an executable. It ends with this process at the latest.
type process struct {
	cmd  *exec.Cmd     // owned by run until done is closed, except Process
	done chan struct{} // closed when the process is gone
	err  error         // how it ended; written before done is closed
}

// startProcess starts cmd with its output appended to the file log.
func startProcess(cmd *exec.Cmd, log string) (*process, error) {
	output, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer output.Close() // The child has its own descriptor.
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = systemAttributes()

	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go p.run(started)
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// run starts the process and keeps its thread until the process is gone: the kernel sends the death signal when the thread
// that forked ends, and only a locked goroutine says how long its thread lives.
func (p *process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	p.err = p.cmd.Wait()
	close(p.done)
}

// signal sends sig; a process that is gone already is no error.
func (p *process) signal(sig os.Signal) error {
	err := p.cmd.Process.Signal(sig)
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// kill sends SIGKILL and returns when the process is gone.
func (p *process) kill() error {
	if err := p.signal(os.Kill); err != nil {
		return err
	}
	<-p.done
	return nil
}

// IgnoreRunning is for tests that check goroutine leaks of their own while a broker runs: each running broker is waited
// for by one goroutine of this package.
func IgnoreRunning() goleak.Option {
	return goleak.IgnoreAnyFunction("github.com/pushcore/pushcore/test/brokers.(*process).run")
}
