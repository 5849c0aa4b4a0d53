package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/pushcore/pushcore/core/loop"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/pluginrpc"
)

// Instance is a transport that runs in a process of its own, kept running. Its
// methods may be called from any goroutine that is not a loop, one at a time.
type Instance struct {
	loops     *loop.Set
	transport *transport
	grace     time.Duration
	log       *slog.Logger

	broken    chan error      // links → run; capacity 1
	replacing chan *replacing // Replace → run
	replaced  chan struct{}   // upgrade → run: proc is another one; capacity 1
	closing   chan struct{}   // closed by Close
	done      chan struct{}   // closed by run when it has ended
	restart   backoff         // run's

	upgrading chan struct{} // has an item while there is an upgrade, or run waits for none
	once      sync.Once     // closes closing

	mu          sync.Mutex // guards the rest
	plugin      *Plugin    // what starts a process
	proc        *Process   // nil: down
	fault       error      // why it is down
	listen      *sdk.Listen
	endpoints   []sdk.Endpoint
	incarnation uint16
	restarts    uint64
}

// OpenConfig says how an instance is opened.
type OpenConfig struct {
	Index int           // of the plugin, for loops and shards
	Grace time.Duration // how long the process outlives this one; 0: not at all
	Log   *slog.Logger
}

// Open opens a transport on loops that run. It accepts no connection before
// Listen. What becomes of the process later is mended by starting it again.
func Open(loops *loop.Set, p *Plugin, c OpenConfig) (*Instance, []sdk.Endpoint, error) {
	i := &Instance{
		plugin: p, loops: loops, transport: &transport{}, grace: c.Grace, log: c.Log,
		broken: make(chan error, 1), replaced: make(chan struct{}, 1), upgrading: make(chan struct{}, 1), replacing: make(chan *replacing), closing: make(chan struct{}), done: make(chan struct{}),
	}
	for k := range loops.Len() {
		s := &seat{loop: sdk.Loop(k), broken: i.linkBroken}
		i.transport.seats = append(i.transport.seats, s)
		s.port = loops.Loop(k).Attach(c.Index, i.transport)
		s.port.Engage()
	}
	ctx, cancel := context.WithTimeout(context.Background(), openTimeout)
	defer cancel()
	if err := i.first(ctx); err != nil {
		i.detach()
		return nil, nil, err
	}
	i.restart.started(time.Now())
	go i.run()
	return i, i.endpoints, nil
}

// first goes on with the process of an earlier runtime, or starts one.
func (i *Instance) first(ctx context.Context) error {
	if proc := i.plugin.kept(ctx, i.loops.Len()); proc != nil {
		err := i.connect(ctx, proc)
		if err == nil {
			i.plugin.Discard() // What Prepare has started.
			return nil
		}
		i.log.Warn("the process of an earlier run is of no use: its connections end", "error", err)
		proc.Kill("it could not be taken over")
	}
	proc, err := i.plugin.up(ctx)
	if err != nil {
		return err
	}
	if err := i.connect(ctx, proc); err != nil {
		proc.Kill("it could not be opened")
		return err
	}
	return nil
}

// linkBroken is called on loops.
func (i *Instance) linkBroken(err error) {
	select {
	case i.broken <- err:
	default: // One reason is enough.
	}
}

// connect attaches to a process, opens its links and, unless it is open, the
// plugin.
func (i *Instance) connect(ctx context.Context, proc *Process) error {
	incarnation := i.incarnate()
	select {
	case <-i.broken: //nolint:errcheck // It is of the process before.
	default:
	}
	reply, err := proc.Attach(ctx, i.loops.Len(), i.grace)
	if err != nil {
		return err
	}
	if len(reply.GetTokens()) != i.loops.Len() {
		return fmt.Errorf("the plugin serves %d loops, this node has %d", len(reply.GetTokens()), i.loops.Len())
	}
	tables := make(chan struct{}, i.loops.Len())
	for k, s := range i.transport.seats {
		c := pluginrpc.LinkConfig{Loop: s.loop, Token: reply.GetTokens()[k], Incarnation: incarnation}
		if err := i.link(ctx, proc, s, c, reply.GetLinkAddress(), tables); err != nil {
			return err
		}
	}
	var endpoints []sdk.Endpoint
	if reply.GetOpened() {
		for range i.transport.seats {
			select {
			case <-tables:
			case <-ctx.Done():
				return errors.New("the plugin does not say which connections it has kept")
			}
		}
		for _, url := range reply.GetEndpoints() {
			endpoints = append(endpoints, sdk.Endpoint{URL: url})
		}
	} else if endpoints, err = proc.Open(ctx); err != nil {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.endpoints != nil && !slices.Equal(i.endpoints, endpoints) {
		i.log.Warn("the plugin listens elsewhere than before", "before", i.endpoints, "now", endpoints)
	}
	i.proc, i.endpoints, i.fault = proc, endpoints, nil
	return nil
}

// link opens the link of one loop.
func (i *Instance) link(ctx context.Context, proc *Process, s *seat, c pluginrpc.LinkConfig, address string, tables chan<- struct{}) error {
	begin, err := linkOpener(ctx, proc, c, address)
	if err != nil {
		return err
	}
	i.on(s.loop, func() {
		s.down() // The links of the process before have ended; not every loop need have heard.
		s.tabled = func() { tables <- struct{}{} }
		if c.Incarnation > 1 {
			s.port.Down(c.Incarnation - 1) // Devices may have been on their way to a loop without a link.
		}
		s.prefix = sdk.ConnID(c.Incarnation) << 48
		s.link, err = begin(s)
	})
	return err
}

// incarnate counts the processes.
func (i *Instance) incarnate() uint16 {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.incarnation++
	return i.incarnation
}

// on runs f on a loop and waits for it.
func (i *Instance) on(l sdk.Loop, f func()) {
	i.transport.seats[l].port.On(f)
}

// Listen lets connections in on every loop, now and whenever the process is
// started again.
func (i *Instance) Listen(l sdk.Listen) {
	i.mu.Lock()
	i.listen = &l
	i.mu.Unlock()
	i.tellListen(l)
}

func (i *Instance) tellListen(l sdk.Listen) {
	for _, s := range i.transport.seats {
		own := l
		s.port.Command([]sdk.Command{{Kind: sdk.CommandListen, Listen: &own}})
	}
}

// StopListening lets no further connection in.
func (i *Instance) StopListening() {
	i.mu.Lock()
	i.listen = nil
	i.mu.Unlock()
	for _, s := range i.transport.seats {
		s.port.Command([]sdk.Command{{Kind: sdk.CommandStopListening}})
	}
}

// Check says why the transport does not serve as it was told to.
func (i *Instance) Check() error {
	i.mu.Lock()
	proc, fault := i.proc, i.fault
	i.mu.Unlock()
	if proc == nil {
		return fmt.Errorf("the plugin's process is down: %w", fault)
	}
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	return proc.Check(ctx)
}

// Restarts is how often the process was started again.
func (i *Instance) Restarts() uint64 {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.restarts
}

// end waits until nobody keeps the process running any more, and nobody replaces it.
func (i *Instance) end() {
	i.once.Do(func() { close(i.closing) })
	<-i.done
	i.upgrading <- struct{}{}
	<-i.upgrading
}

// Abandon lets go of the process: it waits for another core, which finds it. The
// loops must still run.
func (i *Instance) Abandon() {
	i.end()
	i.detach()
}

// Close closes the transport and ends its process, at the latest at the deadline,
// and tells the shards that it is gone with all its connections. The loops must
// still run.
func (i *Instance) Close(deadline time.Time) error {
	i.end()
	i.mu.Lock()
	proc := i.proc
	i.mu.Unlock()
	var err error
	if proc != nil {
		err = proc.Close(deadline)
	}
	i.detach()
	return err
}

func (i *Instance) detach() {
	for _, s := range i.transport.seats {
		s.port.Disengage()
		i.on(s.loop, s.down)
		s.port.Detach()
	}
}
