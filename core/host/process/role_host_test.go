package process

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// hostTask is what a runtime that is going to be killed is told.
type hostTask struct {
	DataDir string
	Grace   time.Duration
	Options string
	Loops   int
}

const hostTaskKey = "HOST_TASK"

// hostOf plays a runtime with a plugin in the role, until it is killed.
func hostOf(role string) {
	err := func() error {
		var task hostTask
		if err := json.Unmarshal([]byte(os.Getenv(hostTaskKey)), &task); err != nil {
			return err
		}
		p, err := Start(context.Background(), Config{
			Instance: "mqtt", Command: []string{os.Args[0]}, Env: map[string]string{roleKey: role},
			DataDir: task.DataDir, StartTimeout: patience, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		})
		if err != nil {
			return err
		}
		if _, _, err := p.Configure(context.Background(), []byte(task.Options)); err != nil {
			return err
		}
		if _, err := p.Attach(context.Background(), task.Loops, task.Grace); err != nil {
			return err
		}
		fmt.Printf("pid %d\n", p.PID())
		_, err = io.Copy(io.Discard, os.Stdin) // It is never closed.
		return err
	}()
	fmt.Println("the host has failed:", err)
	os.Exit(1)
}

// abandoned runs a plugin under a runtime that is then killed, and returns the
// plugin's process.
func abandoned(t *testing.T, role string, task hostTask) (pid int) {
	t.Helper()
	encoded, err := json.Marshal(task)
	if err != nil {
		t.Fatal(err)
	}
	host := exec.Command(os.Args[0])
	host.Env = append(os.Environ(), roleKey+"=host of "+role, hostTaskKey+"="+string(encoded))
	host.Stderr = os.Stderr
	if _, err := host.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := host.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	b := make([]byte, 4096)
	for !strings.Contains(said.String(), "pid ") || !strings.HasSuffix(said.String(), "\n") {
		n, err := out.Read(b)
		said.Write(b[:n])
		if err != nil {
			t.Fatalf("the host says %q: %v", said.String(), err)
		}
	}
	if err := host.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = host.Wait() // It was killed.
	_, last, _ := strings.Cut(said.String(), "pid ")
	if _, err := fmt.Sscan(last, &pid); err != nil {
		t.Fatalf("the host says %q: %v", said.String(), err)
	}
	path := (&Config{Instance: "mqtt", DataDir: task.DataDir}).savedPath()
	if s, err := readSaved(path); err == nil && s != nil {
		t.Cleanup(func() {
			if identity(s.PID) == s.Identity {
				killGroup(s.PID)
			}
			s.forget(path)
		})
	}
	return pid
}
