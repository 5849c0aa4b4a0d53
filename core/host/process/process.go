package process

import (
	"context"
	"net"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/pluginrpc/pluginpb"
)

// Process is a plugin's process that is up: it has answered Info. Its methods may
// be called from any goroutine.
type Process struct {
	cfg      Config // immutable, as the following are
	info     sdk.Info
	dir      string // the private directory
	child    *child
	client   *plugin.Client
	conn     *grpc.ClientConn
	control  pluginpb.PluginClient
	address  net.Addr // of the control service
	identity string
	gate     *gate
	stdout   *output
	stderr   *output
	files    []*os.File // of the outputs

	mu          sync.Mutex // guards the following
	fingerprint string     // of the options that were taken last
	savedAt     string     // the file that names the process, or empty

	stop    context.CancelFunc // of the goroutines
	working sync.WaitGroup
	done    chan struct{}
}

// Info is what the plugin says of itself.
func (p *Process) Info() sdk.Info { return p.info }

// PID is the id of the process.
func (p *Process) PID() int { return p.child.id() }

// Control is the control service, for what has no method here.
func (p *Process) Control() pluginpb.PluginClient { return p.control }

// Conn is the control connection, for the portable carrier.
func (p *Process) Conn() *grpc.ClientConn { return p.conn }

// Done is closed when the process has ended, its last lines are logged and its
// directory is gone.
func (p *Process) Done() <-chan struct{} { return p.done }

// ExitText says why the process has ended, with what it wrote last. It is valid
// when Done is closed.
func (p *Process) ExitText() string { return exitText(p.child, p.stderr) }

func exitText(c *child, stderr *output) string {
	text := c.how()
	if last := stderr.lastWords(); last != "" {
		text += "; it last wrote: " + last
	}
	return text
}

// Kill ends the process at once and returns when it has ended. The reason is for
// the log and ExitText.
func (p *Process) Kill(reason string) {
	p.child.kill(reason)
	<-p.done
}

// tendEvery is how often a process's output and memory are looked at.
const tendEvery = 250 * time.Millisecond

// tend logs what the process writes and bounds its memory until it ends; then it
// cleans up.
func (p *Process) tend() {
	look := time.NewTicker(tendEvery)
	defer look.Stop()
	for {
		select {
		case now := <-look.C:
			p.stdout.look(now)
			p.stderr.look(now)
			p.gate.report(now, p.cfg.Log)
			p.boundMemory()
		case <-p.child.ended:
			p.finish(time.Now())
			return
		}
	}
}

// finish takes down what is left of a process that has ended.
func (p *Process) finish(now time.Time) {
	p.stdout.finish(now)
	p.stderr.finish(now)
	for _, f := range p.files {
		_ = f.Close()
	}
	p.client.Kill() // Only its goroutines and connections are left.
	p.stop()
	p.working.Wait()
	p.forget()
	close(p.done)
}

// forget removes the directory of a process that has ended.
func (p *Process) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s, err := readSaved(p.savedAt); err == nil && s != nil && s.PID == p.PID() && s.Identity == p.identity {
		_ = os.Remove(p.savedAt) // It may be a successor's.
	}
	_ = os.RemoveAll(p.dir)
}
