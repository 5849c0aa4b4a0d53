//go:build unix

package local

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/loop"
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/pluginrpc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestTransportLivesOnItsLoops runs a transport as it is and behind its records,
// as in a process of its own.
func TestTransportLivesOnItsLoops(t *testing.T) {
	t.Run("called", func(t *testing.T) { testTransport(t, func(t sdk.Transport) sdk.Transport { return t }) })
	t.Run("behind records", func(t *testing.T) {
		testTransport(t, func(t sdk.Transport) sdk.Transport { return pluginrpc.NewTransport(t) })
	})
}

func testTransport(t *testing.T, place func(sdk.Transport) sdk.Transport) {
	const loops = 3
	const instance = 2
	var states []loop.State
	var echoes []*echo
	for range loops {
		e := &echo{down: make(chan int, 1)}
		states, echoes = append(states, e), append(echoes, e)
	}
	set := start(t, states)
	tr := newPairs(t)
	i, endpoints, err := Open(set, instance, place(tr), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if len(endpoints) != 1 || endpoints[0].URL != "pair://3" {
		t.Fatalf("endpoints %v", endpoints)
	}
	i.Listen(sdk.Listen{MaxFrame: 64})
	for k := range loops {
		if _, err := unix.Write(tr.pairs[k][1], []byte("hello")); err != nil {
			t.Fatal(err)
		}
		// From the socket on the loop to the shard, back as a command, to the socket.
		if got := tr.read(k); got != "5 bytes" {
			t.Errorf("loop %d answered %q", k, got)
		}
	}
	for !tr.host.Post(1, []sdk.Event{{Kind: sdk.EventUplink, Conn: 1, Payload: []byte("posted")}}) {
	}
	if got := tr.read(1); got != "6 bytes" {
		t.Errorf("posted event answered %q", got)
	}
	i.StopListening()
	if err := i.Close(time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	for k, e := range echoes {
		if plugin := <-e.down; plugin != instance {
			t.Errorf("loop %d was told that plugin %d is down, want %d", k, plugin, instance)
		}
	}
	want := map[sdk.CommandKind]int{sdk.CommandListen: loops, sdk.CommandStopListening: loops}
	for kind, n := range want {
		if tr.commands[kind] != n {
			t.Errorf("command %d came %d times, want %d", kind, tr.commands[kind], n)
		}
	}
}

func TestTransportThatDoesNotOpenIsDetached(t *testing.T) {
	e := &echo{down: make(chan int, 1)}
	set := start(t, []loop.State{e})
	tr := newPairs(t)
	tr.fail = errors.New("address in use")
	if _, _, err := Open(set, 0, tr, nil); !errors.Is(err, tr.fail) {
		t.Fatalf("open: %v", err)
	}
	<-e.down
}

func start(t *testing.T, states []loop.State) *loop.Set {
	t.Helper()
	set, err := loop.NewSet(loop.Config{}, states, nowhere{})
	if err != nil {
		t.Fatal(err)
	}
	set.Start()
	t.Cleanup(func() {
		if err := set.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return set
}

// pairs is a transport with one socket pair on each loop as its connection.
type pairs struct {
	t     *testing.T
	host  sdk.Host
	fail  error
	pairs [3][2]int

	mu       sync.Mutex
	commands map[sdk.CommandKind]int
}

var _ sdk.Transport = (*pairs)(nil)

func newPairs(t *testing.T) *pairs {
	p := &pairs{t: t, commands: map[sdk.CommandKind]int{}}
	for k := range p.pairs {
		fd, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.SetNonblock(fd[0], true); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _, _ = unix.Close(fd[0]), unix.Close(fd[1]) })
		p.pairs[k] = fd
	}
	return p
}

func (p *pairs) read(k int) string {
	b := make([]byte, 64)
	n, err := unix.Read(p.pairs[k][1], b)
	if err != nil {
		p.t.Error(err)
	}
	return string(b[:max(n, 0)])
}

func (p *pairs) Info() sdk.Info                                  { return sdk.Info{Name: "pair"} }
func (p *pairs) Configure([]byte) (sdk.Setup, []sdk.OptionError) { return sdk.Setup{}, nil }
func (p *pairs) Deliver(sdk.Loop, *sdk.Batch)                    {}
func (p *pairs) Flush(sdk.Loop)                                  {}

func (p *pairs) Open(h sdk.Host) ([]sdk.Endpoint, error) {
	p.host = h
	if h.Loops() == 3 {
		return []sdk.Endpoint{{URL: "pair://3"}}, p.fail
	}
	return nil, p.fail
}

func (p *pairs) Command(l sdk.Loop, c []sdk.Command) {
	for i := range c {
		p.mu.Lock()
		p.commands[c[i].Kind]++
		p.mu.Unlock()
		switch c[i].Kind {
		case sdk.CommandListen:
			if err := p.host.Poller(l).Watch(p.pairs[l][0], sdk.Readable, p); err != nil {
				p.t.Error(err)
			}
		case sdk.CommandUplinkResult:
			if _, err := unix.Write(p.pairs[l][0], []byte(c[i].Text)); err != nil {
				p.t.Error(err)
			}
		}
	}
}

func (p *pairs) Ready(l sdk.Loop, _ sdk.Interest) {
	b := make([]byte, min(64, p.host.Credit(l)))
	n, err := unix.Read(p.pairs[l][0], b)
	if err != nil || p.host.Now(l).IsZero() {
		p.t.Error(n, err)
	}
	p.host.Emit(l, []sdk.Event{{Kind: sdk.EventUplink, Conn: 1, Payload: b[:n]}})
}

func (p *pairs) Close(time.Time) error {
	for l := range sdk.Loop(p.host.Loops()) {
		done := make(chan struct{})
		p.host.Poller(l).Do(forget{p, l, done})
		<-done
	}
	return nil
}

// forget is pairs' closing task on one loop.
type forget struct {
	p    *pairs
	loop sdk.Loop
	done chan struct{}
}

func (f forget) Run(l sdk.Loop) {
	f.p.host.Poller(l).Forget(f.p.pairs[l][0])
	close(f.done)
}

// echo is a shard that answers uplinks with their length.
type echo struct {
	effects shard.Effects
	down    chan int
}

var _ loop.State = (*echo)(nil)

func (e *echo) Events(plugin int, events []sdk.Event) {
	for plugin >= len(e.effects.Plugins) {
		e.effects.Plugins = append(e.effects.Plugins, shard.PluginEffects{})
	}
	for i := range events {
		e.effects.Plugins[plugin].Commands = append(e.effects.Plugins[plugin].Commands, sdk.Command{
			Kind: sdk.CommandUplinkResult, Conn: 1, Text: string('0'+rune(len(events[i].Payload))) + " bytes",
		})
	}
}

func (e *echo) Handle(in envelope.Input) {
	switch in := in.(type) {
	case *shard.PostedEvents:
		e.Events(in.Plugin, in.Events)
	case *shard.PluginDown:
		e.down <- in.Plugin
	}
}

func (e *echo) Begin(shard.Now)                {}
func (e *echo) Tick()                          {}
func (e *echo) NextDue() (time.Duration, bool) { return 0, false }
func (e *echo) Serve(int) bool                 { return false }
func (e *echo) Flushed()                       {}
func (*echo) Rejoin(int, []shard.Rejoined)     {}
func (*echo) Block(int, bool)                  {}
func (*echo) Written(int, uint64)              {}
func (*echo) Rename(int, []shard.Renamed)      {}
func (*echo) Leaving(int) []shard.Leaving      { return nil }
func (e *echo) Effects() *shard.Effects        { return &e.effects }
func (e *echo) Reset() {
	for i := range e.effects.Plugins {
		e.effects.Plugins[i].Commands = e.effects.Plugins[i].Commands[:0]
	}
}

// nowhere is an outlet.
type nowhere struct{}

func (nowhere) Reports([]envelope.Report) {}
func (nowhere) Store([]store.Op)          {}
func (nowhere) Auth([]shard.AuthRequest)  {}
func (nowhere) Fates([]shard.Fate)        {}
func (nowhere) Publish([]shard.Publish)   {}
func (nowhere) Answers([]shard.Answer)    {}
func (nowhere) Room(int)                  {}
