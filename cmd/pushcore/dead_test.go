package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// graves is a broker, a node between it and two devices, and the configuration.
type graves struct {
	deadBroker
	t          *testing.T
	node       *nodeProcess
	file       string
	alice, bob *graveDevice
}

func newGraves(t *testing.T, b deadBroker) *graves {
	g := &graves{deadBroker: b, t: t, file: writeFile(t, "node.yaml", b.config())}
	g.node = startNode(t, b.config())
	g.alice = connectGraveDevice(t, g.node.urls["tcp"], "alice")
	g.bob = connectGraveDevice(t, g.node.urls["tcp"], "bob")
	b.put(t, "push", "ready", "push-to", "user:alice,user:bob", "push-id", "ready")
	g.alice.next(t)
	g.bob.next(t)
	return g
}

// dead runs `dead` and reads its lines.
func (g *graves) dead(code int, args ...string) []map[string]any {
	g.t.Helper()
	r := pushcore(g.t, "", append(append([]string{"dead"}, args...), "-c", g.file, "--json")...).want(g.t, code)
	var rows []map[string]any
	for line := range strings.Lines(r.out) {
		var row map[string]any
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			g.t.Fatalf("%v: %s", err, line)
		}
		rows = append(rows, row)
	}
	return rows
}

// await waits until there are n letters, and returns them by id.
func (g *graves) await(n int, args ...string) map[string]map[string]any {
	g.t.Helper()
	for began := time.Now(); ; <-time.After(100 * time.Millisecond) {
		rows := g.dead(exitOK, append([]string{"list"}, args...)...)
		if len(rows) == n {
			byID := map[string]map[string]any{}
			for _, row := range rows {
				byID[fmt.Sprint(row["id"])] = row
			}
			return byID
		}
		if time.Since(began) > 30*time.Second {
			g.t.Fatalf("%d letters instead of %d: %v\n%s", len(rows), n, rows, g.node.out.String())
		}
	}
}

// fill makes a letter of each kind.
func (g *graves) fill() {
	g.put(g.t, "push", "hello", "push-to", "user:alice,user:bob", "push-id", "refused-1", "push-name", "refuse")
	g.put(g.t, "lines", `{"to":["user:alice","user:bob"],"id":"line-1","name":"refuse","payload":{"a":1}}`)
	g.put(g.t, "push", "x", "push-to", "user:bob", "push-id", "bad-1", "push-tll", "1h")
	g.put(g.t, "push", "x", "push-to", "usr:bob", "push-id", "bad-2")
	g.put(g.t, "lines", `{"to":`)
	g.put(g.t, "push", "first", "push-to", "user:bob", "push-id", "twice")
	g.put(g.t, "push", "second", "push-to", "user:bob", "push-id", "twice")
	for _, want := range []string{"hello", `{"a":1}`, "first"} {
		g.bobGets(want)
	}
}

// bobGets waits until Bob has something; others may come before.
func (g *graves) bobGets(want string) { g.gets(g.bob, want) }

func (g *graves) gets(d *graveDevice, want string) (id string) {
	g.t.Helper()
	for kept := 0; kept < 20; kept++ {
		m := d.next(g.t)
		if string(m.Payload) == want {
			return m.ID
		}
		d.got <- m
	}
	g.t.Fatalf("%q did not come", want)
	return ""
}

func TestDeadLettersAreListedAndReplayed(t *testing.T) {
	for name, start := range deadBrokers() {
		t.Run(name, func(t *testing.T) {
			g := newGraves(t, start(t))
			g.fill()
			t.Run("list", g.lists)
			close(g.alice.accept)
			t.Run("one receiver", g.replaysOneReceiver)
			t.Run("a line", g.replaysLine)
			t.Run("new ids", g.replaysUnderNewIDs)
			t.Run("the same id", g.replaysUnderTheSameID)
			t.Run("all", g.replaysAll)
			if code := g.node.stop(t); code != exitOK {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

func (g *graves) lists(t *testing.T) {
	letters := g.await(6)
	for id, want := range map[string]string{
		"refused-1": "refused device:alice/d hello", "line-1": "refused device:alice/d", "bad-1": "bad_record <nil> x", "bad-2": "bad_address <nil> x",
		"twice": "id_conflict <nil> second", "<nil>": `bad_record <nil> {"to":`,
	} {
		l := letters[id]
		if got := fmt.Sprintf("%v %v %v", l["reason"], l["to"], l["payload"]); !strings.HasPrefix(got, want) {
			t.Errorf("letter %s is %v, want %v", id, l, want)
		}
	}
	g.await(6) // Looking takes nothing away.
	g.await(2, "--reason", "refused")
	g.await(3, "--limit", "3")
	g.await(0, "--since", "0s")
	pushcore(t, "", "dead", "list", "-c", g.file, "--limit", "2").want(t, exitOK, "more than these 2").says(t, "LETTER", "SOURCE")
}

func (g *graves) replaysOneReceiver(t *testing.T) {
	if rows := g.dead(exitOK, "replay", "--id", "refused-1", "--dry-run"); len(rows) != 1 || rows[0]["dry_run"] != true {
		t.Errorf("a dry run says %v", rows)
	}
	g.await(6)
	rows := g.dead(exitOK, "replay", "--id", "refused-1")
	if len(rows) != 1 || rows[0]["new_id"] == "refused-1" || rows[0]["input"] != "orders" {
		t.Fatalf("replayed were %v", rows)
	}
	if id := g.gets(g.alice, "hello"); id != rows[0]["new_id"] {
		t.Errorf("it came as %s, announced was %v", id, rows[0]["new_id"])
	}
	g.await(5)
	g.dead(exitFailed, "replay", "--id", "refused-1")
}

func (g *graves) replaysLine(t *testing.T) {
	if rows := g.dead(exitOK, "replay", "--reason", "refused"); len(rows) != 1 || rows[0]["input"] != "lines" {
		t.Fatalf("replayed were %v", rows)
	}
	if id := g.gets(g.alice, `{"a":1}`); id == "line-1" {
		t.Errorf("it came as %s", id)
	}
	if rows := g.dead(exitOK, "replay", "--reason", "refused"); len(rows) != 0 {
		t.Errorf("a second replay replayed %v", rows)
	}
	g.put(t, "push", "behind", "push-to", "user:bob")
	g.bobGets("behind")
	for len(g.bob.got) > 0 {
		if m := <-g.bob.got; string(m.Payload) == "hello" || string(m.Payload) == `{"a":1}` {
			t.Errorf("Bob got %s again, which Alice had refused", m.Payload)
		}
	}
}

func (g *graves) replaysUnderNewIDs(t *testing.T) {
	if rows := g.dead(exitOK, "replay", "--id", "twice"); len(rows) != 1 {
		t.Fatalf("replayed were %v", rows)
	}
	g.bobGets("second")
	g.await(3)
}

func (g *graves) replaysUnderTheSameID(t *testing.T) {
	g.dead(exitOK, "replay", "--id", "bad-1", "--same-id")
	letters := g.await(3)
	if letters["bad-1"] == nil {
		t.Fatalf("what is bad stays bad, under its id; the letters are %v", letters)
	}
	rows := g.dead(exitOK, "replay", "--id", "bad-1")
	if letters := g.await(3); letters[fmt.Sprint(rows[0]["new_id"])] == nil {
		t.Errorf("the letters are %v, replayed was %v", letters, rows)
	}
}

func (g *graves) replaysAll(t *testing.T) {
	before := g.await(3)
	if rows := g.dead(exitOK, "replay", "--all"); len(rows) != 3 {
		t.Fatalf("replayed were %v", rows)
	}
	for id, l := range g.await(3) { // They are as bad as before, so that they come as new letters.
		if old := before[id]; old != nil && fmt.Sprint(old["letter"]) == fmt.Sprint(l["letter"]) {
			t.Errorf("letter %v stayed", l)
		}
	}
}

func TestDeadUsage(t *testing.T) {
	file := writeFile(t, "node.yaml", anyPort+`
  orders: { use: kafka, config: { brokers: [127.0.0.1:1], input: { topics: [push], group: g }, dead_letter: { topic: dead } } }
  jobs: { use: rabbitmq, config: { url: "amqp://127.0.0.1:1/", input: { queues: [push] } } }
`)
	none := writeFile(t, "none.yaml", anyPort)
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"list", exitUsage, "-c FILE"},
		{"list -c " + file + " --limit 0", exitUsage, "--limit"},
		{"list -c " + file + " --plugin order", exitUsage, "did you mean orders"},
		{"list -c " + file + " --plugin jobs", exitConfig, "no dead_letter"},
		{"list -c " + file + " --since yesterday", exitUsage, "--since"},
		{"list -c " + none, exitConfig, "no instance has a dead_letter"},
		{"list -c " + file, exitUnreachable, "orders"},
		{"replay -c " + file, exitUsage, "--all"},
		{"replay -c " + file + " --all --reason refused", exitUsage, "all"},
		{"replay -c " + file + " --all", exitUnreachable, "orders"},
	} {
		pushcore(t, "", append([]string{"dead"}, strings.Fields(c.args)...)...).want(t, c.code, c.says)
	}
}
