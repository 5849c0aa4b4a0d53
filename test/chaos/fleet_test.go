package chaos

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// fleetVariable names, to a process of this binary, the file with its fleetConfig.
const fleetVariable = "PUSHCORE_CHAOS_FLEET"

// fleetConfig is what a process of devices does. Its device i is of user First+i.
type fleetConfig struct {
	Log           string
	Seed          uint64
	First, Users  int
	URLs          []string      // in turn
	EachStranger  int           // every so many devices is a stranger; 0: none
	PeerTimeout   time.Duration // for the answer to a PING; 0: 10 s
	AckLoss       int           // percent of acks that strangers keep to themselves
	Stall         time.Duration // all are strangers, and read nothing for so long after each ACCEPT
	ConnectWithin time.Duration // after the command to connect, at random
}

// fleetStats is what the process tells while it runs.
type fleetStats struct {
	Connected, Handled, Resumed, Moved int64
	Lost                               int64  // connections that ended before the story did
	Failed                             string // why a device ended for good
}

// fleet is a process of devices.
type fleet struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.WriteCloser
	wait  sync.WaitGroup
	last  atomic.Pointer[fleetStats]
	once  sync.Once
}

// userName is also how devices name their users.
func userName(i int) string { return "user-" + strconv.Itoa(i) }

// startFleet starts the process; its devices connect when they are told to.
func (r *rig) startFleet(name string, cfg fleetConfig) *fleet {
	r.t.Helper()
	cfg.Log, cfg.Seed = filepath.Join(r.logs, name+".tsv"), r.random.Uint64()
	b, err := json.Marshal(cfg)
	file := filepath.Join(r.dir, name+".json")
	if err == nil {
		err = os.WriteFile(file, b, 0o600)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	f := &fleet{t: r.t, cmd: exec.Command(os.Args[0])}
	f.last.Store(&fleetStats{})
	f.cmd.Env = append(os.Environ(), fleetVariable+"="+file, "GORACE=halt_on_error=1")
	f.cmd.Stderr = os.Stderr
	f.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdout, err := f.cmd.StdoutPipe()
	if err == nil {
		f.stdin, err = f.cmd.StdinPipe()
	}
	if err == nil {
		err = f.cmd.Start()
	}
	if err != nil {
		r.t.Fatal(err)
	}
	f.wait.Go(func() { f.follow(stdout) })
	r.t.Cleanup(f.close)
	r.fleets = append(r.fleets, f)
	return f
}

func (f *fleet) follow(stdout io.Reader) {
	in := bufio.NewScanner(stdout)
	for in.Scan() {
		var s fleetStats
		if json.Unmarshal(in.Bytes(), &s) == nil {
			f.last.Store(&s)
		}
	}
}

func (f *fleet) stats() fleetStats { return *f.last.Load() }

// connect makes the devices come.
func (f *fleet) connect() {
	if _, err := io.WriteString(f.stdin, "connect\n"); err != nil {
		f.t.Error(err)
	}
}

// close ends the devices and completes their log.
func (f *fleet) close() {
	f.once.Do(func() {
		_ = f.stdin.Close()
		killer := time.AfterFunc(20*time.Second, func() { _ = f.cmd.Process.Kill() })
		f.wait.Wait()
		if err := f.cmd.Wait(); err != nil {
			f.t.Errorf("devices: %v", err)
		}
		killer.Stop()
		if s := f.stats(); s.Failed != "" {
			f.t.Errorf("a device ended for good: %s", s.Failed)
		}
	})
}

func (f *fleet) signal(s syscall.Signal) {
	if err := f.cmd.Process.Signal(s); err != nil {
		f.t.Fatal(err)
	}
}
