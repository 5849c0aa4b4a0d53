package driver

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pushcore/pushcore/sdk/plugintest"
)

// faultsMax is after how many faults a driver is not started any more.
const faultsMax = 3

// Process is a driver that runs as a process: a plugintest.Driver for
// transports, and for MQ plugins what makes places in brokers. Its process is
// started anew when it was at fault, before the next trial.
type Process struct {
	command  []string
	patience time.Duration
	ready    event // of the first start

	mu     sync.Mutex // guards everything following
	run    *run
	faults int
	places uint64
	last   error
}

var (
	_ plugintest.Driver  = (*Process)(nil)
	_ plugintest.Outside = (*Process)(nil)
)

// Start starts a driver and waits until it says that it is ready. An answer is
// waited for up to patience; 0 means 10 s. Close ends it.
func Start(command []string, patience time.Duration) (*Process, error) {
	if patience == 0 {
		patience = 10 * time.Second
	}
	if len(command) == 0 {
		return nil, errors.New("the driver has no command")
	}
	p := &Process{command: command, patience: patience}
	r, err := p.start()
	if err != nil {
		return nil, err
	}
	p.run, p.ready = r, r.ready
	return p, nil
}

// Lacks are the abilities that the driver says its protocol or broker lacks.
func (p *Process) Lacks() []plugintest.Ability {
	var lacks []plugintest.Ability
	for _, name := range p.ready.Lacks {
		lacks = append(lacks, plugintest.Ability(name))
	}
	return lacks
}

// Contiguous says that the driver's broker keeps one position a source.
func (p *Process) Contiguous() bool { return p.ready.Contiguous }

// start starts the process.
func (p *Process) start() (*run, error) {
	r, err := newRun(p.command)
	if err != nil {
		return nil, err
	}
	if err := r.await(p.patience); err != nil {
		r.end()
		return nil, err
	}
	if err := checkReady(&r.ready); err != nil {
		r.end()
		return nil, fmt.Errorf("the driver's first line: %w", err)
	}
	return r, nil
}

// checkReady looks at what a driver says of itself.
func checkReady(e *event) error {
	if e.Protocol != Protocol {
		return fmt.Errorf("it speaks protocol %d, the kit protocol %d", e.Protocol, Protocol)
	}
	var known []string
	for _, a := range plugintest.Abilities() {
		known = append(known, string(a))
	}
	for _, name := range e.Lacks {
		if !slices.Contains(known, name) {
			return unknown("ability", name, known)
		}
	}
	return nil
}

// Begin implements plugintest.Outside.
func (p *Process) Begin() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.run.broken(); err == nil {
		p.run.renew()
		return nil
	} else if p.last == nil || p.last.Error() != err.Error() || p.faults < faultsMax {
		p.faults, p.last = p.faults+1, err
	}
	if p.faults >= faultsMax {
		return fmt.Errorf("it is not started again after %d faults, the last of them: %w", p.faults, p.last)
	}
	p.run.end()
	r, err := p.start()
	if err != nil {
		p.faults, p.last = faultsMax, err
		return err
	}
	p.run = r
	return nil
}

// Fault implements plugintest.Outside.
func (p *Process) Fault() ([]string, error) {
	p.mu.Lock()
	r := p.run
	p.mu.Unlock()
	return r.dialogue(), r.broken()
}

// Close ends the process: its input is closed, and a second later it and all that
// it has started is killed.
func (p *Process) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.run.end()
}

// call has the running process do something and waits for its answer.
func (p *Process) call(c command) (event, error) {
	p.mu.Lock()
	r := p.run
	p.mu.Unlock()
	e, err := r.call(c, p.patience)
	switch {
	case err != nil:
		return e, err
	case e.Event == "failed":
		return e, errors.New(e.Error)
	case e.Event == "unsupported":
		return e, errors.ErrUnsupported
	}
	return e, nil
}

// do is call for what is answered by done alone.
func (p *Process) do(c command) error {
	e, err := p.call(c)
	if err == nil && e.Event != "done" {
		return fmt.Errorf("the driver answers %s by %q, not by done, failed or unsupported", c.Do, e.Event)
	}
	return err
}

// tail keeps the end of what a driver writes to its standard error.
type tail struct {
	mu   sync.Mutex // guards text
	text []byte
}

const tailMax = 2 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	if extra := len(t.text) - tailMax; extra > 0 {
		t.text = append(t.text[:0], t.text[extra:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}
