package sockets

import (
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pushcore/pushcore/sdk"
)

// loopHost is a host whose one loop is the test itself: tasks run when it says so.
type loopHost struct {
	stillHost
	poller *handPoller
}

func (h loopHost) Poller(sdk.Loop) sdk.Poller { return h.poller }

// handPoller notes what is watched and keeps tasks until run.
type handPoller struct {
	watched map[int]sdk.Watcher
	refuse  error // of Watch
	tasks   []sdk.Task
}

func (p *handPoller) Watch(fd int, _ sdk.Interest, w sdk.Watcher) error {
	if p.refuse == nil {
		p.watched[fd] = w
	}
	return p.refuse
}

func (p *handPoller) Forget(fd int)                            { delete(p.watched, fd) }
func (p *handPoller) Do(t sdk.Task)                            { p.tasks = append(p.tasks, t) }
func (*handPoller) Rewatch(int, sdk.Interest) error            { return nil }
func (*handPoller) Timer(time.Duration, sdk.Alarm) sdk.TimerID { return 1 }
func (*handPoller) Cancel(sdk.TimerID)                         {}

// openByHand opens a transport whose loop the test plays.
func openByHand(t *testing.T) (*Transport, *handPoller, string) {
	t.Helper()
	tr, p := &Transport{}, &handPoller{watched: map[int]sdk.Watcher{}}
	tr.Use(lineProtocol{}, Config{Listen: []string{"127.0.0.1:0"}})
	endpoints, err := tr.Open(loopHost{poller: p})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.closeEndpoints)
	return tr, p, strings.TrimPrefix(endpoints[0].URL, "line://")
}

func refused(t *testing.T, address string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err == nil {
		_ = conn.Close()
		t.Errorf("%s still takes connections", address)
	}
}

func TestStopListeningClosesTheSocketAndKeepsWhoWasTakenBefore(t *testing.T) {
	tr, p, address := openByHand(t)
	tr.Command(0, []sdk.Command{{Kind: sdk.CommandListen, Listen: &sdk.Listen{}}})
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	tr.Command(0, []sdk.Command{{Kind: sdk.CommandStopListening}})
	if len(tr.loops[0].all) != 1 || len(p.watched) != 1 {
		t.Errorf("%d connections, %d descriptors watched; want the one that waited", len(tr.loops[0].all), len(p.watched))
	}
	refused(t, address)
	tr.loops[0].closeAll()
}

func TestStopListeningClosesWhatNeverListened(t *testing.T) {
	tr, _, address := openByHand(t)
	tr.Command(0, []sdk.Command{{Kind: sdk.CommandStopListening}})
	refused(t, address)
}

func TestCloseClosesListenersOfALoopThatDoesNotAnswer(t *testing.T) {
	tr, p, address := openByHand(t)
	tr.Command(0, []sdk.Command{{Kind: sdk.CommandListen, Listen: &sdk.Listen{}}})
	if err := tr.Close(time.Now()); err == nil {
		t.Error("close has waited for nobody")
	}
	refused(t, address)
	for _, task := range p.tasks { // The loop comes after all.
		task.Run(0)
	}
}

func TestListenThatFailsIsSeen(t *testing.T) {
	tr, p, _ := openByHand(t)
	if err := tr.Check(); err != nil {
		t.Errorf("before anything was asked: %v", err)
	}
	p.refuse = unix.ENOSPC
	tr.Command(0, []sdk.Command{{Kind: sdk.CommandListen, Listen: &sdk.Listen{}}})
	if err := tr.Check(); err == nil || !strings.Contains(err.Error(), "listen on 127.0.0.1") {
		t.Errorf("check says %v", err)
	}
}
