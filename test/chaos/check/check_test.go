package check

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// story writes a log's lines, a millisecond apart.
type story struct {
	at    int64
	lines []string
}

func (s *story) event(kind string, fields ...string) *story {
	s.at += int64(time.Millisecond)
	s.lines = append(s.lines, strings.Join(append([]string{kind, strconv.FormatInt(s.at, 10)}, fields...), "\t"))
	return s
}

func (s *story) wait(d time.Duration) *story {
	s.at += int64(d)
	return s
}

func (s *story) publish(user string, number int) *story {
	n, id := strconv.Itoa(number), fmt.Sprintf("%s-%d", user, number)
	return s.event("try", "http", user, n, id).event("safe", "http", user, n, id, "stored")
}

func (s *story) push(user string, number int) *story {
	id := fmt.Sprintf("%s-%d", user, number)
	return s.pushed(user, number, id, Payload(Message{"http", user, number}, id, 100))
}

func (s *story) pushed(user string, number int, id, payload string) *story {
	return s.event("push", user+"#1", user, "d", strconv.Itoa(number+1), id, strconv.Quote(payload))
}

func (s *story) ack(user string, number int) *story {
	return s.event("ack", user+"#1", user, "d", strconv.Itoa(number+1), fmt.Sprintf("%s-%d", user, number))
}

func (s *story) events(t *testing.T) []Event {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "all.tsv"), []byte(strings.Join(s.lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	events, err := ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func (s *story) check(t *testing.T) *Report {
	t.Helper()
	return Check(s.events(t), AckGrace)
}

func TestGoodRunHasNoFault(t *testing.T) {
	s := (&story{}).event("start")
	s.publish("alice", 0).push("alice", 0).ack("alice", 0).publish("bob", 0).event("books", "0").event("kill").event("start")
	s.publish("alice", 1).push("alice", 1).push("alice", 1).ack("alice", 1).push("bob", 0).ack("bob", 0)
	r := s.check(t)
	if err := r.Err(); err != nil {
		t.Error(err)
	}
	if r.Owed != 3 || r.Delivered != 3 || r.Acked != 3 || r.Repeats != 1 || r.Kills != 1 || r.AckedByKill != 1 || r.BooksScrapes != 1 {
		t.Errorf("%+v", r)
	}
	if r.LastAckAfter != 7*time.Millisecond {
		t.Errorf("the last ack came %s after the start", r.LastAckAfter)
	}
}

// TestEveryFaultIsFound feeds logs with one fault each, and demands that it is found and no other.
func TestEveryFaultIsFound(t *testing.T) {
	whole := func(user string, number int, id string) string {
		return Payload(Message{"http", user, number}, id, 100)
	}
	faults := []struct {
		name string
		tell func(*story)
		want Report
	}{
		{"lost", func(s *story) { s.publish("alice", 0) }, Report{Lost: 1}},
		{"lost, though others came", func(s *story) { s.publish("alice", 0).publish("alice", 1).push("alice", 1) }, Report{Lost: 1}},
		{"another id on the frame", func(s *story) {
			s.publish("alice", 0).push("alice", 0).pushed("alice", 0, "made-up", whole("alice", 0, "alice-0"))
		}, Report{RepeatsOther: 1}},
		{"another id in frame and payload", func(s *story) {
			s.publish("alice", 0).push("alice", 0).pushed("alice", 0, "new", whole("alice", 0, "new"))
		}, Report{RepeatsOther: 1}},
		{"reordered", func(s *story) { s.publish("alice", 0).publish("alice", 1).push("alice", 1).push("alice", 0) }, Report{Reordered: 1}},
		{"one bit", func(s *story) {
			body := []byte(whole("alice", 0, "alice-0"))
			body[60] ^= 1
			s.publish("alice", 0).push("alice", 0).pushed("alice", 0, "alice-0", string(body))
		}, Report{Corrupt: 1}},
		{"cut short", func(s *story) {
			s.publish("alice", 0).push("alice", 0).pushed("alice", 0, "alice-0", whole("alice", 0, "alice-0")[:99])
		}, Report{Corrupt: 1}},
		{"empty", func(s *story) { s.publish("alice", 0).push("alice", 0).pushed("alice", 0, "alice-0", "") }, Report{Corrupt: 1}},
		{"wrong receiver", func(s *story) {
			s.publish("alice", 0).push("alice", 0).pushed("bob", 0, "alice-0", whole("alice", 0, "alice-0"))
		}, Report{WrongReceiver: 1}},
		{"unknown", func(s *story) { s.push("alice", 0) }, Report{Unknown: 1}},
		{"after an ack", func(s *story) {
			s.publish("alice", 0).push("alice", 0).ack("alice", 0).wait(time.Second).push("alice", 0)
		}, Report{AfterAck: 1}},
		{"books", func(s *story) { s.event("books", "0").event("books", "-1").event("books", "0") }, Report{BooksBad: 1}},
	}
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			s := &story{}
			f.tell(s)
			r := s.check(t)
			got := Report{Lost: r.Lost, RepeatsOther: r.RepeatsOther, Reordered: r.Reordered, Corrupt: r.Corrupt, WrongReceiver: r.WrongReceiver,
				Unknown: r.Unknown, AfterAck: r.AfterAck, BooksBad: r.BooksBad}
			if fmt.Sprint(got) != fmt.Sprint(f.want) {
				t.Errorf("found %+v, want %+v", got, f.want)
			}
			if r.Err() == nil || len(r.Faults) != 1 {
				t.Errorf("not told: %v", r.Faults)
			}
		})
	}
}

func TestWhatWasNotSafeIsNotOwed(t *testing.T) {
	r := (&story{}).event("try", "http", "alice", "0", "alice-0").event("refused", "http", "alice", "0", "alice-0", "503").check(t)
	if r.Owed != 0 || r.Err() != nil {
		t.Errorf("%s", r)
	}
}

func TestRepeatUnderWayBehindAnAckIsNoFault(t *testing.T) {
	s := (&story{}).publish("alice", 0).push("alice", 0).ack("alice", 0).push("alice", 0)
	if err := s.check(t).Err(); err != nil {
		t.Error(err)
	}
}

func TestAttemptsAreHeldAgainstTheSchedule(t *testing.T) {
	schedule := Schedule{Delays: []time.Duration{time.Second, 2 * time.Second}, Jitter: 0.1, Tick: 50 * time.Millisecond}
	faults := []struct {
		name  string
		waits []time.Duration
		want  Attempts
	}{
		{"on time", []time.Duration{950 * time.Millisecond, 2200 * time.Millisecond}, Attempts{Messages: 1, Again: 2}},
		{"early", []time.Duration{800 * time.Millisecond}, Attempts{Messages: 1, Again: 1, OffBeat: 1}},
		{"late", []time.Duration{time.Second, 2400 * time.Millisecond}, Attempts{Messages: 1, Again: 2, OffBeat: 1}},
		{"too often", []time.Duration{time.Second, 2 * time.Second, 4 * time.Second}, Attempts{Messages: 1, Again: 3, TooMany: 1}},
	}
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			s := (&story{}).push("alice", 0)
			for _, w := range f.waits {
				s.wait(w-time.Millisecond).push("alice", 0)
			}
			got := schedule.Attempts(s.events(t))
			if got.Messages != f.want.Messages || got.Again != f.want.Again || got.OffBeat != f.want.OffBeat || got.TooMany != f.want.TooMany {
				t.Errorf("%s", got)
			}
		})
	}
}

func TestLatencyIsFromTheFirstTryToTheFirstComing(t *testing.T) {
	s := (&story{}).publish("alice", 0).wait(10*time.Millisecond).push("alice", 0).wait(time.Second).push("alice", 0)
	all := Latencies(s.events(t), time.Time{}, time.Unix(10, 0))
	if len(all) != 1 || Percentile(all, 99) != 12*time.Millisecond {
		t.Errorf("%v", all)
	}
}

func TestLineOfAKilledProcessDoesNotCount(t *testing.T) {
	good := "start\t5\n"
	events, err := read(nil, strings.NewReader(good+"push\t6\tali"))
	if err != nil || len(events) != 1 {
		t.Errorf("%v, %v", events, err)
	}
	for _, bad := range []string{"what\t5\n", "start\n", "start\tx\n", "books\t5\tmany\n", "push\t5\tc\tu\td\tx\tid\t\"p\"\n", "push\t5\tc\tu\td\t1\tid\tp\n", "safe\t5\ts\tu\tone\tid\thow\n"} {
		if _, err := read(nil, strings.NewReader(bad)); err == nil {
			t.Errorf("%q is taken for an event", bad)
		}
	}
}

func TestLogIsReadAsItWasWritten(t *testing.T) {
	dir := t.TempDir()
	l, err := NewLog(filepath.Join(dir, "a.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	body := "tab\tand\nbreak\x00"
	l.Event("push", "c", "u", "d", "7", "id", strconv.Quote(body))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	events, err := ReadDir(dir)
	if err != nil || len(events) != 1 || events[0].Payload != body || events[0].Seq != 7 || time.Since(events[0].At) > time.Minute {
		t.Errorf("%+v, %v", events, err)
	}
}

func FuzzParseEvent(f *testing.F) {
	f.Add("push\t5\tc\tu\td\t1\tid\t\"payload\"")
	f.Add("safe\t5\thttp\tu\t0\tid\tstored")
	f.Add("books\t5\t0")
	f.Fuzz(func(t *testing.T, line string) {
		if e, err := ParseEvent(line); err == nil {
			parsePayload(e.Payload)
		}
	})
}
