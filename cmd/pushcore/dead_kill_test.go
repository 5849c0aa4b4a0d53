package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestReplayThatIsKilledLosesNothingAndRepeatsNothing(t *testing.T) {
	const letters = 150
	for name, start := range deadBrokers() {
		t.Run(name, func(t *testing.T) {
			g := newGraves(t, start(t))
			for i := range letters {
				g.put(t, "push", fmt.Sprintf("letter %d", i), "push-to", "user:alice", "push-id", fmt.Sprintf("l-%d", i), "push-name", "refuse")
			}
			g.await(letters, "--limit", "1000")
			close(g.alice.accept)
			for range 3 {
				g.killReplay()
			}
			for began := time.Now(); ; {
				// A broker takes a moment to see that who was killed is gone.
				g.dead(exitOK, "replay", "--all")
				if len(g.dead(exitOK, "list")) == 0 && len(g.alice.got) >= letters {
					break
				}
				if time.Since(began) > 30*time.Second {
					t.Fatalf("%d letters are left, %d messages came", len(g.dead(exitOK, "list")), len(g.alice.got))
				}
			}
			g.put(t, "push", "the last", "push-to", "user:alice")
			times := map[string]int{}
			for {
				m := g.alice.next(t)
				if string(m.Payload) == "the last" {
					break
				}
				times[string(m.Payload)]++
			}
			for i := range letters {
				if n := times[fmt.Sprintf("letter %d", i)]; n != 1 {
					t.Errorf("letter %d came %d times", i, n)
				}
			}
		})
	}
}

// killReplay starts to replay all in a process of its own, and kills it as soon as
// it says that a letter was written: it is taken away after that.
func (g *graves) killReplay() {
	g.t.Helper()
	self, err := os.Executable()
	if err != nil {
		g.t.Fatal(err)
	}
	cmd := exec.Command(self, "dead", "replay", "--all", "-c", g.file)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		g.t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n') // Said below if there is none.
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // It was killed, or had ended.
	if !strings.Contains(line, "replay") {
		g.t.Logf("the process ended with %q", line)
	}
}
