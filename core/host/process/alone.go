package process

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/pluginrpc"
)

// alone is a plugin's process that is called as if it were a plugin, by somebody
// who brings a host of his own and wants to see what goes wrong: nothing is
// mended. The process starts with the first call. One goroutine at a time calls
// its methods.
type alone struct {
	cfg     Config
	proc    *Process
	setup   sdk.Setup
	options []byte
	closed  bool

	mu    sync.Mutex // guards the following
	fault error
	link  error // what a link has ended with
}

// start starts the process, once.
func (a *alone) start() (*Process, error) {
	if a.proc == nil && a.broken() == nil {
		p, err := Start(context.Background(), a.cfg)
		if err != nil {
			a.blame(err)
			return nil, err
		}
		a.proc = p
	}
	if a.proc == nil {
		return nil, a.broken()
	}
	return a.proc, nil
}

// blame says what is wrong with the process; the first reason stays.
func (a *alone) blame(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fault == nil {
		a.fault = err
	}
}

// linkBroken notes what a link has ended with.
func (a *alone) linkBroken(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.link == nil {
		a.link = err
	}
}

// linkSpare is how long the end of a link waits to be explained by that of the
// process.
const linkSpare = time.Second

// examine looks whether the process or a link of it has ended by itself.
func (a *alone) examine() {
	a.mu.Lock()
	link := a.link
	a.mu.Unlock()
	if link != nil {
		select {
		case <-a.proc.Done():
		case <-time.After(linkSpare):
			a.blame(link)
		}
	}
	select {
	case <-a.proc.Done():
		a.blame(fmt.Errorf("the plugin's process has ended: %s", a.proc.ExitText()))
	default:
	}
}

func (a *alone) broken() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.fault
}

// Info implements sdk.Plugin; it is empty for a plugin that does not start.
func (a *alone) Info() sdk.Info {
	p, err := a.start()
	if err != nil {
		return sdk.Info{}
	}
	return p.Info()
}

// Configure implements sdk.Plugin.
func (a *alone) Configure(options []byte) (sdk.Setup, []sdk.OptionError) {
	p, err := a.start()
	if err != nil {
		return sdk.Setup{}, []sdk.OptionError{{Message: err.Error()}}
	}
	setup, faults, err := p.Configure(context.Background(), options)
	if err != nil {
		a.blame(err)
		return sdk.Setup{}, []sdk.OptionError{{Message: err.Error()}}
	}
	a.setup, a.options = setup, options
	return setup, faults
}

// Discard ends the process if it was not closed. The error is what was wrong with
// it until then: that it did not start, that it or a link of it ended by itself.
func (a *alone) Discard() error {
	if a.proc == nil || a.closed {
		return a.broken()
	}
	a.examine()
	a.proc.Kill("nobody needs it any more") // Or has ended.
	return a.broken()
}

// AloneTransport is a transport in a process of its own, for trials: it is opened
// on any host, and nothing is mended. See Discard for what went wrong.
type AloneTransport struct {
	alone
	host  sdk.Host
	seats []*aloneSeat // by loop
}

var _ sdk.Transport = (*AloneTransport)(nil)

// NewAloneTransport makes a transport of a command.
func NewAloneTransport(c Config) *AloneTransport { return &AloneTransport{alone: alone{cfg: c}} }

// aloneSeat is the place of a link on a loop of the host. It is owned by the loop.
type aloneSeat struct {
	transport *AloneTransport
	loop      sdk.Loop
	link      *pluginrpc.Link // nil: it has ended
	ended     chan struct{}   // closed when it has
	closing   bool            // its end is expected
}

var _ pluginrpc.Owner = (*aloneSeat)(nil)

// Open implements sdk.Transport. Errors of the process are what the plugin is told
// to have said.
func (t *AloneTransport) Open(h sdk.Host) ([]sdk.Endpoint, error) {
	t.host = h
	ctx, cancel := context.WithTimeout(context.Background(), openTimeout)
	defer cancel()
	p, err := t.start()
	if err != nil {
		return nil, err
	}
	reply, err := p.Attach(ctx, h.Loops(), 0)
	if err != nil {
		return nil, err
	}
	if len(reply.GetTokens()) != h.Loops() {
		return nil, fmt.Errorf("the plugin gives %d tokens for %d links", len(reply.GetTokens()), h.Loops())
	}
	for l := range sdk.Loop(h.Loops()) {
		s := &aloneSeat{transport: t, loop: l, ended: make(chan struct{})}
		t.seats = append(t.seats, s)
		c := pluginrpc.LinkConfig{Loop: l, Token: reply.GetTokens()[l]}
		begin, err := linkOpener(ctx, p, c, reply.GetLinkAddress())
		if err != nil {
			return nil, err
		}
		t.on(l, func() { s.link, err = begin(s) })
		if err != nil {
			return nil, err
		}
	}
	return p.Open(ctx)
}

// on runs f on a loop of the host and waits for it.
func (t *AloneTransport) on(l sdk.Loop, f func()) {
	task := &onLoop{f: f, done: make(chan struct{})}
	t.host.Poller(l).Do(task)
	<-task.done
}

// Deliver implements sdk.Transport, as the following do.
func (t *AloneTransport) Deliver(l sdk.Loop, b *sdk.Batch) {
	if k := t.seats[l].link; k != nil {
		k.Deliver(b)
	}
}

func (t *AloneTransport) Command(l sdk.Loop, c []sdk.Command) {
	if k := t.seats[l].link; k != nil {
		k.Command(c)
	}
}

func (t *AloneTransport) Flush(l sdk.Loop) {
	if k := t.seats[l].link; k != nil {
		k.Flush()
	}
}

// Close closes the plugin and waits until its process has ended and all that it
// had said is with the host, whose loops must still run.
func (t *AloneTransport) Close(deadline time.Time) error {
	if t.proc == nil || t.closed {
		return t.broken()
	}
	for _, s := range t.seats {
		t.on(s.loop, func() { s.closing = true })
	}
	t.examine()
	t.closed = true
	err := t.proc.Close(deadline)
	for _, s := range t.seats {
		select {
		case <-s.ended:
		case <-time.After(closeSpare):
			err = errors.Join(err, fmt.Errorf("the link of loop %d has not ended with the process", s.loop))
			t.on(s.loop, s.end)
		}
	}
	if broken := t.broken(); broken != nil {
		return broken
	}
	return err
}

// Credit implements pluginrpc.Owner, as the following do.
func (s *aloneSeat) Credit() int { return s.transport.host.Credit(s.loop) }

func (s *aloneSeat) Emit(e []sdk.Event) { s.transport.host.Emit(s.loop, e) }

func (s *aloneSeat) Poller() sdk.Poller { return s.transport.host.Poller(s.loop) }

func (s *aloneSeat) Block(bool) {} // A host in a trial says too much now and then.

func (s *aloneSeat) Written(uint64) {}

// Table is empty: a link may be begun when the plugin is already open.
func (s *aloneSeat) Table(conns []pluginrpc.Conn) {
	if len(conns) > 0 {
		s.transport.blame(errors.New("the plugin sent a table of connections, and had no runtime before"))
	}
}

func (s *aloneSeat) Frozen() {
	s.transport.blame(errors.New("the plugin says Frozen, and was not asked to freeze"))
}

func (s *aloneSeat) Adopted([]pluginrpc.Renamed) {
	s.transport.blame(errors.New("the plugin says Adopted, and was given nothing to adopt"))
}

func (s *aloneSeat) Broken(err error) {
	if !s.closing {
		s.transport.linkBroken(fmt.Errorf("the link of loop %d has broken: %w", s.loop, err))
	}
	s.end()
}

// end closes the link, once.
func (s *aloneSeat) end() {
	if s.link != nil {
		s.link.Close()
		s.link = nil
		close(s.ended)
	}
}

// onLoop is a task that runs f and closes done.
type onLoop struct {
	f    func()
	done chan struct{}
}

// Run implements sdk.Task.
func (t *onLoop) Run(sdk.Loop) {
	t.f()
	close(t.done)
}
