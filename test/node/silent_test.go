package node

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/pushcore/pushcore/sdk/client"
)

// clientURL names the variable that makes TestClientProcess a device.
const clientURL = "PUSHCORE_NODE_CLIENT_URL"

// TestClientProcess is no test but a device in a process of its own, which can be
// stopped: it prints what it gets and how it is connected, until its input ends.
func TestClientProcess(t *testing.T) {
	url := os.Getenv(clientURL)
	if url == "" {
		t.Skip("run by other tests")
	}
	c, err := client.Dial(t.Context(), client.Config{
		URLs: []string{url}, User: "alice", Device: "phone",
		Handler: func(_ context.Context, m client.Message) error {
			fmt.Println("got", string(m.Payload))
			return nil
		},
		OnState: func(s client.State) {
			if s.Phase == client.Connected {
				fmt.Println("connected", s.Resumed)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // Until the test that runs it ends.
	if err := c.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

// clientProcess is a device that can be stopped.
type clientProcess struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines chan string
}

func (n *node) clientProcess(url string) *clientProcess {
	n.t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestClientProcess$")
	cmd.Env = append(os.Environ(), clientURL+"="+url)
	in, err := cmd.StdinPipe()
	if err != nil {
		n.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		n.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	p := &clientProcess{t: n.t, cmd: cmd, lines: make(chan string, 1000)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(p.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			p.lines <- s.Text()
		}
	}()
	n.t.Cleanup(func() {
		p.signal(syscall.SIGCONT)
		_ = in.Close()
		<-read
		if err := cmd.Wait(); err != nil {
			n.t.Errorf("the device's process: %v", err)
		}
	})
	return p
}

func (p *clientProcess) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Error(err)
	}
}

// says is the next thing that the device tells.
func (p *clientProcess) says(want string) {
	p.t.Helper()
	select {
	case got := <-p.lines:
		if got != want {
			p.t.Fatalf("the device says %q, want %q", got, want)
		}
	case <-time.After(patience):
		p.t.Fatalf("the device does not say %q", want)
	}
}

func TestStoppedDeviceIsLetGoAndResumesWithoutLoss(t *testing.T) {
	for _, transport := range []string{"tcp", "ws"} {
		t.Run(transport, func(t *testing.T) {
			n := start(t, listeners+"sessions: { heartbeat: 1s }\n")
			p := n.clientProcess(n.urls[transport])
			p.says("connected false")
			n.push("before", "push-to", "user:alice")
			p.says("got before")
			n.fated("1", "reliable", "acked", "")

			p.signal(syscall.SIGSTOP) // Its kernel goes on: no FIN, no error, only silence.
			n.becomes(`pushcore_sessions{state="detached"}`, "1")
			n.becomes(`pushcore_connections{plugin="`+transport+`"}`, "0")
			var want []string
			for i := range 20 {
				text := fmt.Sprint("meanwhile ", i)
				n.push(text, "push-to", "user:alice")
				want = append(want, "got "+text)
			}
			p.signal(syscall.SIGCONT)
			p.says("connected true")
			for _, line := range want {
				p.says(line)
			}
			n.push("after", "push-to", "user:alice")
			p.says("got after")
			n.fated("22", "reliable", "acked", "")
		})
	}
}
