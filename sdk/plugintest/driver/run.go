package driver

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"

	"github.com/pushcore/pushcore/sdk/plugintest"
)

// Bounds on what a driver may say in one trial, and on the end of one.
const (
	linesMax    = 200_000
	bytesMax    = 256 << 20
	endPatience = time.Second
)

// run is one process of a driver.
type run struct {
	cmd    *exec.Cmd
	out    chan []byte // any goroutine → write
	stdout io.ReadCloser
	stderr tail
	ready  event         // set before begun is closed
	begun  chan struct{} // closed when ready was said
	done   chan struct{} // closed by read when all is over

	mu     sync.Mutex // guards everything following
	next   uint64
	calls  map[uint64]chan event
	conns  map[uint64]func(plugintest.Report) // those that have not ended
	past   map[uint64]bool                    // those that have
	lines  int
	bytes  int
	fault  error
	over   bool // it has ended, or is to
	reaped bool // its number may belong to another process
	lately
}

// newRun starts a process in a group of its own.
func newRun(command []string) (*run, error) {
	r := &run{
		cmd: exec.Command(command[0], command[1:]...), out: make(chan []byte, 256), begun: make(chan struct{}), done: make(chan struct{}),
		calls: map[uint64]chan event{}, conns: map[uint64]func(plugintest.Report){}, past: map[uint64]bool{},
	}
	ownGroup(r.cmd)
	r.cmd.Stderr, r.cmd.WaitDelay = &r.stderr, endPatience
	stdin, err := r.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start the driver: %w", err)
	}
	if r.stdout, err = r.cmd.StdoutPipe(); err != nil {
		return nil, fmt.Errorf("start the driver: %w", err)
	}
	if err := r.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the driver: %w", err)
	}
	go r.write(stdin)
	go r.read()
	return r, nil
}

// await waits until the driver is ready.
func (r *run) await(patience time.Duration) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-r.begun:
	case <-r.done:
		return r.broken()
	case <-timer.C:
		r.blame(fmt.Errorf(`the driver has not said {"event":"ready",…} within %s`, patience))
		<-r.done
		return r.broken()
	}
	return nil
}

// broken is what is wrong with the process.
func (r *run) broken() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fault
}

// renew forgets what belongs to an earlier trial.
func (r *run) renew() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines, r.bytes = 0, 0
	clear(r.past)
}

// end closes the process's input, and kills it if it has not ended soon.
func (r *run) end() {
	r.mu.Lock()
	if !r.over {
		r.over = true
		close(r.out)
	}
	r.mu.Unlock()
	timer := time.NewTimer(endPatience)
	defer timer.Stop()
	select {
	case <-r.done:
	case <-timer.C:
		r.kill()
		<-r.done
	}
}

// blame says what is wrong, unless something is already, and kills the process.
func (r *run) blame(err error) {
	r.mu.Lock()
	if r.fault == nil {
		r.fault = err
	}
	r.mu.Unlock()
	r.kill()
}

// kill ends the process and what it has started.
func (r *run) kill() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.reaped {
		killGroup(r.cmd.Process)
		_ = r.stdout.Close() // It ends listen, whoever else may hold the other end.
	}
}

// reap waits for the end of a process that has ended its output, or is to.
func (r *run) reap() error {
	timer := time.AfterFunc(endPatience, func() {
		r.blame(errors.New("the driver has closed its standard output, and lives on"))
	})
	awaitExit(r.cmd.Process)
	timer.Stop()
	r.mu.Lock()
	killGroup(r.cmd.Process) // What it has started.
	r.reaped = true
	r.mu.Unlock()
	return r.cmd.Wait()
}

// write gives the process its commands.
func (r *run) write(stdin io.WriteCloser) {
	for line := range r.out {
		if _, err := stdin.Write(line); err != nil {
			break // It has ended: read says so.
		}
	}
	_ = stdin.Close() // As above.
}

// read takes what the process says, up to its end.
func (r *run) read() {
	err := r.listen()
	if err != nil {
		r.blame(err)
	}
	waited := r.reap()
	r.mu.Lock()
	if r.fault == nil && !r.over {
		r.fault = r.ended(waited)
	}
	if !r.over {
		r.over = true
		close(r.out)
	}
	conns := r.conns
	r.conns = map[uint64]func(plugintest.Report){}
	close(r.done)
	r.mu.Unlock()
	for _, report := range conns {
		report(plugintest.Report{Kind: plugintest.Closed, Text: "the driver has ended"})
	}
}

func (r *run) ended(waited error) error {
	how := "exit status 0"
	if waited != nil {
		how = waited.Error()
	}
	if words := r.stderr.String(); words != "" {
		return fmt.Errorf("the driver has ended (%s); its last words: %s", how, words)
	}
	return fmt.Errorf("the driver has ended (%s) without a word on its standard error", how)
}

// wholeLines is bufio.ScanLines, but for a last line that has no end: whoever has
// begun it has died over it.
func wholeLines(b []byte, atEOF bool) (int, []byte, error) {
	if atEOF && !bytes.Contains(b, []byte("\n")) {
		return len(b), nil, nil
	}
	return bufio.ScanLines(b, false)
}

// listen takes lines until the end, or one that is wrong.
func (r *run) listen() error {
	lines := bufio.NewScanner(r.stdout)
	lines.Buffer(make([]byte, 64<<10), lineMax)
	lines.Split(wholeLines)
	n := 0
	for lines.Scan() {
		n++
		if err := r.line(n, lines.Bytes()); err != nil {
			return err
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("line %d of the driver is longer than %d bytes", n+1, lineMax)
	}
	return nil // Whatever ends the stream, it has ended.
}
