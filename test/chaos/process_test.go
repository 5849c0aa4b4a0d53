package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pushcore/pushcore/test/chaos/check"
)

const apart = "placement: process, "

// processSize is a run of the stories about plugins in processes of their own.
type processSize struct {
	users, each int
	times       int // of what is done to them
	within      time.Duration
}

func processSizes() processSize {
	if *long {
		return processSize{users: 2000, each: 10, times: 5, within: 50 * time.Second}
	}
	return processSize{users: 150, each: 6, times: 2, within: 5 * time.Second}
}

// between does something at even times while messages are on their way.
func (s processSize) between(r *rig, do func(i int)) {
	for i := range s.times {
		r.pass(s.within / time.Duration(s.times+1))
		do(i)
	}
}

// underTraffic connects devices to a node, does something to it while messages are
// published, and holds what was seen against what is promised: with nobody cut off
// unless that is allowed.
func underTraffic(t *testing.T, cfg nodeConfig, mayLose func(fleet string) bool, do func(r *rig, i int)) {
	r, size := newRig(t), processSizes()
	s := newHTTPSource(r)
	n := r.startNode(cfg)
	urls := n.deviceURLs()
	var fleets []*fleet
	for i, name := range []string{"tcp", "ws"} {
		half := size.users / 2
		fleets = append(fleets, r.startFleet(name, fleetConfig{First: i * half, Users: half, URLs: urls[i : i+1], EachStranger: 4}))
		fleets[i].connect()
	}
	r.untilConnected(size.users/2*2, 60*time.Second)
	p := r.publish(s, load{users: size.users / 2 * 2, each: size.each, within: size.within, sizeMax: 40 << 10})
	size.between(r, func(i int) { do(r, i) })
	p.done()
	r.untilHandled(p.total(), 60*time.Second)
	for i, name := range []string{"tcp", "ws"} {
		if lost := fleets[i].stats().Lost; lost > 0 && !mayLose(name) {
			t.Errorf("%d connections over %s were cut off", lost, name)
		}
	}
	r.verdict(check.AckGrace)
	t.Logf("%d attempts to publish failed, %d connections were cut off", p.tries.Load(), r.fleetSum().Lost)
}

func nobody(string) bool { return false }

// TestCoreIsKilledAndNobodyIsCutOff kills the core while plugin processes hold the
// sockets.
func TestCoreIsKilledAndNobodyIsCutOff(t *testing.T) {
	underTraffic(t, nodeConfig{tcp: apart, ws: apart}, nobody, func(r *rig, _ int) { r.node.restart() })
}

// TestPluginIsUpgradedAndNobodyIsCutOff replaces the processes of both transports.
func TestPluginIsUpgradedAndNobodyIsCutOff(t *testing.T) {
	underTraffic(t, nodeConfig{tcp: apart, ws: apart}, nobody, func(r *rig, _ int) {
		for _, name := range []string{"tcp", "ws"} {
			var u struct {
				Processes []struct {
					Way         string
					Connections int
					PauseMS     float64 `json:"pause_ms"`
				}
			}
			r.post("/v1/plugins/"+name+"/upgrade", http.StatusOK, &u)
			if len(u.Processes) != 1 || u.Processes[0].Way != "handed_over" || u.Processes[0].Connections != processSizes().users/2 {
				r.t.Errorf("upgrade of %s: %+v", name, u)
			}
			r.t.Logf("upgrade of %s: %+v", name, u)
		}
	})
}

// TestProgramIsUpgradedAndNobodyIsCutOff replaces the whole program, with one
// transport in it and one beside it.
func TestProgramIsUpgradedAndNobodyIsCutOff(t *testing.T) {
	underTraffic(t, nodeConfig{ws: apart}, nobody, func(r *rig, _ int) {
		var before, now struct{ Run string }
		r.post("/v1/node/upgrade", http.StatusAccepted, &before)
		began := time.Now()
		r.until("the new program", 30*time.Second, func() bool {
			answer, err := http.Get(r.node.urls["http"] + "/v1/node")
			if err != nil {
				return false
			}
			defer answer.Body.Close()
			return json.NewDecoder(answer.Body).Decode(&now) == nil && now.Run != "" && now.Run != before.Run
		})
		r.notes.Event("start")
		r.t.Logf("another program after %v", time.Since(began).Round(time.Millisecond))
	})
}

// TestPluginIsKilledAndOthersDoNotNotice kills the process of one transport again
// and again.
func TestPluginIsKilledAndOthersDoNotNotice(t *testing.T) {
	onlyTCP := func(fleet string) bool { return fleet == "tcp" }
	underTraffic(t, nodeConfig{tcp: apart, ws: apart}, onlyTCP, func(r *rig, _ int) {
		pid := r.node.pluginPID("tcp")
		r.note(fmt.Sprintf("kill plugin process %d", pid))
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			r.t.Error(err)
		}
		r.until("another process", 60*time.Second, func() bool { now := r.node.pluginPID("tcp"); return now != 0 && now != pid })
	})
}

// post calls the node's API.
func (r *rig) post(path string, status int, into any) {
	r.t.Helper()
	r.note("POST " + path)
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.node.urls["http"]+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != status || json.Unmarshal(body, into) != nil {
		r.t.Fatalf("POST %s: %s %s (%v)", path, answer.Status, body, err)
	}
}

// pluginPID is the process of a plugin instance; 0: none is written down.
func (n *node) pluginPID(instance string) int {
	var saved struct{ PID int }
	b, err := os.ReadFile(filepath.Join(n.cfg.data, "plugins", instance+".json"))
	if err != nil || json.Unmarshal(b, &saved) != nil {
		return 0
	}
	return saved.PID
}

// TestBrokerPluginInAProcessOfItsOwn kills the process of an MQ plugin, and the core,
// in turn.
func TestBrokerPluginInAProcessOfItsOwn(t *testing.T) {
	for _, name := range []string{"kafka", "rabbitmq"} {
		t.Run(name, func(t *testing.T) {
			r, size := newRig(t), processSizes()
			s := sources[name](r)
			n := r.startNode(nodeConfig{plugins: strings.Replace(s.plugin(), "use: "+name+",", "use: "+name+", "+apart, 1)})
			users := size.users / 2
			r.startFleet("devices", fleetConfig{Users: users, URLs: n.deviceURLs(), EachStranger: 4}).connect()
			r.untilConnected(users, 30*time.Second)
			p := r.publish(s, load{users: users, each: size.each, within: size.within, sizeMax: 600})
			size.between(r, func(i int) {
				if i%2 == 1 {
					n.restart()
					return
				}
				pid := n.childServing(name)
				r.note(fmt.Sprintf("kill plugin process %d", pid))
				if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
					r.t.Error(err)
				}
				r.until("another process", 60*time.Second, func() bool { now := n.childServing(name); return now != 0 && now != pid })
			})
			p.done()
			r.untilHandled(p.total(), 60*time.Second)
			r.untilSettled(s, p.total())
			r.verdict(check.AckGrace)
		})
	}
}

// childServing is the node's process that serves a built-in plugin; 0: there is none.
func (n *node) childServing(plugin string) int {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		line, _ := os.ReadFile(file)
		dir := filepath.Dir(file)
		if !strings.HasSuffix(string(line), "\x00plugin\x00serve\x00"+plugin+"\x00") {
			continue
		}
		stat, _ := os.ReadFile(filepath.Join(dir, "stat"))
		_, rest, _ := strings.Cut(string(stat), ") ")
		if f := strings.Fields(rest); len(f) > 1 && f[1] == strconv.Itoa(n.cmd.Process.Pid) {
			pid, _ := strconv.Atoi(filepath.Base(dir))
			return pid
		}
	}
	return 0
}
