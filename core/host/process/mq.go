package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/pluginrpc"
)

// MQ is an MQ plugin that runs in a process of its own, kept running. To its host
// a process that ends is a broker that is away: the epochs of its sources end, and
// what was to be published is answered with an error.
type MQ struct {
	plugin *Plugin // written by run with mu held
	info   sdk.Info
	setup  sdk.Setup
	log    *slog.Logger

	replacing chan *replacing // Replace → run

	closing chan struct{} // closed by Close
	done    chan struct{} // closed by run when it has ended
	restart backoff       // run's, its breaker aside

	mu       sync.Mutex // guards the rest
	host     *mqHost
	proc     *Process // nil: down
	link     *pluginrpc.MQLink
	fault    error
	restarts uint64
	paused   map[string]bool // sources, to be told to the next process
}

var _ sdk.MQ = (*MQ)(nil)

// NewMQ makes an MQ plugin of a configured one.
func NewMQ(p *Plugin, info sdk.Info, setup sdk.Setup, log *slog.Logger) *MQ {
	return &MQ{
		plugin: p, info: info, setup: setup, log: log,
		replacing: make(chan *replacing), closing: make(chan struct{}), done: make(chan struct{}), paused: map[string]bool{},
	}
}

// Info implements sdk.MQ, as the following do.
func (m *MQ) Info() sdk.Info { return m.info }

// Configure answers what the plugin said to its options when it was prepared.
func (m *MQ) Configure([]byte) (sdk.Setup, []sdk.OptionError) { return m.setup, nil }

func (m *MQ) Open(h sdk.MQHost) error {
	m.host = newMQHost(h)
	if err := m.start(); err != nil {
		return err
	}
	m.restart.started(time.Now())
	go m.run()
	return nil
}

// start brings up a process and opens the plugin there.
func (m *MQ) start() error {
	ctx, cancel := context.WithTimeout(context.Background(), openTimeout)
	defer cancel()
	proc, err := m.plugin.up(ctx)
	if err != nil {
		return err
	}
	link, err := m.connect(ctx, proc)
	if err == nil {
		m.mu.Lock()
		m.proc, m.link, m.fault = proc, link, nil
		m.mu.Unlock()
		if _, err = proc.Open(ctx); err == nil {
			return nil
		}
		m.mu.Lock()
		m.proc, m.link = nil, nil
		m.mu.Unlock()
		link.Close()
	}
	proc.Kill("it could not be opened")
	m.host.away(err.Error())
	return err
}

func (m *MQ) connect(ctx context.Context, proc *Process) (*pluginrpc.MQLink, error) {
	reply, err := proc.Attach(ctx, 1, 0)
	if err != nil {
		return nil, err
	}
	if len(reply.GetTokens()) != 1 {
		return nil, errors.New("an MQ plugin has one link")
	}
	pipe, err := openPipe(ctx, proc, reply.GetLinkAddress())
	if err != nil {
		return nil, err
	}
	return pluginrpc.NewMQLink(reply.GetTokens()[0], pipe, m.host, func(err error) {
		select {
		case <-m.closing: // It ends its link before it ends.
		default:
			go proc.Kill("its link has ended: " + err.Error())
		}
	}), nil
}

// run keeps the process running until Close.
func (m *MQ) run() {
	defer close(m.done)
	for {
		m.mu.Lock()
		proc := m.proc
		m.mu.Unlock()
		select {
		case <-m.closing:
			return
		case r := <-m.replacing:
			if !m.replace(proc, r) {
				return
			}
			continue
		case <-proc.Done():
		}
		m.lost(proc.ExitText())
		m.log.Error("the plugin's process has ended", "why", proc.ExitText())
		if !m.revive() {
			return
		}
	}
}

// replace ends a process in good order and starts another one; false: the instance
// is closing.
func (m *MQ) replace(proc *Process, r *replacing) bool {
	m.log.Info("the plugin is closed and started again")
	err := proc.Close(time.Now().Add(replaceWithin))
	m.lost("it is being replaced")
	before := m.plugin
	m.setPlugin(r.plugin)
	if up := m.start(); up != nil {
		m.setPlugin(before)
		r.done <- errors.Join(up, err)
		return m.revive()
	}
	m.resumed()
	r.done <- err
	return true
}

func (m *MQ) setPlugin(p *Plugin) {
	m.mu.Lock()
	m.plugin = p
	m.mu.Unlock()
}

// Replace closes the plugin and starts it again, as Instance.Replace.
func (m *MQ) Replace(ctx context.Context, sha256 string) error {
	m.mu.Lock()
	plugin, down := m.plugin, m.proc == nil
	m.mu.Unlock()
	if down {
		return errDown
	}
	return replaceThrough(ctx, m.replacing, m.done, plugin, sha256)
}

func (m *MQ) lost(why string) {
	m.mu.Lock()
	link := m.link
	m.proc, m.link, m.fault = nil, nil, errors.New(why)
	m.mu.Unlock()
	link.Close()
	m.host.away("the plugin's process has ended")
}

func (m *MQ) revive() bool {
	for {
		if !m.restart.pause(m.closing, m.log) {
			return false
		}
		err := m.start()
		if err == nil {
			m.resumed()
			return true
		}
		m.log.Error("the plugin does not start", "error", err)
		m.mu.Lock()
		m.fault = err
		m.mu.Unlock()
	}
}

// resumed tells a process that was started again what the one before knew.
func (m *MQ) resumed() {
	m.restart.started(time.Now())
	m.mu.Lock()
	defer m.mu.Unlock()
	m.restarts++
	for source := range m.paused {
		m.link.Pause(source)
	}
	m.log.Info("the plugin is up again", "pid", m.proc.PID())
}

func (m *MQ) Settle(s []sdk.Settlement) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.link != nil {
		m.link.Settle(m.host.settlements(s))
	}
}

func (m *MQ) Publish(r []sdk.Outgoing) {
	m.mu.Lock()
	link := m.link
	if link != nil {
		m.host.publishing(r)
		link.Publish(r)
	}
	m.mu.Unlock()
	if link == nil {
		m.host.refuse(r)
	}
}

func (m *MQ) Pause(source string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.paused[source] = true
	if m.link != nil {
		m.link.Pause(source)
	}
}

func (m *MQ) Resume(source string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.paused, source)
	if m.link != nil {
		m.link.Resume(source)
	}
}

// Check implements sdk.Checker.
func (m *MQ) Check() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.fault
}

// Broken is why the node is not ready because of this plugin: it is down and has
// crashed too often. A single crash is no reason, it is as a broker that is away.
func (m *MQ) Broken() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.proc != nil || !m.restart.open.Load() {
		return nil
	}
	return fmt.Errorf("the plugin is down after %s: %w", breakerText(), m.fault)
}

func (m *MQ) Close(deadline time.Time) error {
	close(m.closing)
	<-m.done
	m.mu.Lock()
	proc, link := m.proc, m.link
	m.mu.Unlock()
	if proc == nil {
		return nil
	}
	err := proc.Close(deadline)
	link.Close()
	m.host.away("the node is stopping")
	return err
}

// Restarts is how often the process was started again.
func (m *MQ) Restarts() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.restarts
}

// Discard ends the process of a plugin that is not opened.
func (m *MQ) Discard() { m.plugin.Discard() }
