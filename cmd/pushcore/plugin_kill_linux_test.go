package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestPluginProcessThatIsKilledComesBack(t *testing.T) {
	node := startNode(t, third("127.0.0.1:0")+"store: { kind: memory }\n")
	before := servedBy(t, node)
	if err := syscall.Kill(before, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	node.await(t, "the plugin is up again")
	if after := servedBy(t, node); after == before {
		t.Error("it is the same process")
	}
	if !strings.Contains(node.out.String(), "was ended by signal 9") {
		t.Errorf("the log does not say how it ended:\n%s", node.out.String())
	}
	if code := node.stop(t); code != exitOK {
		t.Errorf("exit code %d\n%s", code, node.out.String())
	}
}

// await waits until the node has said something.
func (p *nodeProcess) await(t *testing.T, text string) {
	t.Helper()
	for late := time.Now().Add(30 * time.Second); !strings.Contains(p.out.String(), text); {
		if time.Now().After(late) {
			t.Fatalf("the node never said %q:\n%s", text, p.out.String())
		}
	}
}

// servedBy is the process of a node's one plugin.
func servedBy(t *testing.T, p *nodeProcess) (pid int) {
	t.Helper()
	for late := time.Now().Add(30 * time.Second); ; {
		for _, id := range strings.Fields(childrenOf(p.cmd.Process.Pid)) {
			b, err := os.ReadFile("/proc/" + id + "/cmdline")
			if err == nil && strings.Contains(string(b), "plugin\x00serve") {
				_, _ = fmt.Sscan(id, &pid) // It is a number.
				return pid
			}
		}
		if time.Now().After(late) {
			t.Fatalf("the node has no plugin:\n%s", p.out.String())
		}
	}
}

// childrenOf lists the ids of a process's children, whichever thread has them.
func childrenOf(pid int) string {
	var all strings.Builder
	tasks := fmt.Sprintf("/proc/%d/task", pid)
	threads, _ := os.ReadDir(tasks)
	for _, thread := range threads {
		b, _ := os.ReadFile(tasks + "/" + thread.Name() + "/children")
		all.Write(append(b, ' '))
	}
	return all.String()
}

func TestNodeThatIsKilledFindsItsPluginsAgain(t *testing.T) {
	config := `
http: { listen: 127.0.0.1:0 }
store: { path: ` + t.TempDir() + ` }
plugins:
  edge: { use: tcp, placement: process, config: { listen: 127.0.0.1:0 } }
`
	first := startNode(t, config)
	plugin := servedBy(t, first)
	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-first.ended
	second := startNode(t, config)
	second.await(t, "taken over from an earlier runtime")
	if second.urls["edge"] != first.urls["edge"] {
		t.Errorf("devices were at %s, now they are to go to %s", first.urls["edge"], second.urls["edge"])
	}

	// A node with another configuration ends it: it holds the listener.
	if err := second.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-second.ended
	third := startNode(t, strings.Replace(config, "edge:", "other:", 1))
	if err := syscall.Kill(plugin, 0); err == nil && !strings.Contains(third.out.String(), "the configuration does not have it any more") {
		t.Errorf("it lives on:\n%s", third.out.String())
	}
	if code := third.stop(t); code != exitOK {
		t.Errorf("exit code %d\n%s", code, third.out.String())
	}
}
