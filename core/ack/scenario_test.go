package ack

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the expected results in testdata")

// TestScenarios runs the stories in testdata. A line that begins with "> " is
// a command, the indented lines after it are what it answers, everything else
// is comment. The commands:
//
//	config total=N messages=N bytes=N jitter=N delays=D,D,…   a new window
//	push NAME [size=N] [counted=N] [open]
//	ack UPTO [FIRST-LAST …]
//	nack SEQ [after=D]            refuse SEQ            remove SEQ
//	suspend HOLD                  resume HOLD           (congested, detached, unread)
//	reconnect [seen=SEQ]          drain
//	run D     time passes; Due is called whenever NextDue says so
//	at D      as run, up to an instant
//	show      the window
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

// play runs a scenario and returns it with the answers that were given.
func play(t *testing.T, script string) string {
	s := &stage{t: t}
	s.config(nil)
	var b strings.Builder
	for line := range strings.Lines(script) {
		if strings.HasPrefix(line, "  ") {
			continue
		}
		b.WriteString(line)
		if command, ok := strings.CutPrefix(strings.TrimSpace(line), "> "); ok {
			s.out = s.out[:0]
			s.do(strings.Fields(command))
			for _, answer := range s.out {
				b.WriteString("  " + answer + "\n")
			}
		}
	}
	return b.String()
}

type stage struct {
	t   *testing.T
	w   Window[string]
	now time.Duration
	out []string
}

func (s *stage) say(format string, args ...any) {
	s.out = append(s.out, fmt.Sprintf(format, args...))
}

func (s *stage) do(words []string) {
	args := words[1:]
	switch words[0] {
	case "config":
		s.config(args)
	case "push":
		past := Past{Counted: s.number(args, "counted", 0), Open: slices.Contains(args, "open")}
		if s.w.Spent(past, s.now) {
			s.say("spent")
			return
		}
		seq := s.w.Push(args[0], s.number(args, "size", 10), past, s.now)
		if seq == 0 {
			s.say("full")
			return
		}
		s.say("seq %d", seq)
	case "ack":
		s.ack(args)
	case "nack":
		ok, err := s.w.Nack(s.seq(args), s.duration(args, "after"), s.now)
		s.verdict(ok, err)
	case "refuse":
		it, ok, err := s.w.Refuse(s.seq(args))
		s.ended("refused", it, ok, err)
	case "remove":
		it, ok := s.w.Remove(s.seq(args))
		s.ended("removed", it, ok, nil)
	case "suspend":
		s.w.Suspend(s.hold(args[0]), s.now)
	case "resume":
		s.w.Resume(s.hold(args[0]), s.now)
	case "reconnect":
		s.reconnect(args)
	case "drain":
		s.items(s.w.Drain(nil))
	case "run":
		s.until(s.now + s.parse(args[0]))
	case "at":
		s.until(s.parse(args[0]))
	case "show":
		s.show()
	default:
		s.t.Fatalf("unknown command %q", words[0])
	}
}

func (s *stage) config(args []string) {
	c := DefaultConfig()
	c.JitterPercent = s.number(args, "jitter", 0)
	c.AttemptsTotal = s.number(args, "total", c.AttemptsTotal)
	c.MessagesMax = s.number(args, "messages", c.MessagesMax)
	c.BytesMax = s.number(args, "bytes", c.BytesMax)
	if list := value(args, "delays"); list != "" {
		c.Delays = nil
		for _, d := range strings.Split(list, ",") {
			c.Delays = append(c.Delays, s.parse(d))
		}
	}
	shared, err := NewWindows[string](c)
	if err != nil {
		s.t.Fatal(err)
	}
	s.w, s.now = shared.Open(1, 0), 0
}

func (s *stage) ack(args []string) {
	var ranges []sdk.SeqRange
	for _, a := range args[1:] {
		first, last, _ := strings.Cut(a, "-")
		ranges = append(ranges, sdk.SeqRange{First: s.seq([]string{first}), Last: s.seq([]string{last})})
	}
	items, err := s.w.Ack(s.seq(args), ranges, nil)
	if err != nil {
		s.say("error: %v", err)
	}
	s.items(items)
}

func (s *stage) reconnect(args []string) {
	if seen := value(args, "seen"); seen != "" {
		s.ack([]string{seen})
	}
	s.items(s.w.Reconnect(s.now, nil))
}

// until lets time pass, as an owner with a timer for NextDue does.
func (s *stage) until(end time.Duration) {
	for {
		next, ok := s.w.NextDue()
		if !ok || next > end {
			s.now = end
			return
		}
		s.now = max(s.now, next)
		s.items(s.w.Due(s.now, nil))
		if after, ok := s.w.NextDue(); ok && after <= s.now {
			s.t.Fatalf("%v: NextDue stays at %v", s.now, after)
		}
	}
}

func (s *stage) show() {
	next, ok := s.w.NextDue()
	s.say("%v: %d messages, %d bytes, last %d, full %v", s.now, s.w.Len(), s.w.Bytes(), s.w.Last(), s.w.Full())
	if ok {
		s.say("next due %v", next)
	}
	for it := range s.w.All() {
		s.say("%d %s: counted %d, attempts %d", it.Seq, it.Message, it.Past.Counted, it.Past.Attempts())
	}
}

func (s *stage) items(items []Item[string]) {
	for _, it := range items {
		verb := it.Verdict.String()
		if it.Verdict == None {
			verb = "out"
		}
		s.say("%v: %s %d %s, attempts %d", s.now, verb, it.Seq, it.Message, it.Past.Attempts())
	}
}

func (s *stage) ended(verb string, it Item[string], ok bool, err error) {
	if ok {
		s.say("%s %d %s, attempts %d", verb, it.Seq, it.Message, it.Past.Attempts())
		return
	}
	s.verdict(ok, err)
}

func (s *stage) verdict(ok bool, err error) {
	switch {
	case err != nil:
		s.say("error: %v", err)
	case !ok:
		s.say("not here")
	}
}

func (s *stage) hold(name string) Hold {
	h, ok := map[string]Hold{"congested": Congested, "detached": Detached, "unread": Unread}[name]
	if !ok {
		s.t.Fatalf("unknown hold %q", name)
	}
	return h
}

func (s *stage) parse(d string) time.Duration {
	v, err := time.ParseDuration(d)
	if err != nil {
		s.t.Fatal(err)
	}
	return v
}

func (s *stage) duration(args []string, key string) time.Duration {
	if d := value(args, key); d != "" {
		return s.parse(d)
	}
	return 0
}

func (s *stage) seq(args []string) uint64 {
	v, err := strconv.ParseUint(args[0], 10, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return v
}

func (s *stage) number(args []string, key string, otherwise int) int {
	text := value(args, key)
	if text == "" {
		return otherwise
	}
	v, err := strconv.Atoi(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return v
}

func value(args []string, key string) string {
	for _, a := range args {
		if v, ok := strings.CutPrefix(a, key+"="); ok {
			return v
		}
	}
	return ""
}
