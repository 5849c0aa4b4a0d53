//go:build unix

package pluginrpc

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pushcore/pushcore/sdk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testHost is a runtime with loops: each turn runs what came, then flushes.
type testHost struct {
	t         *testing.T
	transport sdk.Transport
	loops     []*testLoop
	credit    atomic.Int64
	events    chan sdk.Event // with their strings only; Seq is the loop for uplinks
}

type testLoop struct {
	*reactor
	ending atomic.Bool
	done   chan struct{}
	open   atomic.Bool
}

var _ sdk.Host = (*testHost)(nil)

// newTestHost runs loops; openTransport opens a transport on them.
func newTestHost(t *testing.T, loops int) *testHost {
	h := &testHost{t: t, events: make(chan sdk.Event, 10_000)}
	h.credit.Store(1 << 20)
	for l := range loops {
		r, err := newReactor(sdk.Loop(l))
		if err != nil {
			t.Fatal(err)
		}
		h.loops = append(h.loops, &testLoop{reactor: r, done: make(chan struct{})})
	}
	for _, l := range h.loops {
		go h.run(l)
	}
	t.Cleanup(func() {
		for _, l := range h.loops {
			l.ending.Store(true)
			l.poll.wake()
			<-l.done
		}
	})
	return h
}

func (h *testHost) run(l *testLoop) {
	defer close(l.done)
	for !l.ending.Load() {
		if err := l.wait(); err != nil {
			h.t.Error(err)
			break
		}
		l.turn()
		if l.open.Load() {
			h.transport.Flush(l.loop)
		}
	}
	if err := l.poll.close(); err != nil {
		h.t.Error(err)
	}
}

func (h *testHost) openTransport(t sdk.Transport) []sdk.Endpoint {
	h.t.Helper()
	h.transport = t
	e, err := t.Open(h)
	if err != nil {
		h.t.Fatal(err)
	}
	for l, loop := range h.loops {
		h.on(sdk.Loop(l), func() {}) // The loop has seen transport.
		loop.open.Store(true)
	}
	return e
}

func (h *testHost) close() {
	h.t.Helper()
	for l, loop := range h.loops {
		loop.open.Store(false)
		h.on(sdk.Loop(l), func() {})
	}
	if err := h.transport.Close(time.Now().Add(10 * time.Second)); err != nil {
		h.t.Error(err)
	}
}

// on runs f on a loop and waits for it.
func (h *testHost) on(l sdk.Loop, f func()) {
	done := make(chan struct{})
	h.loops[l].Do(taskFunc(func() { f(); close(done) }))
	<-done
}

type taskFunc func()

func (f taskFunc) Run(sdk.Loop) { f() }

func (h *testHost) Loops() int                   { return len(h.loops) }
func (h *testHost) Now(l sdk.Loop) time.Time     { return h.loops[l].now }
func (h *testHost) Credit(sdk.Loop) int          { return int(h.credit.Load()) }
func (h *testHost) Poller(l sdk.Loop) sdk.Poller { return h.loops[l].reactor }
func (h *testHost) Log() *slog.Logger            { return slog.New(slog.NewTextHandler(logFailure{h.t}, nil)) }

func (h *testHost) Post(sdk.Loop, []sdk.Event) bool {
	h.t.Error("the link has its own way from other goroutines")
	return true
}

func (h *testHost) Emit(l sdk.Loop, e []sdk.Event) {
	for _, e := range e {
		if e.Kind == sdk.EventUplink {
			e.Seq, e.ID = uint64(l), string(e.Payload)
		}
		e.Payload = nil
		h.events <- e
	}
}

// next returns the next event, which must be of a kind.
func (h *testHost) next(k sdk.EventKind) sdk.Event {
	h.t.Helper()
	e := <-h.events
	if e.Kind != k {
		h.t.Fatalf("event %+v, want one of kind %d", e, k)
	}
	return e
}

// logFailure is a log in which every line is a fault.
type logFailure struct{ t *testing.T }

func (l logFailure) Write(b []byte) (int, error) {
	l.t.Errorf("logged: %s", b)
	return len(b), nil
}

// pairs is a transport whose connections are socket pairs, one on each loop; what
// a device writes is an uplink, what a device reads is what was delivered.
type pairs struct {
	t       *testing.T
	host    sdk.Host
	device  []int // by loop: the other end
	fds     []int
	out     [][]byte
	openErr error
	calls   atomic.Int32 // of Deliver, Command and Flush
	open    atomic.Bool
	starved chan struct{} // capacity 1: Ready was called without credit

	mu       sync.Mutex
	commands []sdk.Command
	credits  []int
}

var _ sdk.Transport = (*pairs)(nil)

func newPairs(t *testing.T, loops int) *pairs {
	p := &pairs{t: t, out: make([][]byte, loops), starved: make(chan struct{}, 1)}
	for range loops {
		fd := sockets(t)
		must(t, syscall.SetNonblock(fd[1], false))
		p.fds, p.device = append(p.fds, fd[0]), append(p.device, fd[1])
	}
	return p
}

func sockets(t *testing.T) [2]int {
	t.Helper()
	fd, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fd {
		must(t, syscall.SetNonblock(f, true))
		t.Cleanup(func() { _ = syscall.Close(f) })
	}
	return fd
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

func (p *pairs) write(l int, text string) {
	p.t.Helper()
	if _, err := syscall.Write(p.device[l], []byte(text)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *pairs) read(l int) string {
	p.t.Helper()
	b := make([]byte, 1024)
	n, err := syscall.Read(p.device[l], b)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(b[:n])
}

func (p *pairs) Info() sdk.Info {
	return sdk.Info{Name: "pairs", Kind: sdk.KindTransport, APIVersion: sdk.APIVersion, Schema: []byte("{}")}
}

func (p *pairs) Configure(options []byte) (sdk.Setup, []sdk.OptionError) {
	if string(options) != "{}" {
		return sdk.Setup{}, []sdk.OptionError{{Pointer: "/listen", Message: "no such option"}}
	}
	return sdk.Setup{
		Listen:  []string{"127.0.0.1:0"},
		Input:   &sdk.InputOptions{Allow: []string{"push"}, MaxOpen: sdk.MaxOpen{Bytes: 1 << 20}},
		Outputs: []sdk.Output{sdk.OutputUplink},
	}, nil
}

func (p *pairs) Open(h sdk.Host) ([]sdk.Endpoint, error) {
	p.host = h
	done := make(chan struct{})
	h.Poller(0).Do(taskFunc(func() { close(done) }))
	<-done // A turn of the loop, at the end of which there must be no Flush.
	p.open.Store(p.openErr == nil)
	return []sdk.Endpoint{{URL: fmt.Sprintf("pair://%d", h.Loops())}}, p.openErr
}

func (p *pairs) called() {
	p.calls.Add(1)
	if !p.open.Load() {
		p.t.Error("the transport was called while it was not open")
	}
}

func (p *pairs) Deliver(l sdk.Loop, b *sdk.Batch) {
	p.called()
	for _, i := range b.Items {
		p.out[l] = fmt.Appendf(p.out[l], "%d:%s ", i.Seq, b.Messages[i.Message].Payload)
	}
}

func (p *pairs) Command(l sdk.Loop, c []sdk.Command) {
	p.called()
	p.mu.Lock()
	p.commands = append(p.commands, c...)
	p.mu.Unlock()
	for i := range c {
		switch c[i].Kind {
		case sdk.CommandListen:
			must(p.t, p.host.Poller(l).Watch(p.fds[l], sdk.Readable, p))
		case sdk.CommandUplinkResult:
			p.out[l] = append(p.out[l], c[i].Text...)
		}
	}
}

func (p *pairs) Flush(l sdk.Loop) {
	p.called()
	if len(p.out[l]) > 0 {
		if _, err := syscall.Write(p.fds[l], p.out[l]); err != nil {
			p.t.Error(err)
		}
		p.out[l] = p.out[l][:0]
	}
}

func (p *pairs) Ready(l sdk.Loop, _ sdk.Interest) {
	credit := p.host.Credit(l)
	p.mu.Lock()
	p.credits = append(p.credits, credit)
	p.mu.Unlock()
	if credit == 0 {
		signal(p.starved)
		return
	}
	b := make([]byte, min(1024, credit))
	n, err := syscall.Read(p.fds[l], b)
	if err != nil {
		p.t.Error(err)
	}
	p.host.Emit(l, []sdk.Event{{Kind: sdk.EventUplink, Conn: sdk.ConnID(l + 1), Payload: b[:n]}})
}

func (p *pairs) Close(time.Time) error {
	p.open.Store(false)
	for l := range sdk.Loop(p.host.Loops()) {
		done := make(chan struct{})
		p.host.Poller(l).Do(taskFunc(func() {
			p.host.Poller(l).Forget(p.fds[l])
			p.host.Emit(l, []sdk.Event{{Kind: sdk.EventClosed, Conn: sdk.ConnID(l + 1)}})
			close(done)
		}))
		<-done
	}
	return nil
}

func listen(h *testHost) {
	for l := range sdk.Loop(h.Loops()) {
		h.on(l, func() { h.transport.Command(l, []sdk.Command{{Kind: sdk.CommandListen, Listen: &sdk.Listen{}}}) })
	}
}

// carriers are the ways in which records can go.
var carriers = map[string]func(sdk.Transport) *Transport{
	"memory": NewTransport, "pipe": NewPipedTransport, "socket": NewSocketTransport,
}

func TestTransportWorksBehindItsRecords(t *testing.T) {
	for name, place := range carriers {
		t.Run(name, func(t *testing.T) { testTransport(t, place) })
	}
}

func testTransport(t *testing.T, place func(sdk.Transport) *Transport) {
	const loops = 3
	p := newPairs(t, loops)
	h := newTestHost(t, loops)
	tr := place(p)
	if got := tr.Info(); !reflect.DeepEqual(got, p.Info()) {
		t.Errorf("info %+v", got)
	}
	want, _ := p.Configure([]byte("{}"))
	if got, errs := tr.Configure([]byte("{}")); !reflect.DeepEqual(got, want) || len(errs) != 0 {
		t.Errorf("setup %+v, %v", got, errs)
	}
	if _, errs := tr.Configure([]byte("[]")); len(errs) != 1 || errs[0].Pointer != "/listen" {
		t.Errorf("faults of the options: %v", errs)
	}
	if e := h.openTransport(tr); len(e) != 1 || e[0].URL != "pair://3" {
		t.Errorf("endpoints %v", e)
	}
	listen(h)
	for l := range loops {
		p.write(l, "hello")
		if e := h.next(sdk.EventUplink); e.ID != "hello" || e.Seq != uint64(l) || e.Conn != sdk.ConnID(l+1) {
			t.Errorf("loop %d: event %+v", l, e)
		}
		h.on(sdk.Loop(l), func() {
			tr.Command(sdk.Loop(l), []sdk.Command{{Kind: sdk.CommandUplinkResult, Text: "taken "}, {Kind: sdk.CommandUplinkResult, Text: "too "}})
			tr.Deliver(sdk.Loop(l), &sdk.Batch{
				Messages: []sdk.Message{{Payload: []byte("a")}, {Payload: []byte("b")}},
				Items:    []sdk.Item{{Seq: 1, Message: 1}, {Seq: 2, Message: 0}},
			})
			tr.Command(sdk.Loop(l), []sdk.Command{{Kind: sdk.CommandUplinkResult, Text: "end"}})
		})
		if got := p.read(l); got != "taken too 1:b 2:a end" {
			t.Errorf("loop %d: the device read %q", l, got)
		}
	}
	h.close()
	for range loops {
		select {
		case e := <-h.events:
			if e.Kind != sdk.EventClosed {
				t.Errorf("event %+v", e)
			}
		default:
			t.Fatal("Close returned before the last events were with the host")
		}
	}
}

func TestOpenErrorCrosses(t *testing.T) {
	p := newPairs(t, 2)
	p.openErr = errors.New("address already in use")
	h := newTestHost(t, 2)
	if _, err := NewTransport(p).Open(h); err == nil || err.Error() != p.openErr.Error() {
		t.Fatalf("open: %v", err)
	}
}

func TestPostedEventsStandBehindWhatWasEmittedBefore(t *testing.T) {
	p := newPairs(t, 1)
	h := newTestHost(t, 1)
	h.openTransport(NewTransport(p))
	const rounds = 200
	for i := range rounds {
		emitted := make(chan struct{})
		p.host.Poller(0).Do(taskFunc(func() {
			p.host.Emit(0, []sdk.Event{{Kind: sdk.EventAck, Conn: 1, Seq: uint64(2 * i)}})
			close(emitted)
		}))
		<-emitted
		if !p.host.Post(0, []sdk.Event{{Kind: sdk.EventAck, Conn: 1, Seq: uint64(2*i + 1)}}) {
			t.Fatal("a post was refused")
		}
	}
	for i := range 2 * rounds {
		if e := h.next(sdk.EventAck); e.Seq != uint64(i) {
			t.Fatalf("event %d came in place of %d", e.Seq, i)
		}
	}
	h.close()
}

func TestPostIsRefusedWhenTheLinkIsFullButForClosed(t *testing.T) {
	p := newPairs(t, 1)
	h := newTestHost(t, 1)
	h.openTransport(NewTransport(p))
	gate, stuck := make(chan struct{}), make(chan struct{})
	h.loops[0].Do(taskFunc(func() { close(stuck); <-gate }))
	<-stuck // The runtime's loop is busy: the link is not emptied.
	uplink := []sdk.Event{{Kind: sdk.EventUplink, Conn: 1, Payload: make([]byte, 1<<20)}}
	n := 0
	for p.host.Post(0, uplink) {
		if n++; n > 10 {
			t.Fatal("10 MiB were taken")
		}
	}
	if !p.host.Post(0, []sdk.Event{{Kind: sdk.EventClosed, Conn: 1}}) {
		t.Fatal("Closed was refused")
	}
	close(gate)
	for range n {
		h.next(sdk.EventUplink)
	}
	h.next(sdk.EventClosed)
	h.close()
}

func TestCreditBoundsWhatIsOnTheLinkAndIsRenewed(t *testing.T) {
	p := newPairs(t, 1)
	h := newTestHost(t, 1)
	h.credit.Store(10)
	h.openTransport(NewTransport(p))
	listen(h)
	gate, stuck := make(chan struct{}), make(chan struct{})
	h.loops[0].Do(taskFunc(func() { close(stuck); <-gate }))
	<-stuck
	p.write(0, strings.Repeat("x", 25))
	<-p.starved // The transport has found that there is no credit left.
	if n := len(h.events); n != 0 {
		t.Fatalf("%d events while the runtime's loop was busy", n)
	}
	close(gate)
	got := 0
	for got < 25 {
		e := h.next(sdk.EventUplink)
		if len(e.ID) > 10 {
			t.Fatalf("%d bytes at once, the credit is 10", len(e.ID))
		}
		got += len(e.ID)
	}
	h.close()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.credits[0] != 10 || slices.Max(p.credits) > 10 {
		t.Errorf("credits seen: %v", p.credits[:min(len(p.credits), 20)])
	}
}

func TestIdleTurnsDoNotWakeThePlugin(t *testing.T) {
	p := newPairs(t, 1)
	h := newTestHost(t, 1)
	h.openTransport(NewTransport(p))
	h.on(0, func() {})
	listen(h)
	p.write(0, "x")
	h.next(sdk.EventUplink)
	settled := func() { // Both sides have made the turns that the last event led to.
		for range 4 {
			h.on(0, func() {})
			done := make(chan struct{})
			p.host.Poller(0).Do(taskFunc(func() { close(done) }))
			<-done
		}
	}
	settled()
	before := p.calls.Load()
	for range 100 {
		h.on(0, func() {})
	}
	if n := p.calls.Load() - before; n > 2 {
		t.Errorf("%d calls of the plugin in 100 turns in which nothing happened", n)
	}
	h.close()
}

func TestBatchesAreCutIntoRecordsOfBoundedLength(t *testing.T) {
	var batch sdk.Batch
	for i := range 5 {
		batch.Messages = append(batch.Messages, sdk.Message{ID: fmt.Sprint(i), Payload: make([]byte, 100*i)})
	}
	for i := range 40 {
		batch.Items = append(batch.Items, sdk.Item{Conn: sdk.ConnID(i + 1), Seq: uint64(i), Message: uint32(i * 7 % 5)})
	}
	for _, bodyMax := range []int{1 << 20, 1000, 300, 1} {
		s := splitter{bodyMax: bodyMax}
		for range 2 { // The second time with used memory.
			records := 0
			var got []string
			for b := s.append(nil, &batch); len(b) > 0; records++ {
				r, rest, err := Next(b)
				if err != nil {
					t.Fatal(err)
				}
				var part sdk.Batch
				if err := r.Batch(&part); err != nil {
					t.Fatal(err)
				}
				if len(r.Body) > bodyMax && len(part.Items) > 1 {
					t.Errorf("bound %d: a record of %d bytes with %d items", bodyMax, len(r.Body), len(part.Items))
				}
				for _, i := range part.Items {
					got = append(got, fmt.Sprint(i.Conn, i.Seq, part.Messages[i.Message].ID))
				}
				b = rest
			}
			for k, i := range batch.Items {
				if want := fmt.Sprint(i.Conn, i.Seq, batch.Messages[i.Message].ID); k >= len(got) || got[k] != want {
					t.Fatalf("bound %d: item %d is missing or not in its place", bodyMax, k)
				}
			}
			if len(got) != len(batch.Items) || bodyMax == 1 && records != len(got) {
				t.Errorf("bound %d: %d items in %d records", bodyMax, len(got), records)
			}
		}
	}
}
