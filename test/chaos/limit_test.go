package chaos

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pushcore/pushcore/test/chaos/check"
)

// TestFileDescriptorsRunOut leaves the node no descriptor for more connections: those it has go on, the others come in
// when there are descriptors again, without a restart.
func TestFileDescriptorsRunOut(t *testing.T) {
	first, more, each := 40, 80, 20
	if *long {
		first, more, each = 200, 400, 60
	}
	r := newRig(t)
	s := newHTTPSource(r)
	n := r.startNode(nodeConfig{plugins: s.plugin()})
	f := r.startFleet("first", fleetConfig{Users: first, URLs: n.deviceURLs(), EachStranger: 2})
	f.connect()
	r.untilConnected(first, 30*time.Second)
	p := r.publish(s, load{users: first + more, each: each, within: 10 * time.Second, sizeMax: 600})
	r.pass(time.Second)

	var before unix.Rlimit
	pid := n.cmd.Process.Pid
	limit := unix.Rlimit{Cur: uint64(n.descriptors() + 10)}
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &before); err != nil {
		t.Fatal(err)
	}
	limit.Max = before.Max
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &limit, nil); err != nil {
		t.Fatal(err)
	}
	r.note("descriptors run out")
	late := r.startFleet("more", fleetConfig{First: first, Users: more, URLs: n.deviceURLs(), EachStranger: 2})
	late.connect()
	r.pass(4 * time.Second)
	if got := late.stats().Connected; got >= int64(more) {
		t.Errorf("all %d further devices were let in without descriptors", got)
	}
	if got := f.stats().Connected; got != int64(first) {
		t.Errorf("of %d devices that were there, %d are", first, got)
	}
	if log := n.logTail(); !strings.Contains(log, "descriptor") && !strings.Contains(log, "too many open files") {
		t.Errorf("the log does not say what is missing:\n%s", log)
	}
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &before, nil); err != nil {
		t.Fatal(err)
	}
	r.note("descriptors again")
	refused := late.stats().Connected
	r.untilConnected(first+more, time.Minute)
	p.done()
	r.untilHandled(p.total(), time.Minute)
	report := r.verdict(check.AckGrace)
	t.Logf("%d of %d further devices were let in while descriptors were short, %d attempts to publish failed; %d starts of the node", refused, more, p.tries.Load(), n.runs)
	if report.Kills != 0 || n.runs != 1 {
		t.Error("the node was started again")
	}
}

// descriptors is how many the node has open.
func (n *node) descriptors() int {
	entries, err := os.ReadDir("/proc/" + strconv.Itoa(n.cmd.Process.Pid) + "/fd")
	if err != nil {
		n.r.t.Fatal(err)
	}
	return len(entries)
}

// flooded is how long what was sent again before its ack may lie in the buffers of devices that are sent megabytes at
// once: for that long the ack was under way, too.
const flooded = 3 * time.Second

// TestDiskRunsFull fills the store's disk. What was answered 202 is there after a kill; what could not be kept was
// refused with a time to come back; when there is room again all goes on without a restart.
func TestDiskRunsFull(t *testing.T) {
	needRoot(t, "mount")
	users, each := 20, 40
	if *long {
		users, each = 100, 200
	}
	r := newRig(t)
	data := filepath.Join(r.dir, "small")
	if err := os.MkdirAll(data, 0o755); err != nil {
		t.Fatal(err)
	}
	command(t, "mount", "-t", "tmpfs", "-o", "size=512m", "chaos", data)
	t.Cleanup(func() { command(t, "umount", "-l", data) })
	s := newHTTPSource(r)
	n := r.startNode(nodeConfig{data: filepath.Join(data, "store")})
	// Half of the users are away until the end, so that their messages need the disk.
	f := r.startFleet("here", fleetConfig{Users: users / 2, URLs: n.deviceURLs(), EachStranger: 2})
	f.connect()
	r.untilConnected(users/2, 30*time.Second)
	p := r.publish(s, load{users: users, each: each, sizeMax: 20_000, within: 10 * time.Second})
	r.pass(2 * time.Second)
	filler := filepath.Join(data, "filler")
	fill(t, filler)
	r.note("disk full")
	r.until("a refusal", 30*time.Second, func() bool { return p.tries.Load() > 0 })
	safe := p.safe.Load()
	r.pass(3 * time.Second)
	t.Logf("disk full: %d pushes refused, %d taken meanwhile", p.tries.Load(), p.safe.Load()-safe)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	r.note("room again")
	began, tries := time.Now(), p.tries.Load()
	p.done()
	t.Logf("room again: everything was taken after %s and %d more refusals, by the same process", time.Since(began).Round(time.Millisecond), p.tries.Load()-tries)
	if n.runs != 1 {
		t.Error("the node was started again")
	}
	n.restart()
	away := r.startFleet("away", fleetConfig{First: users / 2, Users: users - users/2, URLs: n.deviceURLs(), EachStranger: 2})
	away.connect()
	r.untilHandled(p.total(), time.Minute)
	events := r.events()
	r.judge(check.Check(events, flooded))
	for _, e := range events {
		if e.Kind == "refused" && (!strings.Contains(e.Detail, "503") || strings.Contains(e.Detail, `Retry-After \"\"`)) && !strings.Contains(e.Detail, "connect") {
			t.Errorf("not a clear refusal: %s", e.Line)
			break
		}
	}
}

// fill writes a file until the disk takes no more.
func fill(t *testing.T, name string) {
	t.Helper()
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for size := 1 << 20; size > 0; size /= 2 {
		for block := make([]byte, size); err == nil; {
			_, err = file.Write(block)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		err = nil
	}
}
