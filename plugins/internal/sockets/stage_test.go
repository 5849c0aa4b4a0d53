package sockets

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pushcore/pushcore/sdk"
)

// Stage is a host whose loops are the test itself: descriptors are real, time and
// turns are the test's. It is exported to the tests outside of the package.
type Stage struct {
	T         testing.TB
	Transport *Transport
	Address   string
	Time      time.Time
	NoCredit  bool
	Events    []sdk.Event // copied
	Silent    bool        // no more events are kept
	Logged    bytes.Buffer

	wait    int // milliseconds for which a turn waits for a descriptor
	pollers []*stagePoller
	accept  func(sdk.Event) *sdk.Accept // answers Connect at the end of a turn; nil: nobody does
	asked   []sdk.Event
}

// NewStage opens a transport that listens on loops.
func NewStage(t testing.TB, p Protocol, loops int) *Stage {
	t.Helper()
	tr := &Transport{}
	tr.Use(p, Config{Listen: []string{"127.0.0.1:0"}})
	return StageOf(t, tr, loops)
}

// StageOf opens a transport that has its protocol.
func StageOf(t testing.TB, tr *Transport, loops int) *Stage {
	t.Helper()
	s := &Stage{T: t, Transport: tr, Time: time.Unix(1000, 0)}
	s.accept = func(sdk.Event) *sdk.Accept { return &sdk.Accept{} }
	for range loops {
		s.pollers = append(s.pollers, &stagePoller{stage: s, watched: map[int]*stageWatch{}})
	}
	endpoints, err := tr.Open(s)
	if err != nil {
		t.Fatal(err)
	}
	_, address, _ := strings.Cut(endpoints[0].URL, "://")
	s.Address, _, _ = strings.Cut(address, "/")
	t.Cleanup(func() {
		for _, l := range tr.loops {
			l.closeAll()
		}
		tr.closeEndpoints()
	})
	return s
}

var _ sdk.Host = (*Stage)(nil)

func (s *Stage) Loops() int                    { return len(s.pollers) }
func (s *Stage) Now(sdk.Loop) time.Time        { return s.Time }
func (s *Stage) Poller(l sdk.Loop) sdk.Poller  { return s.pollers[l] }
func (*Stage) Post(sdk.Loop, []sdk.Event) bool { return true }
func (s *Stage) Log() *slog.Logger             { return slog.New(slog.NewTextHandler(&s.Logged, nil)) }

func (s *Stage) Credit(sdk.Loop) int {
	if s.NoCredit {
		return 0
	}
	return 1 << 20
}

func (s *Stage) Emit(_ sdk.Loop, events []sdk.Event) {
	if s.Silent {
		return
	}
	for _, e := range events {
		e.Payload, e.Ranges = slices.Clone(e.Payload), slices.Clone(e.Ranges)
		e.ID, e.Name, e.Group, e.Text = strings.Clone(e.ID), strings.Clone(e.Name), strings.Clone(e.Group), strings.Clone(e.Text)
		s.Events = append(s.Events, e)
		if e.Kind == sdk.EventConnect {
			s.asked = append(s.asked, e)
		}
	}
}

// Listen has a loop accept connections.
func (s *Stage) Listen(l sdk.Loop, limits sdk.Listen) {
	s.Transport.Command(l, []sdk.Command{{Kind: sdk.CommandListen, Listen: &limits}})
}

// Turn is a turn of each loop: what is ready, tasks, timers, answers to Connect,
// Flush.
func (s *Stage) Turn() {
	for i, p := range s.pollers {
		p.react(sdk.Loop(i))
		tasks := p.tasks
		p.tasks = nil
		for _, t := range tasks {
			t.Run(sdk.Loop(i))
		}
		p.alarms(sdk.Loop(i))
		s.answer(sdk.Loop(i))
		s.Transport.Flush(sdk.Loop(i))
	}
}

// answer accepts who has asked on the loop.
func (s *Stage) answer(l sdk.Loop) {
	asked := s.asked
	s.asked = nil
	for _, e := range asked {
		if a := s.accept(e); a != nil {
			s.Transport.Command(l, []sdk.Command{{Kind: sdk.CommandAccept, Conn: e.Conn, Accept: a}})
		}
	}
}

// Until turns until done.
func (s *Stage) Until(what string, done func() bool) {
	s.T.Helper()
	s.wait = 1
	defer func() { s.wait = 0 }()
	for deadline := time.Now().Add(10 * time.Second); !done(); {
		if time.Now().After(deadline) {
			s.T.Fatalf("waited for %s; events %v", what, s.kinds())
		}
		s.Turn()
	}
}

// Pass lets time pass in steps that are shorter than a tick, a turn each.
func (s *Stage) Pass(d time.Duration) {
	for step := 100 * time.Millisecond; d > 0; d -= step {
		s.Time = s.Time.Add(min(step, d))
		s.Turn()
	}
}

// count is the number of events of a kind so far.
func (s *Stage) count(k sdk.EventKind) int {
	n := 0
	for _, e := range s.Events {
		if e.Kind == k {
			n++
		}
	}
	return n
}

func (s *Stage) kinds() (out []sdk.EventKind) {
	for _, e := range s.Events {
		out = append(out, e.Kind)
	}
	return out
}

// dial connects, and closes when the test ends.
func (s *Stage) dial() net.Conn {
	s.T.Helper()
	conn, err := net.Dial("tcp", s.Address)
	if err != nil {
		s.T.Fatal(err)
	}
	s.T.Cleanup(func() { _ = conn.Close() })
	return conn
}

// ended says whether the transport has ended a connection.
func (s *Stage) ended(conn net.Conn) bool {
	s.T.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		s.T.Fatal(err)
	}
	var b [512]byte
	for {
		_, err := conn.Read(b[:])
		if err != nil {
			return errors.Is(err, io.EOF) || errors.Is(err, unix.ECONNRESET)
		}
	}
}

// stagePoller is the poller of one loop of a Stage.
type stagePoller struct {
	stage   *Stage
	watched map[int]*stageWatch
	timers  []stageTimer
	last    sdk.TimerID
	tasks   []sdk.Task
}

type stageWatch struct {
	watcher  sdk.Watcher
	interest sdk.Interest
}

type stageTimer struct {
	id    sdk.TimerID
	at    time.Time
	alarm sdk.Alarm
}

func (p *stagePoller) Watch(fd int, i sdk.Interest, w sdk.Watcher) error {
	if p.watched[fd] != nil {
		return unix.EEXIST
	}
	p.watched[fd] = &stageWatch{w, i}
	return nil
}

func (p *stagePoller) Rewatch(fd int, i sdk.Interest) error {
	p.watched[fd].interest = i
	return nil
}

func (p *stagePoller) Forget(fd int) { delete(p.watched, fd) }
func (p *stagePoller) Do(t sdk.Task) { p.tasks = append(p.tasks, t) }

func (p *stagePoller) Timer(d time.Duration, a sdk.Alarm) sdk.TimerID {
	p.last++
	const late = 100 * time.Millisecond // Timers are coarse.
	p.timers = append(p.timers, stageTimer{p.last, p.stage.Time.Add(d + late), a})
	return p.last
}

func (p *stagePoller) Cancel(id sdk.TimerID) {
	p.timers = slices.DeleteFunc(p.timers, func(t stageTimer) bool { return t.id == id })
}

func (p *stagePoller) alarms(l sdk.Loop) {
	for _, t := range slices.Clone(p.timers) {
		if !t.at.After(p.stage.Time) && slices.Contains(p.timers, t) {
			p.Cancel(t.id)
			t.alarm.Alarm(l, t.id)
		}
	}
}

// react tells watchers what is ready.
func (p *stagePoller) react(l sdk.Loop) {
	var fds []unix.PollFd
	for fd, w := range p.watched {
		f := unix.PollFd{Fd: int32(fd)}
		if w.interest&sdk.Readable != 0 {
			f.Events |= unix.POLLIN
		}
		if w.interest&sdk.Writable != 0 {
			f.Events |= unix.POLLOUT
		}
		fds = append(fds, f)
	}
	if n, err := unix.Poll(fds, p.stage.wait); n <= 0 || err != nil {
		return
	}
	for _, f := range fds {
		var ready sdk.Interest
		if f.Revents&(unix.POLLIN|unix.POLLHUP|unix.POLLERR) != 0 {
			ready |= sdk.Readable
		}
		if f.Revents&unix.POLLOUT != 0 {
			ready |= sdk.Writable
		}
		if w := p.watched[int(f.Fd)]; w != nil && ready != 0 {
			w.watcher.Ready(l, ready)
		}
	}
}
