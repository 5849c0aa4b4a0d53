package serve

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/grpc"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/pluginrpc/pluginpb"
)

const (
	// closeWithin is how long a plugin may take to close when there is no runtime
	// to say how long.
	closeWithin = 5 * time.Second
	// partWithin is how long the last answers and log entries may take to leave.
	partWithin = time.Second
)

// server is the process's side of the control service.
type server struct {
	pluginpb.UnimplementedPluginServer

	plugin   sdk.Plugin
	runner   runner
	journal  *journal
	log      *slog.Logger
	presence *presence
	rpc      *grpc.Server

	calls sync.Mutex // held during Configure, Attach, Open, TakeOver and HandOver
	stage stage      // guarded by calls

	alone atomic.Bool // there was no runtime at the end

	closing sync.Once
	closed  error // of the one Close, valid after closing
	stopped sync.Once
}

// stage is how far the plugin is.
type stage int

const (
	fresh stage = iota
	configured
	opened
)

func newServer(p sdk.Plugin, dir string) (*server, error) {
	s := &server{plugin: p, journal: newJournal(), rpc: grpc.NewServer(pluginpb.ServerOptions()...)}
	s.log = slog.New(newHandler(s.journal, logLevel()))
	s.presence = newPresence(s.exit)
	var err error
	if s.runner, err = newRunner(p, dir, s.log, s.exit); err != nil {
		return nil, err
	}
	s.register()
	return s, nil
}

func (s *server) register() {
	pluginpb.RegisterPluginServer(s.rpc, s)
	registerHealth(s.rpc)
	registerController(s.rpc, s)
	s.runner.Register(s.rpc)
}

// run serves until stop.
func (s *server) run(l net.Listener) error {
	if err := s.rpc.Serve(l); err != nil {
		return fmt.Errorf("serve the runtime: %w", err)
	}
	return nil
}

// exit ends the process for a reason of its own. It does not wait for that.
func (s *server) exit(reason string) {
	fmt.Fprintln(os.Stderr, "the plugin ends:", reason)
	go func() {
		if err := s.close(time.Now().Add(closeWithin)); err != nil {
			fmt.Fprintln(os.Stderr, "close the plugin:", err)
		}
		s.alone.Store(!s.presence.attached())
		s.stop()
	}()
}

// close closes the plugin, once.
func (s *server) close(deadline time.Time) error {
	s.closing.Do(func() { s.closed = s.runner.Close(deadline) })
	return s.closed
}

// stop lets run return when the answers that are under way have left, or do not
// leave.
func (s *server) stop() {
	s.stopped.Do(func() {
		s.presence.end()
		s.journal.close()
		late := time.AfterFunc(partWithin, s.rpc.Stop)
		defer late.Stop()
		s.rpc.GracefulStop()
	})
}

// heedSignals ignores SIGPIPE, which a reader that has gone would kill the process
// with, and leaves the others to the runtime while there is one: whoever stops a
// whole unit signals all its processes, and the runtime has devices to say goodbye
// to. Children inherit none of this.
func (s *server) heedSignals() {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	pipes := make(chan os.Signal, 1)
	signal.Notify(pipes, syscall.SIGPIPE) // Nobody reads it: to be notified is not to die.
	for sig := range signals {
		if !s.presence.attached() {
			s.exit(sig.String())
			return
		}
		s.log.Info("a signal is left to the runtime", "signal", sig.String())
	}
}
