package brokers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	startTimeout = 120 * time.Second // generous: a loaded machine with two cores takes 20 s
	stopTimeout  = 30 * time.Second
	readyTimeout = 5 * time.Second // of one attempt
	readyEvery   = 50 * time.Millisecond
)

var errNotRunning = errors.New("it is not running")

// server is one broker with its ports and data. It may run several times, one process at a time.
// One goroutine at a time uses it.
type server struct {
	name    string                      // immutable, for messages
	dir     string                      // immutable
	ports   []port                      // immutable, leased until close
	command func() *exec.Cmd            // immutable, makes the command of one run
	ready   func(context.Context) error // immutable, a protocol call that only a working broker answers
	helpers []*process                  // run beside it until close

	process *process // the last run, nil before the first
	paused  bool     // of the last run
}

func (s *server) log() string { return filepath.Join(s.dir, "broker.log") }

func (s *server) running() bool {
	if s.process == nil {
		return false
	}
	select {
	case <-s.process.done:
		return false
	default:
		return true
	}
}

// start runs the broker and returns when it serves.
func (s *server) start() error {
	if s.running() {
		return errors.New("it is running already")
	}
	p, err := startProcess(s.command(), s.log())
	if err != nil {
		return err
	}
	s.process, s.paused = p, false
	return s.waitReady()
}

// waitReady asks until the broker answers, its process ends, or startTimeout is over.
func (s *server) waitReady() error {
	if s.process == nil {
		return errNotRunning
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	tick := time.NewTicker(readyEvery)
	defer tick.Stop()
	for {
		err := s.askReady(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-s.process.done:
			return fmt.Errorf("it ended before it served: %w\n%s", s.process.err, s.logTail())
		case <-ctx.Done():
			return fmt.Errorf("it did not serve within %v: %w\n%s", startTimeout, err, s.logTail())
		}
	}
}

func (s *server) askReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	return s.ready(ctx)
}

func (s *server) kill() error {
	if !s.running() {
		return errNotRunning
	}
	return s.process.kill()
}

// stop asks the broker to shut down as its operator would, and returns when it is gone.
func (s *server) stop() error {
	if err := s.signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := s.proceed(); err != nil { // A paused process does not see SIGTERM.
		return err
	}
	select {
	case <-s.process.done:
		return nil
	case <-time.After(stopTimeout):
		return fmt.Errorf("it did not stop within %v\n%s", stopTimeout, s.logTail())
	}
}

// pause returns when no thread of the broker runs any more.
func (s *server) pause() error {
	if s.paused {
		return errors.New("it is paused already")
	}
	if err := s.signal(signalPause); err != nil {
		return err
	}
	s.paused = true
	return awaitPaused(s.process.cmd.Process.Pid)
}

// proceed ends a pause, if there is one.
func (s *server) proceed() error {
	s.paused = false
	return s.signal(signalContinue)
}

func (s *server) signal(sig os.Signal) error {
	if !s.running() {
		return errNotRunning
	}
	return s.process.signal(sig)
}

// close ends everything at once; the data is of no more use.
func (s *server) close() error {
	var errs []error
	if s.process != nil {
		errs = append(errs, s.process.kill())
	}
	for _, helper := range s.helpers {
		errs = append(errs, helper.kill())
	}
	releasePorts(s.ports)
	return errors.Join(errs...)
}

// logTail is the end of what the broker has written, for a failure's message.
func (s *server) logTail() string {
	const linesMax = 40
	content, err := os.ReadFile(s.log())
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimRight(string(content), "\n"), "\n")
	if len(lines) > linesMax {
		lines = lines[len(lines)-linesMax:]
	}
	return fmt.Sprintf("--- last lines of %s's log ---\n%s", s.name, strings.Join(lines, "\n"))
}
