package admit

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/sdk"
)

var rewrite = flag.Bool("rewrite", false, "write what happens into testdata/*.txt")

// TestScenarios plays testdata/*.txt: lines that begin with "> " are commands, the
// lines after each are what it led to.
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
				t.Errorf("%s differs; what happened (-rewrite writes it):\n%s", file, got)
			}
		})
	}
}

// play plays a scenario and returns it with what happened.
func play(t *testing.T, text string) string {
	var out strings.Builder
	s := &stage{t: t}
	for line := range strings.Lines(text) {
		switch command, isCommand := strings.CutPrefix(strings.TrimSpace(line), "> "); {
		case isCommand:
			out.WriteString(line)
			s.do(&out, strings.Fields(command))
		case strings.HasPrefix(line, "#"), strings.TrimSpace(line) == "":
			out.WriteString(line)
		}
	}
	return out.String()
}

// stage is a State that is driven by words.
type stage struct {
	t     *testing.T
	state *State
	now   Now
}

func (s *stage) do(out *strings.Builder, words []string) {
	options := map[string]string{}
	var plain []string
	for _, word := range words[1:] {
		if name, value, ok := strings.Cut(word, "="); ok {
			options[name] = value
		} else {
			plain = append(plain, word)
		}
	}
	number := func(name string, otherwise int64) int64 {
		if options[name] == "" {
			return otherwise
		}
		n, err := strconv.ParseInt(options[name], 10, 64)
		if err != nil {
			s.t.Fatal(err)
		}
		return n
	}
	switch words[0] {
	case "new":
		s.now = Now{Wall: wall}
		s.state = New(Config{
			Instances: []Instance{{Name: "orders", DeadLetter: options["letters"] == "yes", MaxSpan: number("span", 0),
				MaxOpen: sdk.MaxOpen{Records: number("records", 0), Pairs: number("pairs", 0), Bytes: sdk.Size(number("bytes", 0))}}},
			DedupeWindow: time.Hour, RememberMax: int(number("remember", 0)), SettleOnAcceptance: options["settle"] == "memory",
			KeepIDs: options["keep"] == "yes", Entropy: bytes.NewReader(make([]byte, 1000)),
		})
	case "assign":
		s.state.Assigned(s.now, 0, plain[0], uint64(number("epoch", 1)))
	case "revoke":
		s.state.Revoked(0, plain[0], uint64(number("epoch", 1)))
	case "wait":
		d, err := time.ParseDuration(plain[0])
		if err != nil {
			s.t.Fatal(err)
		}
		s.now.Mono, s.now.Wall = s.now.Mono+d, s.now.Wall.Add(d)
		s.state.Tick(s.now)
	case "offer":
		s.offer(out, plain, options, number)
	case "owed":
		s.state.Owed(envelope.RecordID(number("record", 0)), int(number("loop", 0)), int(number("pairs", 0)))
	case "safe":
		s.state.Safe(s.now, envelope.RecordID(number("record", 0)), int(number("loop", 0)), envelope.How(number("how", 0)))
	case "kept":
		s.state.Kept(s.now, envelope.RecordID(number("record", 0)), options["failed"] == "yes")
	case "published":
		s.state.Published(s.now, uint64(number("record", 0)), options["failed"], options["final"] == "yes")
	case "stats":
		st := s.state.Stats(s.now, 0)
		fmt.Fprintf(out, "open %d pairs %d bytes %d oldest %v paused %v without_id %d joined %d repeats %d remembered %d forgotten %d\n",
			st.Open, st.Pairs, st.Bytes, st.Oldest, st.Paused[1:], st.WithoutID, st.Joined, st.Repeats, st.Remembered, st.Forgotten)
	default:
		s.t.Fatalf("no command %q", words[0])
	}
	s.effects(out)
}

// offer offers records to a source: "offer push/3 1 2 3 id=a loops=0,1".
func (s *stage) offer(out *strings.Builder, plain []string, options map[string]string, number func(string, int64) int64) {
	src := s.state.Source(0, plain[0], uint64(number("epoch", 1)))
	if src == nil {
		fmt.Fprintln(out, "no such assignment")
		return
	}
	policy := liberal()
	policy.PayloadMax = 1 << 30
	for _, position := range plain[1:] {
		r := rec(strings.Repeat("x", int(number("size", 0))))
		r.Position, _ = strconv.ParseUint(position, 10, 64)
		for _, name := range []string{"push-to", "push-id", "push-op", "push-group", "push-class"} {
			if value := options[name[len("push-"):]]; value != "" {
				r.Headers = append(r.Headers, sdk.Header{Name: name, Value: []byte(value)})
			}
		}
		if options["to"] == "" && options["op"] == "" {
			r.Headers = append(r.Headers, sdk.Header{Name: "push-to", Value: []byte("user:a")})
		}
		p := Parse(policy, From{Source: plain[0], Stable: options["stable"] == "yes"}, r, s.now.Wall)
		switch s.state.Offer(s.now, src, &p) {
		case WaitsForRoom:
			fmt.Fprintf(out, "%s waits for room\n", position)
		case Stale:
			fmt.Fprintf(out, "%s is stale\n", position)
		case Taken:
			fmt.Fprintf(out, "%s taken\n", position)
		case Accepted:
			id := p.record()
			fmt.Fprintf(out, "%s accepted as record %d\n", position, id)
			var loops LoopSet
			for loop := range strings.SplitSeq(options["loops"]+",", ",") {
				if n, err := strconv.Atoi(loop); err == nil {
					loops.Add(n)
				}
			}
			s.state.Dispatched(s.now, id, loops)
		}
	}
}

func (p *Parsed) record() envelope.RecordID {
	if p.Message != nil {
		return p.Message.Record
	}
	return p.Control.Record
}

var outcomeNames = []string{"done", "requeue", "dead"}

func (s *stage) effects(out *strings.Builder) {
	if s.state == nil {
		return
	}
	e := s.state.Effects()
	for _, x := range e.Pauses {
		fmt.Fprintf(out, "pause %s: %v, waits for %s/%d %s\n", x.Source, x.Reason, x.Waits.Source, x.Waits.Position, x.Waits.ID)
	}
	for _, x := range e.Resumes {
		fmt.Fprintf(out, "resume %s\n", x.Source)
	}
	for _, x := range e.Dead {
		fmt.Fprintf(out, "dead %s/%d lettered %v: %v: %v\n", x.Source, x.Position, x.Lettered, x.Err.Reason, x.Err)
	}
	for _, x := range e.Letters {
		fmt.Fprintf(out, "letter %d key %q body %q\n", x.Token, x.Key, x.Body)
		for _, h := range x.Headers {
			fmt.Fprintf(out, "  %s: %s\n", h.Name, h.Value)
		}
	}
	if e.StoreNow != 0 {
		fmt.Fprintf(out, "store now up to record %d\n", e.StoreNow)
	}
	for _, x := range e.Settled {
		fmt.Fprintf(out, "settled %s@%d/%d %s id=%s how=%d repeat=%v\n", x.Source, x.Epoch, x.Position, outcomeNames[x.Outcome], x.ID, x.How, x.Repeat)
	}
	for _, x := range e.Remember {
		fmt.Fprintf(out, "remember %s with record %d\n", x.ID, x.Record)
	}
	e.Reset()
}
