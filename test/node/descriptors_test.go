package node

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/pushcore/pushcore/sdk/wire"
)

// inChild runs the test in a process of its own, for what it does to the process.
// It says whether this is that process.
func inChild(t *testing.T) bool {
	t.Helper()
	const variable = "PUSHCORE_NODE_CHILD"
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

func TestNodeAtItsLimitOfDescriptorsServesWhoIsThereAndRecovers(t *testing.T) {
	if !inChild(t) {
		return
	}
	n := start(t, listeners)
	n.push("warm", "push-to", "user:nobody") // The client's connection is there from now on.
	const limit = 400
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
		t.Fatal(err)
	}
	var devices []*device
	for { // Each takes two descriptors here, its own and the node's.
		d := n.dial(wire.Connect{User: fmt.Sprint("u", len(devices)), Device: "d"})
		accept, ok := d.next().(*wire.Accept)
		if !ok {
			break // Refused: closed without a word.
		}
		if d.accept = accept; len(devices) > limit {
			t.Fatal("the limit is not heeded")
		}
		devices = append(devices, d)
	}
	t.Logf("%d devices at a limit of %d", len(devices), limit)

	for i, d := range devices[:20] {
		n.push("here", "push-to", fmt.Sprint("user:u", i))
		d.gets("here")
	}
	if status, answer := n.call(http.MethodPost, "/v1/push", "kept", "push-to", "user:away"); status != http.StatusAccepted {
		t.Errorf("push to who is away: %d %s", status, answer)
	}

	taken := takeDescriptors() // Nothing is left for anybody now.
	n.push("still here", "push-to", "user:u0")
	devices[0].gets("still here")
	status, _, err := n.try(http.MethodPost, "/v1/push", "kept too", "push-to", "user:away")
	t.Logf("push to who is away, without any descriptor: %d, %v", status, err)
	for _, fd := range taken {
		_ = syscall.Close(fd)
	}

	for _, d := range devices[len(devices)-20:] {
		d.cut()
	}
	n.until("the node to have noticed", func() bool {
		return n.metric(`pushcore_connections{plugin="tcp"}`) == fmt.Sprint(len(devices)-20)
	}, func() string { return "" })
	away := n.user("away", "d")
	want := []string{"kept"}
	if status == http.StatusAccepted {
		want = append(want, "kept too")
	}
	away.gets(want...)
}

// takeDescriptors takes all that are left.
func takeDescriptors() (fds []int) {
	for {
		fd, err := syscall.Open(os.DevNull, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		if err != nil {
			return fds
		}
		fds = append(fds, fd)
	}
}
