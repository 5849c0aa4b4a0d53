package foreign

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/pluginrpc"
	"github.com/pushcore/pushcore/sdk/pluginrpc/pluginpb"
)

// patience is how long a test waits for what must come. Nothing is decided by it
// in a test that passes.
const patience = 20 * time.Second

// process is a plugin's process and the control connection to it: the runtime of
// docs/plugin-protocol.md, as small as it can be.
type process struct {
	t       testing.TB
	cmd     *exec.Cmd
	conn    *grpc.ClientConn
	control pluginpb.PluginClient
	links   []*link
	ended   chan struct{} // closed when the process has ended
	said    bytes.Buffer  // on standard output after the handshake; read when it has ended
	stderr  *output
}

// output keeps what a process writes.
type output struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// launch starts a plugin's process and takes its handshake.
func launch(t testing.TB, dir string, command ...string) *process {
	t.Helper()
	sockets, err := os.MkdirTemp("", "pc") //nolint:usetesting // A test's own directory has too long a name for a socket.
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(sockets) })
	p := &process{t: t, cmd: exec.Command(command[0], command[1:]...), ended: make(chan struct{}), stderr: &output{}}
	p.cmd.Dir = dir
	p.cmd.Env = []string{
		pluginrpc.CookieKey + "=" + pluginrpc.CookieValue, "PLUGIN_PROTOCOL_VERSIONS=1", "PLUGIN_MIN_PORT=0", "PLUGIN_MAX_PORT=0",
		pluginrpc.SocketDirKey + "=" + sockets, pluginrpc.LogLevelKey + "=debug",
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"),
	}
	p.cmd.Stderr = p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	lines := make(chan string, 1)
	go p.read(stdout, lines)
	p.shake(sockets, p.handshake(lines))
	return p
}

// read takes the handshake, then whatever comes, until the process ends.
func (p *process) read(stdout io.Reader, lines chan<- string) {
	r := bufio.NewReader(stdout)
	line, _ := r.ReadString('\n')
	lines <- line
	_, _ = io.Copy(&p.said, r)
	_ = p.cmd.Wait()
	close(p.ended)
}

func (p *process) handshake(lines <-chan string) string {
	p.t.Helper()
	select {
	case line := <-lines:
		return line
	case <-time.After(patience):
		p.t.Fatalf("no handshake\n%s", p.stderr)
		return ""
	}
}

// shake connects to the socket that the handshake names.
func (p *process) shake(sockets, line string) {
	p.t.Helper()
	parts := strings.Split(strings.TrimSuffix(line, "\n"), "|")
	if len(parts) != 5 || parts[0] != "1" || parts[1] != "1" || parts[2] != "unix" || parts[4] != "grpc" || !strings.HasSuffix(line, "|grpc\n") {
		p.t.Fatalf("handshake %q\n%s", line, p.stderr)
	}
	if filepath.Dir(parts[3]) != sockets {
		p.t.Fatalf("the socket %s is not in %s", parts[3], sockets)
	}
	conn, err := grpc.NewClient("unix:"+parts[3], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = conn.Close() })
	p.conn, p.control = conn, pluginpb.NewPluginClient(conn)
}

// kill ends the process the hard way, if it has not ended.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
	if p.t.Failed() {
		p.t.Logf("the plugin's standard error:\n%s", p.stderr)
	}
}

// awaitEnd waits until the process has ended by itself and returns its status.
func (p *process) awaitEnd() int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.t.Fatalf("the process does not end\n%s", p.stderr)
	}
	if p.said.Len() > 0 {
		p.t.Errorf("on standard output after the handshake: %q", p.said.String())
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *process) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	p.t.Cleanup(cancel)
	return ctx
}

func (p *process) healthy() {
	p.t.Helper()
	r, err := grpc_health_v1.NewHealthClient(p.conn).Check(p.ctx(), &grpc_health_v1.HealthCheckRequest{Service: "plugin"})
	if err != nil || r.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		p.t.Errorf("health: %v, %v", r, err)
	}
}

// configure returns the faults of the options as "POINTER: TEXT".
func (p *process) configure(options string) (*pluginpb.ConfigureReply, []string) {
	p.t.Helper()
	r, err := p.control.Configure(p.ctx(), &pluginpb.ConfigureRequest{Options: []byte(options)})
	if err != nil {
		p.t.Fatal(err)
	}
	var faults []string
	for _, e := range r.GetErrors() {
		faults = append(faults, e.GetPointer()+": "+e.GetMessage())
	}
	return r, faults
}

// open configures, attaches, opens links and the plugin, and returns its endpoints.
func (p *process) open(loops int, options string) []string {
	p.t.Helper()
	if _, faults := p.configure(options); len(faults) > 0 {
		p.t.Fatalf("options %s: %v", options, faults)
	}
	p.attach(loops)
	r, err := p.control.Open(p.ctx(), &pluginpb.OpenRequest{})
	if err != nil || r.GetError() != "" {
		p.t.Fatalf("open: %v %s\n%s", err, r.GetError(), p.stderr)
	}
	return r.GetEndpoints()
}

func (p *process) attach(loops int) {
	p.t.Helper()
	r, err := p.control.Attach(p.ctx(), &pluginpb.AttachRequest{
		Instance: "it", Loops: uint32(loops), GraceMs: 60_000, Runtime: "test", ApiVersion: sdk.APIVersion,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	if r.GetLinkAddress() != "" || r.GetOpened() || len(r.GetTokens()) != loops {
		p.t.Fatalf("attached: %v", r)
	}
	for i, token := range r.GetTokens() {
		p.links = append(p.links, p.link(i, token))
	}
}

// close has the plugin close and waits for its end.
func (p *process) close() {
	p.t.Helper()
	r, err := p.control.Close(p.ctx(), &pluginpb.CloseRequest{WithinMs: 5000})
	if err != nil || r.GetError() != "" {
		p.t.Errorf("close: %v %s", err, r.GetError())
	}
	if status := p.awaitEnd(); status != 0 {
		p.t.Errorf("exit status %d\n%s", status, p.stderr)
	}
}

// link is the runtime's end of one link.
type link struct {
	t        testing.TB
	stream   grpc.ClientStream
	cancel   context.CancelFunc
	received chan *pluginrpc.Record // closed when the link has ended
	err      error                  // valid then

	sent    uint64 // bytes after Hello
	flushes uint64
	waiting []*pluginrpc.Record // received and not asked for
}

func (p *process) link(loop int, token []byte) *link {
	p.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p.t.Cleanup(cancel)
	stream, err := pluginpb.OpenLink(ctx, p.conn)
	if err != nil {
		p.t.Fatal(err)
	}
	k := &link{t: p.t, stream: stream, cancel: cancel, received: make(chan *pluginrpc.Record, 10_000)}
	k.write(pluginrpc.AppendHello(nil, token, sdk.Loop(loop)))
	k.sent = 0
	go k.read()
	return k
}

func (k *link) write(records []byte) {
	k.t.Helper()
	k.sent += uint64(len(records))
	m := pluginpb.Records(records)
	if err := k.stream.SendMsg(&m); err != nil {
		k.t.Errorf("send: %v", err)
	}
}

func (k *link) read() {
	defer close(k.received)
	for {
		var m pluginpb.Records
		if k.err = k.stream.RecvMsg(&m); k.err != nil {
			return
		}
		for rest := []byte(m); len(rest) > 0; {
			r, next, err := pluginrpc.Next(rest)
			if err != nil {
				k.err = errors.Join(errors.New("a message of records that are not whole"), err)
				return
			}
			k.received <- &r
			rest = next
		}
	}
}

// command sends commands, and the end of the turn.
func (k *link) command(commands ...sdk.Command) {
	k.t.Helper()
	var b []byte
	for i := range commands {
		b = pluginrpc.AppendCommand(b, &commands[i])
	}
	k.flush(b, plenty)
}

// plenty is more credit than any test uses.
var plenty = pluginrpc.Credit{Bytes: 1 << 30}

// flush sends records and the end of the turn.
func (k *link) flush(records []byte, c pluginrpc.Credit) {
	k.t.Helper()
	k.flushes++
	k.write(pluginrpc.AppendFlush(records, c))
}

// deliver sends a batch and the end of the turn.
func (k *link) deliver(b sdk.Batch) {
	k.t.Helper()
	k.flush(pluginrpc.AppendBatch(nil, &b), plenty)
}

// next returns the first record of a kind; those of other kinds wait.
func (k *link) next(kind pluginrpc.Kind) *pluginrpc.Record {
	k.t.Helper()
	for i, r := range k.waiting {
		if r.Kind == kind {
			k.waiting = append(k.waiting[:i], k.waiting[i+1:]...)
			return r
		}
	}
	late := time.After(patience)
	for {
		select {
		case r, ok := <-k.received:
			if !ok {
				k.t.Fatalf("the link has ended, no record of kind %#x came: %v", kind, k.err)
			}
			if r.Kind == kind {
				return r
			}
			k.waiting = append(k.waiting, r)
		case <-late:
			k.t.Fatalf("no record of kind %#x came; of other kinds:%s", kind, k.others())
		}
	}
}

func (k *link) others() string {
	var b strings.Builder
	for _, r := range k.waiting {
		fmt.Fprintf(&b, " %#x", uint8(r.Kind))
	}
	return b.String()
}

// end waits for the end of the link, before which nothing may come, and says how
// it ended.
func (k *link) end() error {
	k.t.Helper()
	select {
	case r, ok := <-k.received:
		if ok {
			k.t.Errorf("a record of kind %#x came", uint8(r.Kind))
		}
	case <-time.After(patience):
		k.t.Fatal("the link does not end")
	}
	return k.err
}

// event returns the first event of a kind.
func (k *link) event(kind sdk.EventKind) sdk.Event {
	k.t.Helper()
	e, err := k.next(pluginrpc.Kind(kind)).Event()
	if err != nil {
		k.t.Fatal(err)
	}
	return e
}

// carriedOut waits until all that was sent is carried out.
func (k *link) carriedOut() {
	k.t.Helper()
	for {
		p, err := k.next(pluginrpc.KindFlushed).Flushed()
		if err != nil || p.Flushes > k.flushes || p.Bytes > k.sent {
			k.t.Fatalf("flushed %+v, %v; sent were %d flushes, %d bytes", p, err, k.flushes, k.sent)
		}
		if p.Flushes == k.flushes {
			if p.Bytes != k.sent {
				k.t.Errorf("%d bytes were carried out of %d", p.Bytes, k.sent)
			}
			return
		}
	}
}

// none fails if a record of the kind came before all that was sent was carried out.
func (k *link) none(kind sdk.EventKind) {
	k.t.Helper()
	k.command()
	k.carriedOut()
	for _, r := range k.waiting {
		if r.Kind == pluginrpc.Kind(kind) {
			k.t.Errorf("an event of kind %d came", kind)
		}
	}
}
