package sockets

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pushcore/pushcore/sdk"
)

// inChild runs the test in a process of its own, for what it does to the process.
// It says whether this is that process.
func inChild(t *testing.T) bool {
	t.Helper()
	const variable = "PUSHCORE_SOCKETS_CHILD"
	if os.Getenv(variable) == t.Name() {
		return true
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), variable+"="+t.Name())
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS")) {
		t.Errorf("in a process of its own: %v\n%s", err, out)
	}
	return false
}

// limitDescriptors sets the process's limit of open files.
func limitDescriptors(t *testing.T, n uint64) {
	t.Helper()
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: n, Max: n}); err != nil {
		t.Fatal(err)
	}
}

func TestLastDescriptorsAreNotForConnections(t *testing.T) {
	if !inChild(t) {
		return
	}
	limitDescriptors(t, 100)
	s := NewStage(t, lineProtocol{}, 1)
	s.Listen(0, sdk.Listen{})
	l := s.Transport.loops[0]
	var conns []net.Conn
	for len(l.all) == len(conns) {
		conn := s.dial() // Takes a descriptor too.
		refusedBefore := s.Logged.Len()
		s.Until("the connection to be taken or refused", func() bool { return len(l.all) > len(conns) || s.Logged.Len() > refusedBefore })
		conns = append(conns, conn)
	}
	refused := conns[len(conns)-1]
	s.Until("the refused one to hear of it", func() bool { return s.ended(refused) })
	_ = refused.Close()
	for range 10 {
		conn := s.dial()
		s.Until("the refused one to hear of it", func() bool { return s.ended(conn) })
		_ = conn.Close()
	}
	if n := strings.Count(s.Logged.String(), "\n"); n != 1 {
		t.Errorf("%d lines for 11 refused connections:\n%s", n, &s.Logged)
	}
	files := 0
	for ; files < 10; files++ { // The store goes on.
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatalf("file %d: %v", files, err)
		}
		defer f.Close()
	}
	s.Pass(2 * shortageEvery)
	if log := s.Logged.String(); strings.Count(log, "\n") != 2 || !strings.Contains(log, "refused=10") {
		t.Errorf("log:\n%s", log)
	}
	_ = conns[0].Close()
	_ = conns[1].Close()
	s.Until("two to go", func() bool { return len(l.all) == len(conns)-3 })
	again := s.dial()
	s.Until("a new one to be taken", func() bool { return len(l.all) == len(conns)-2 })
	if s.ended(again) {
		t.Error("refused, though there is room again")
	}
}

func TestListenerRestsWithoutDescriptorsAndGoesOn(t *testing.T) {
	if !inChild(t) {
		return
	}
	s := NewStage(t, lineProtocol{}, 1)
	s.Listen(0, sdk.Listen{AcceptRate: 3})
	l := s.Transport.loops[0]
	first := s.dial()
	s.Until("the first", func() bool { return len(l.all) == 1 })
	waiting := s.dial()
	limitDescriptors(t, 64)
	taken := takeAll()
	watch := s.pollers[0].watched[l.listeners[0].fd]
	s.Until("the listener to rest", func() bool { return watch.interest == 0 })
	tokens := l.rate.tokens
	for range 20 {
		s.Pass(outOfDescriptors)
	}
	if l.rate.tokens < tokens {
		t.Errorf("failed accepts have used up the rate: %v of %v left", l.rate.tokens, tokens)
	}
	if n := strings.Count(s.Logged.String(), "\n"); n != 1 {
		t.Errorf("%d lines for one shortage:\n%s", n, &s.Logged)
	}
	for _, fd := range taken {
		_ = unix.Close(fd)
	}
	s.Pass(2 * outOfDescriptors)
	s.Until("the one that waited", func() bool { return len(l.all) == 2 })
	if s.ended(first) || s.ended(waiting) {
		t.Error("a connection was cut")
	}
}

// takeAll takes all descriptors that are left.
func takeAll() (fds []int) {
	for {
		fd, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return fds
		}
		fds = append(fds, fd)
	}
}
