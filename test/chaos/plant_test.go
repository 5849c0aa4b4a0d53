package chaos

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pushcore/pushcore/test/chaos/check"
)

// plant is a mistake, made on purpose in a copy of one file.
type plant struct {
	name     string
	file     string // from the module's root
	old, new string
}

// plants hold what the rig is there to find: what a killed process had not yet written is lost, what it had written to
// the kernel is not. Mistakes about the disk itself, which forgets what was not synced, are for the simulation and the
// store's own tests.
var plants = []plant{
	{
		name: "settled on acceptance",
		file: "core/admit/offer.go",
		old:  "if s.cfg.SettleOnAcceptance {",
		new:  "if s.cfg.SettleOnAcceptance || true {",
	},
}

// TestPlantedBugIsFound builds the program with a mistake in it, and kills it until the checker finds something lost.
func TestPlantedBugIsFound(t *testing.T) {
	if !*long {
		t.Skip("long form only; test/chaos/check's own tests hold the checker to each fault")
	}
	for _, p := range plants {
		t.Run(p.name, func(t *testing.T) {
			program := filepath.Join(t.TempDir(), "planted")
			p.build(t, program)
			began := time.Now()
			const roundsMax = 20
			for round := 1; round <= roundsMax; round++ {
				report := plantRound(t, program)
				t.Logf("round %d: %s", round, report)
				if report.Lost > 0 {
					t.Logf("found after %d rounds of one kill each, %s\n%s", round, time.Since(began).Round(time.Second), report.Faults[0])
					return
				}
			}
			t.Errorf("%d kills found nothing", roundsMax)
		})
	}
}

// plantRound has users who are away sent to, kills the node, and has the users return.
func plantRound(t *testing.T, program string) (report *check.Report) {
	t.Run("round", func(t *testing.T) {
		r := newRig(t)
		const users, each = 100, 20
		n := r.startNode(nodeConfig{program: program})
		p := r.publish(newHTTPSource(r), load{users: users, each: each, within: 4 * time.Second, sizeMax: 600})
		r.pass(r.between(time.Second, 3*time.Second))
		n.restart()
		p.done()
		r.startFleet("devices", fleetConfig{Users: users, URLs: n.deviceURLs(), EachStranger: 2}).connect()
		_ = wait(15*time.Second, func() bool { return r.fleetSum().Handled >= int64(p.total()) })
		report = check.Check(r.events(), check.AckGrace)
	})
	if report == nil {
		t.FailNow()
	}
	return report
}

// build makes the program from the tree with one file replaced.
func (p *plant) build(t *testing.T, to string) {
	t.Helper()
	file, err := filepath.Abs(filepath.Join("..", "..", filepath.FromSlash(p.file)))
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(b), p.old) != 1 {
		t.Fatalf("%s has changed: the place to plant %q is not there", p.file, p.name)
	}
	dir := t.TempDir()
	replaced, overlay := filepath.Join(dir, "replaced.go"), filepath.Join(dir, "overlay.json")
	list, err := json.Marshal(map[string]map[string]string{"Replace": {file: replaced}})
	if err == nil {
		err = os.WriteFile(replaced, []byte(strings.Replace(string(b), p.old, p.new, 1)), 0o600)
	}
	if err == nil {
		err = os.WriteFile(overlay, list, 0o600)
	}
	if err == nil {
		err = build(to, "-overlay", overlay)
	}
	if err != nil {
		t.Fatal(err)
	}
}
