package shard_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the expected effects in testdata")

// TestScenarios plays the stories in testdata. A line that begins with "> " is a
// command, the indented lines below it are its effects, everything else is comment.
// The books are checked after every step. Unless the story says otherwise the store
// and the broker answer at once and connections move at once.
//
//	config KEY=VALUE …                 a new shard (and store); see stage.config
//	connect CONN user=U [device=D] [platform=P] [groups=G,…] [claims=G,…]
//	        [resume=CONN [seq=N] [epoch=wrong]] [expires=D] [window=N] [move=no]
//	attach CONN                        after move=no
//	close CONN   congested CONN   writable CONN   down
//	ack CONN SEQ [FIRST-LAST …]        nack CONN SEQ [after=D | final]
//	join CONN GROUP [at=POSITION]   leave CONN GROUP   uplink CONN ID   refresh CONN expires=D
//	push ID to=ADDRESS,… [except= platform= class=fast ack=any receipt=final|all
//	        ttl=D|0 collapse=K size=N store_after=D memory=safe]
//	member|unmember|kick GROUP|- ADDRESS…      dissolve GROUP      withdraw ID
//	storenow                           as at half of a bound
//	store hold|step [N]|release|fail|full|mend      broker away|back
//	serve BUDGET                       serve so much in a turn from now on; 0: all
//	erase USER   drain   crash         the process ends; a durable store stays
//	move [rate=N] [busy=D] [within=D] [grace=D]  after drain
//	run D                              time passes
//	die                                the core ends, the plugin keeps its connections (outlives=yes)
//	rejoin CONN[,gone|,queued|,forged] …  a new core finds them
//	block|unblock [all]                by the host, or by the transport itself
//	written N                          batches (echoes=yes)
//	connect … process=N   down process=N   rename CONN[,lost] …   of incarnations
//	COMMAND ; COMMAND                  in one turn
//	show                               what is where
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(want))
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// play runs a story and returns it with the effects that there were.
func play(t *testing.T, script string) string {
	s := newStage(t)
	var b strings.Builder
	for line := range strings.Lines(script) {
		if strings.HasPrefix(line, "  ") {
			continue
		}
		b.WriteString(line)
		if command, ok := strings.CutPrefix(strings.TrimSpace(line), "> "); ok {
			s.do(command)
			for _, said := range s.out {
				b.WriteString("  " + said + "\n")
			}
		}
	}
	return b.String()
}
