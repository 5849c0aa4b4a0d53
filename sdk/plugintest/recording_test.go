//go:build linux

package plugintest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// recorded returns the lines of the only trial that was recorded, and what they say
// in short.
func recorded(t *testing.T, dir, name string) (said []string, lines []map[string]any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		var line map[string]any
		if err := json.Unmarshal(s.Bytes(), &line); err != nil {
			t.Fatalf("%v: %s", err, s.Text())
		}
		for _, what := range []string{"event", "command", "call", "report", "does", "broken"} {
			if v, ok := line[what]; ok {
				said = append(said, what+" "+v.(string))
			}
		}
		lines = append(lines, line)
	}
	if len(said) != len(lines) {
		t.Errorf("%d lines say %d things", len(lines), len(said))
	}
	return said, lines
}

// inOrder fails unless said has all of want, one after the other.
func inOrder(t *testing.T, said []string, want ...string) {
	t.Helper()
	from := 0
	for _, w := range want {
		i := slices.Index(said[from:], w)
		if i < 0 {
			t.Fatalf("%q does not come after what precedes it in\n%s", w, strings.Join(said, "\n"))
		}
		from += i + 1
	}
}

func runTrial(trials []Trial, placement, name string) Result {
	i := slices.IndexFunc(trials, func(c Trial) bool { return c.Placement == placement && c.Name == name })
	return trials[i].Run()
}

func TestTransportTrialIsRecorded(t *testing.T) {
	s := memorySuite("")
	s.TraceDir = filepath.Join(t.TempDir(), "traces")
	if r := runTrial(TransportTrials(s), "direct", "close behind the queue"); len(r.Failures)+len(r.Notes) > 0 {
		t.Fatal(r)
	}
	said, lines := recorded(t, s.TraceDir, "direct-close-behind-the-queue.jsonl")
	inOrder(t, said, "command Listen", "event Connect", "command Accept", "event Attached", "report opened", "call Deliver",
		"command Close", "call Flush", "report message", "report closed")
	for i, line := range lines {
		switch said[i] {
		case "event Connect":
			if c := line["connect"].(map[string]any); c["user"] != "plugintest-1" {
				t.Errorf("Connect is %v", line)
			}
		case "call Deliver":
			items, messages := line["items"].([]any), line["messages"].([]any)
			if len(items) == 0 || len(messages) == 0 || messages[0].(map[string]any)["payload"] == nil {
				t.Errorf("Deliver is %v", line)
			}
		}
	}
}

func TestBreachIsRecordedInItsPlace(t *testing.T) {
	s := memorySuite("acks what was not acked")
	s.TraceDir = t.TempDir()
	if r := runTrial(TransportTrials(s), "direct", "acks"); len(r.Failures) == 0 {
		t.Fatal("no failure")
	}
	said, _ := recorded(t, s.TraceDir, "direct-acks.jsonl")
	inOrder(t, said, "does acks up to 1 and []", "event Ack", "broken "+RuleAcked.Name)
}

func TestMQTrialIsRecorded(t *testing.T) {
	s := logSuite("")
	s.TraceDir = t.TempDir()
	if r := runTrial(MQTrials(s), "bytes", "publish"); len(r.Failures) > 0 {
		t.Fatal(r)
	}
	if r := runTrial(MQTrials(s), "direct", "settles when told"); len(r.Failures) > 0 {
		t.Fatal(r)
	}
	said, _ := recorded(t, s.TraceDir, "bytes-publish.jsonl")
	inOrder(t, said, "call Publish", "event Published")
	said, lines := recorded(t, s.TraceDir, "direct-settles-when-told.jsonl")
	inOrder(t, said, "event Assigned", "event Batch", "call Batch taken", "call Settle", "call Settle")
	for i, line := range lines {
		if said[i] == "call Settle" && (line["outcome"] != "done" || line["epoch"] != 1.0 || len(line["positions"].([]any)) == 0) {
			t.Errorf("Settle is %v", line)
		}
	}
}

func TestPayloadsAreRecordedAsTextOrBase64AndCut(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"é", `{"payload":"é"}`},
		{"", `{"payload":""}`},
		{"\xff", `{"payload_base64":"/w=="}`},
		{strings.Repeat("a", 255) + "éé", `{"payload":"` + strings.Repeat("a", 255) + `","payload_bytes":259}`},
	} {
		if got, err := json.Marshal(recordPayload([]byte(c.in))); err != nil || string(got) != c.want {
			t.Errorf("%q is recorded as %s (%v), want %s", c.in, got, err, c.want)
		}
	}
}
