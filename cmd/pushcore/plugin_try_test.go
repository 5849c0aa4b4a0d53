//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pushcore/pushcore/plugins/tcp"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/plugintest"
)

// ownDriver is a command that is the driver of a built-in transport.
func ownDriver(name string) string {
	return fmt.Sprintf("%s=1 exec %s plugin driver %s", asProgram, os.Args[0], name)
}

func TestBuiltInTransportPassesWithItsOwnDriver(t *testing.T) {
	r := pushcore(t, "", "plugin", "test", "--", "ws")
	r.want(t, exitOK).says(t, "ok    direct/acks", "ok    socket/churn", "skip  portable/flush: on a link", "80 passed, 0 failed, 4 skipped")
}

func TestBuiltInTransportPassesWithADriverThatIsAnExecutable(t *testing.T) {
	r := pushcore(t, "", "plugin", "test", "--driver", ownDriver("tcp"), "--run", "^direct/", "--", "tcp")
	r.want(t, exitOK).says(t, "ok    direct/congestion", "28 passed, 0 failed, 0 skipped")
}

// deaf is a transport that breaks a rule: results do not reach its devices.
type deaf struct{ sdk.Transport }

func (d deaf) Command(l sdk.Loop, commands []sdk.Command) {
	for i := range commands {
		if commands[i].Kind != sdk.CommandRefreshResult {
			d.Transport.Command(l, commands[i:i+1])
		}
	}
}

// breakTransport adds a broken transport to the built-in ones, for one test.
func breakTransport(t *testing.T) {
	builtIn.Transports["deaf"] = func() sdk.Transport { return deaf{tcp.New()} }
	builtInDrivers["deaf"] = builtInDrivers["tcp"]
	t.Cleanup(func() {
		delete(builtIn.Transports, "deaf")
		delete(builtInDrivers, "deaf")
	})
}

func TestBrokenRuleIsExplainedAndExitsAsPlugin(t *testing.T) {
	breakTransport(t)
	r := pushcore(t, "", "plugin", "test", "--run", "^direct/(refreshes|nacks)$", "--", "deaf").want(t, exitPlugin, "1 of 2 trials failed")
	rule := plugintest.RuleNothingLost
	r.says(t, "ok    direct/nacks", "FAIL  direct/refreshes", "rule "+rule.Name+" is broken: "+rule.Text, "why: "+rule.Why,
		"seen: refreshed has not reached the device", "→ RefreshResult", "device brings new credentials", "1 passed, 1 failed, 0 skipped")

	r = pushcore(t, "", "plugin", "test", "--json", "--run", "^direct/refreshes$", "--", "deaf").want(t, exitPlugin)
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	var got triedJSON
	if err := json.Unmarshal([]byte(lines[0]), &got); err != nil || len(lines) != 2 {
		t.Fatal(err, r.out)
	}
	if got.Result != "failed" || len(got.Failures) != 1 || got.Failures[0].Rule != rule.Name || got.Failures[0].Why != rule.Why || len(got.Failures[0].Trace) == 0 {
		t.Errorf("the result is %+v", got)
	}
	if lines[1] != `{"failed":1,"passed":0,"skipped":0}` {
		t.Error(lines[1])
	}
}

func TestDriverAtFaultIsOneFailure(t *testing.T) {
	r := pushcore(t, "", "plugin", "test", "--run", "^direct/acks$", "--driver",
		`echo '{"event":"ready","protocol":1}'; read x; echo oh no; sleep 100`, "--", "tcp").want(t, exitPlugin, "1 of 1 trials failed")
	r.says(t, "rule "+plugintest.RuleOutside.Name+" is broken", `seen: line 2 of the driver: not a JSON object`, "oh no", `→ {"n":2,"do":"open"`)
	if n := strings.Count(r.out, "is broken:"); n != 1 {
		t.Errorf("%d failures are told:\n%s", n, r.out)
	}
}

func TestUnsupportedIsListedAsSkipped(t *testing.T) {
	r := pushcore(t, "", "plugin", "test", "--run", "^direct/(acks|connect)$", "--driver",
		`echo '{"event":"ready","protocol":1,"lacks":["acks"]}'; while read x; do echo '{"event":"unsupported","n":2}'; done`, "--", "tcp").want(t, exitOK)
	r.says(t, `skip  direct/acks: the suite declares that the protocol lacks acks`, `skip  direct/connect: the driver answers that it does not support "open"`,
		"0 passed, 0 failed, 2 skipped")
}

func TestTrialsAreRecorded(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "traces")
	pushcore(t, "", "plugin", "test", "--run", "^portable/acks$", "--trace", dir, "--", "tcp").want(t, exitOK)
	b, err := os.ReadFile(filepath.Join(dir, "portable-acks.jsonl"))
	if err != nil || !strings.Contains(string(b), `"event":"Ack"`) {
		t.Error(err, string(b))
	}
}

func TestWrongUseOfPluginTest(t *testing.T) {
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		{exitUsage, "requires at least 1 arg", nil},
		{exitUsage, "--run: error parsing regexp", []string{"--run", "(", "--", "tcp"}},
		{exitUsage, `--run: no trial matches "nothing"`, []string{"--run", "nothing", "--", "tcp"}},
		{exitUsage, "--options: not a JSON object", []string{"--options", "[]", "--", "tcp"}},
		{exitUsage, "--options: open /no/such/file", []string{"--options", "@/no/such/file", "--", "tcp"}},
		{exitUsage, `--placement "moon" is not core, process or portable`, []string{"--placement", "moon", "--", "tcp"}},
		{exitUsage, "--driver is needed: it makes places in the broker", []string{"--", "kafka"}},
		{exitPlugin, "--driver: the driver has ended (exit status 127)", []string{"--driver", "/no/such/driver", "--", "tcp"}},
	} {
		pushcore(t, "", append([]string{"plugin", "test"}, c.args...)...).want(t, c.code, c.want)
	}
}

func TestPluginInAProcessOfItsOwnPassesOverBothCarriers(t *testing.T) {
	for placement, plugin := range map[string]string{"process": "tcp", "portable": "ws"} {
		r := pushcore(t, "", "plugin", "test", "--placement", placement, "--", plugin)
		r.want(t, exitOK).says(t, "ok    "+placement+"/churn", "26 passed, 0 failed, 2 skipped")
	}
}

func TestExecutableThatIsNoPlugin(t *testing.T) {
	pushcore(t, "", "plugin", "test", "--driver", "true", "--", "/bin/echo", "hello").want(t, exitPlugin, "/bin/echo hello")
}

func TestProcessThatEndsIsTheFirstFailure(t *testing.T) {
	addDying()
	builtInDrivers["dying"] = builtInDrivers["tcp"]
	defer delete(builtIn.Transports, "dying")
	defer delete(builtInDrivers, "dying")
	r := pushcore(t, "", "plugin", "test", "--placement", "process", "--patience", "2s", "--run", "/flush$|/nacks$", "--", "dying").want(t, exitPlugin, "1 of 2 trials failed")
	r.says(t, "FAIL  process/nacks", "      rule "+plugintest.RuleProcess.Name+" is broken", "the plugin's process has ended", "7", "panic: no more", "0 passed, 1 failed, 1 skipped")
}
